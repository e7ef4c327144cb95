//! `/api/v1/suspensions`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use seal::SecretText;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Row, Signal};
use crate::{
    app::App,
    auth::{Manage, May, Origin, View},
    error::{Problem, Result},
    http::body::{Id, Json},
};

/// An access key that stands still, or did.
#[derive(Serialize, ToSchema)]
struct SuspensionOut {
    id: Uuid,
    access_key_id: Uuid,
    /// The public part of the key.
    key_prefix: String,
    bot_id: Option<Uuid>,
    bot_name: Option<String>,
    connection_id: Uuid,
    /// The call that was too much; its record has the same id.
    request_id: Uuid,
    /// Where that came from.
    ip: String,
    /// Two letters, if a GeoIP file says so.
    country: Option<String>,
    user_agent: Option<String>,
    /// 0 to 100.
    score: i32,
    reasons: Vec<ReasonOut>,
    #[serde(with = "time::serde::rfc3339")]
    suspended_at: OffsetDateTime,
    /// Null while the key stands still.
    #[serde(with = "time::serde::rfc3339::option")]
    confirmed_at: Option<OffsetDateTime>,
    /// It stands still for good since then.
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
struct ReasonOut {
    /// As in records, for example `new-country`.
    name: String,
    text: &'static str,
    points: u32,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmIn {
    /// Your password.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

impl From<Row> for SuspensionOut {
    fn from(row: Row) -> Self {
        let reasons = row.signals().map(|own| ReasonOut {
            name: own.name().to_owned(),
            text: own.words(),
            points: own.points(),
        });
        SuspensionOut {
            reasons: reasons.collect(),
            id: row.id,
            access_key_id: row.access_key_id,
            key_prefix: row.key_prefix,
            bot_id: row.bot_id,
            bot_name: row.bot_name,
            connection_id: row.connection_id,
            request_id: row.request_id,
            ip: row.address.ip().to_string(),
            country: row.country,
            user_agent: row.agent,
            score: row.score,
            suspended_at: row.suspended_at,
            confirmed_at: row.confirmed_at,
            revoked_at: row.revoked_at,
        }
    }
}

impl Row {
    /// Why it was suspended.
    pub fn signals(&self) -> impl Iterator<Item = Signal> {
        self.reasons.iter().filter_map(|name| Signal::named(name))
    }
}

/// Access keys that stand still, and then those that did; the latest first.
#[utoipa::path(get, path = "/api/v1/suspensions", tag = "suspensions",
    responses((status = 200, body = Vec<SuspensionOut>)))]
async fn list(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<Vec<SuspensionOut>>> {
    Ok(Answer(super::list(&app, may.user()).await?.into_iter().map(Into::into).collect()))
}

/// Say that the call was yours: the key signs again. Needs the password. If it was not yours, revoke the key instead.
#[utoipa::path(post, path = "/api/v1/suspensions/{id}/confirm", tag = "suspensions", params(("id" = Uuid, Path,)),
    request_body = ConfirmIn, responses((status = 200, body = SuspensionOut), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 429, body = Problem, description = "Too many attempts; see Retry-After.")))]
async fn confirm(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Id(id): Id,
    origin: Origin,
    Json(input): Json<ConfirmIn>,
) -> Result<Answer<SuspensionOut>> {
    Ok(Answer(super::confirm(&app, &may.caller, &origin, id, input.password).await?.into()))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(confirm))
}
