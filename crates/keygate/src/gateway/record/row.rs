//! A line as PostgreSQL reads it: `keygate.call_record`, in the order of its columns.

use serde_json::Value;
use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, types::PgRecordEncoder},
};
use uuid::Uuid;

use super::Line;

pub struct Row<'l> {
    pub id: Uuid,
    pub line: &'l Line,
}

impl Encode<'_, Postgres> for Row<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Row { id, line } = self;
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
            .encode(line.summary.as_ref().map(Value::to_string))?
            .encode(line.ip)?
            .encode(line.agent.as_deref())?
            .encode(line.status)?
            .encode(line.success)?
            .encode(line.error.as_deref())?
            .encode(line.took_ms)?;
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
