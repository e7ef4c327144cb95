//! A line as PostgreSQL reads it: `keygate.call_record`, in the order of its columns; and its link in the chain of each log.

use serde_json::Value;
use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, types::PgRecordEncoder},
};
use uuid::Uuid;

use super::Line;
use crate::audit::{CallRow, Chain, Count, Link, UseRow, points, reasons};

pub struct Row<'l> {
    pub id: Uuid,
    pub line: &'l Line,
    summary: Option<String>,
    address: String,
    count: Count,
    used: Link,
    /// What was refused is no call to an exchange.
    called: Option<Link>,
}

impl<'l> Row<'l> {
    /// The next row of both chains: of uses, and of calls.
    pub fn new(id: Uuid, line: &'l Line, count: Count, [uses, calls]: &mut [Chain; 2]) -> Self {
        let summary = line.summary.as_ref().map(Value::to_string);
        let address = line.ip.ip().to_string();
        let used = uses.append(|form| line.as_use(id, count).write(form));
        let call = line.as_call(id, summary.as_deref(), &address);
        let called = (line.decision == "allow").then(|| calls.append(|form| call.write(form)));
        Row { id, line, summary, address, count, used, called }
    }
}

impl Line {
    fn as_use(&self, id: Uuid, count: Count) -> UseRow<'_> {
        UseRow {
            id,
            api_key: self.api_key,
            user: self.user,
            operation: if self.decision == "deny" { "deny" } else { "use" },
            endpoint: &self.path,
            method: Some(self.method),
            ip: Some(self.ip),
            agent: self.agent.as_deref(),
            device: self.device.as_deref(),
            status: self.status,
            success: self.success,
            error: self.error.as_deref(),
            count,
            score: self.score,
            at: self.at,
            request: Some(self.request_id),
            phase: self.phase,
            access_key: self.access_key,
            bot: self.bot,
            exchange: Some(&self.exchange),
            symbol: self.symbol.as_deref(),
            class: Some(self.class),
            decision: Some(self.decision),
            rule: self.rule,
            changed: None,
        }
    }

    fn as_call<'r>(&'r self, id: Uuid, summary: Option<&'r str>, address: &'r str) -> CallRow<'r> {
        CallRow {
            id,
            connection: self.connection,
            user: self.user,
            endpoint: &self.path,
            method: self.method,
            parameters: summary,
            status: self.status,
            took_ms: self.took_ms,
            success: self.success,
            error: self.error.as_deref(),
            address,
            agent: self.agent.as_deref(),
            at: self.at,
            request: self.request_id,
            phase: self.phase,
        }
    }
}

impl Encode<'_, Postgres> for Row<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Row { id, line, summary, address, count, used, called } = self;
        let mut row = PgRecordEncoder::new(buffer);
        row.encode(*id)?
            .encode(line.at)?
            .encode(line.user)?
            .encode(line.request_id)?
            .encode(line.api_key)?
            .encode(line.access_key)?
            .encode(line.connection)?
            .encode(line.bot)?
            .encode(line.phase)?
            .encode(line.exchange.as_str())?
            .encode(line.class)?
            .encode(line.decision)?
            .encode(line.rule)?
            .encode(line.method)?
            .encode(line.path.as_str())?
            .encode(line.symbol.as_deref())?
            .encode(summary.as_deref())?
            .encode(line.ip)?
            .encode(line.agent.as_deref())?
            .encode(line.status)?
            .encode(line.success)?
            .encode(line.error.as_deref())?
            .encode(line.took_ms)?
            .encode(address.as_str())?
            .encode(used.key)?
            .encode(used.seq)?
            .encode(&used.mac[..])?
            .encode(called.as_ref().map(|link| link.seq))?
            .encode(called.as_ref().map(|link| &link.mac[..]))?
            .encode(line.device.as_deref())?
            .encode(count.day)?
            .encode(count.month)?
            .encode(points(line.score))?
            .encode(line.score.is_suspicious())?
            .encode(reasons(line.score))?;
        row.finish();
        Ok(IsNull::No)
    }
}

impl Type<Postgres> for Row<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("keygate.call_record")
    }
}

impl PgHasArrayType for Row<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("keygate.call_record")
    }
}
