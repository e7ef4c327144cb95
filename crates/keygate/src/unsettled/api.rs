//! `/api/v1/unsettled`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use http::StatusCode;
use rust_decimal::Decimal;
use seal::SecretText;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Row, Word};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, View},
    error::{Problem, Result},
    http::body::{Id, Json},
};

/// An order or a withdrawal of which nobody knows what became.
#[derive(Serialize, ToSchema)]
struct UnsettledOut {
    request_id: Uuid,
    /// Which order of a batch; 0 for the only one.
    place: i16,
    connection_id: Uuid,
    connection: String,
    exchange: String,
    /// `trade` or `withdraw`
    kind: String,
    /// Its market, or the asset that is withdrawn.
    symbol: Option<String>,
    /// What the exchange knows it by.
    client_id: Option<String>,
    /// What it holds.
    #[schema(value_type = Option<String>)]
    usd: Option<Decimal>,
    #[serde(with = "time::serde::rfc3339")]
    made_at: OffsetDateTime,
    /// The exchange is still being asked. Otherwise it is yours to settle.
    is_asked: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettleIn {
    /// Which order of a batch; 0 when absent.
    #[serde(default)]
    place: i16,
    /// True: it happened. False: it never did, and what it set aside is free again.
    happened: bool,
    /// Your password.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

impl UnsettledOut {
    fn of(app: &App, row: Row) -> Self {
        UnsettledOut {
            is_asked: row.is_asked(app),
            request_id: row.request_id,
            place: row.place,
            connection_id: row.connection_id,
            connection: row.connection_name,
            exchange: row.exchange,
            kind: row.kind,
            symbol: row.symbol,
            client_id: row.client_id,
            usd: row.usd.map(|usd| usd.normalize()),
            made_at: row.made_at,
        }
    }
}

/// Orders and withdrawals whose answer was lost, the latest first, 200 at most. What they set aside stays set aside.
#[utoipa::path(get, path = "/api/v1/unsettled", tag = "unsettled",
    responses((status = 200, body = Vec<UnsettledOut>)))]
async fn list(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<Vec<UnsettledOut>>> {
    let rows = super::list(&app, may.user()).await?;
    Ok(Answer(rows.into_iter().map(|row| UnsettledOut::of(&app, row)).collect()))
}

/// Say what became of one that the exchange cannot tell about: look there first. Needs the password.
#[utoipa::path(post, path = "/api/v1/unsettled/{id}", tag = "unsettled", request_body = SettleIn,
    params(("id" = Uuid, Path, description = "The request id of the call")), responses((status = 204),
        (status = 401, body = Problem, description = "The password is wrong."),
        (status = 403, body = Problem, description = "`step-up-required`: the password is missing."),
        (status = 404, body = Problem, description = "It is known by now."),
        (status = 409, body = Problem, description = "`being-asked`: the exchange may still say it."),
        (status = 429, body = Problem, description = "Too many attempts; see Retry-After.")))]
async fn settle(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    Id(id): Id,
    Json(input): Json<SettleIn>,
) -> Result<StatusCode> {
    let SettleIn { place, happened, password } = input;
    let word = Word { request: id, place, happened, password };
    super::settle(&app, &may.caller, &client, &origin, word).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(settle))
}
