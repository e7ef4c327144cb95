//! A reservation as PostgreSQL reads it: `keygate.held_call`, in the order of its columns.

use rust_decimal::Decimal;
use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, types::PgRecordEncoder},
};
use time::Duration;

use super::Intent;
use crate::gateway::{record::Line, spend::Reserve};

/// One order, or the withdrawal, of a call.
pub struct Held<'e> {
    line: &'e Line,
    place: i16,
    own: &'e Reserve,
    usd: Option<Decimal>,
    question: Option<String>,
}

/// What a call sets aside.
pub(super) fn held(intent: &Intent) -> impl Iterator<Item = Held<'_>> {
    (0i16..).zip(&intent.ask.reserve).map(|(place, own)| Held {
        line: &intent.line,
        place,
        own,
        usd: own.usd,
        question: own.question.as_ref().map(ToString::to_string),
    })
}

impl Encode<'_, Postgres> for Held<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Held { line, place, own, usd, question } = self;
        let mut row = PgRecordEncoder::new(buffer);
        row.encode(line.request_id)?
            .encode(*place)?
            .encode(line.user)?
            .encode(line.connection)?
            .encode(line.api_key)?
            .encode(line.access_key)?
            .encode(own.kind)?
            .encode(line.exchange.as_str())?
            .encode(line.environment.as_str())?
            .encode(own.symbol.as_deref())?
            .encode(own.buys.as_deref())?
            .encode(own.client_order_id.as_deref())?
            .encode(*usd)?
            .encode(question.as_deref())?
            .encode(line.at)?
            .encode(line.at + FIRST_QUESTION)?;
        row.finish();
        Ok(IsNull::No)
    }
}

impl Type<Postgres> for Held<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("keygate.held_call")
    }
}

impl PgHasArrayType for Held<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("keygate.held_call")
    }
}

/// A reservation nobody settled by then belonged to a process that died.
const FIRST_QUESTION: Duration = Duration::seconds(60);
