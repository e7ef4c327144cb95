//! A line as PostgreSQL reads it: `keygate.call_record`, in the order of its columns; and its link in the chain of each log.

use serde_json::Value;
use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo},
};
use uuid::Uuid;

use super::Line;
use crate::audit::{CallRow, Chain, Count, Form, Link, UseRow, points, reasons};

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

/// The protocol's form of a row: how many columns there are, and each behind the number of its type. Written here, because
/// there are many for every call and a general encoder takes ten times as long.
impl Encode<'_, Postgres> for Row<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Row { id, line, summary, address, count, used, called } = self;
        let mut row = Form::new(buffer);
        row.number(COLUMNS);
        row.of(UUID).uuid(*id);
        row.of(TIMESTAMPTZ).time(line.at);
        for id in [line.user, line.request_id, line.api_key] {
            row.of(UUID).uuid(id);
        }
        for id in [line.access_key, Some(line.connection), line.bot] {
            row.of(UUID).uuid(id);
        }
        for text in [line.phase, &line.exchange, line.class, line.decision] {
            row.of(TEXT).text(text);
        }
        let summary = summary.as_deref();
        for text in [line.rule, Some(line.method), Some(&line.path), line.symbol.as_deref(), summary] {
            row.of(TEXT).text(text);
        }
        row.of(INET).network(Some(line.ip));
        row.of(TEXT).text(line.agent.as_deref());
        row.of(INT4).int(line.status);
        row.of(BOOL).bool(line.success);
        row.of(TEXT).text(line.error.as_deref());
        row.of(INT4).int(line.took_ms);
        row.of(TEXT).text(address.as_str());
        row.of(INT4).int(used.key);
        for link in [Some(used), called.as_ref()] {
            row.of(INT8).long(link.map(|link| link.seq));
            row.of(BYTEA).bytes(link.map(|link| &link.mac[..]));
        }
        row.of(TEXT).text(line.device.as_deref());
        for number in [count.day, count.month, points(line.score)] {
            row.of(INT4).int(number);
        }
        row.of(BOOL).bool(line.score.is_suspicious());
        row.of(TEXTS).texts(reasons(line.score).as_deref());
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

const COLUMNS: i32 = 35;
/// PostgreSQL's numbers of its own types (`pg_type.dat`); they never change.
const BOOL: u32 = 16;
const BYTEA: u32 = 17;
const INT8: u32 = 20;
const INT4: u32 = 23;
const TEXT: u32 = 25;
const INET: u32 = 869;
const TEXTS: u32 = 1009;
const TIMESTAMPTZ: u32 = 1184;
const UUID: u32 = 2950;
