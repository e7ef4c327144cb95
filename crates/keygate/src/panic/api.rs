//! `/api/v1/panic`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State as Shared};
use seal::SecretText;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Row, Scope, State};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, View},
    error::{Error, Problem, Result},
    http::body::Json,
};

#[derive(Serialize, ToSchema)]
struct PanicOut {
    /// What stands still; nothing when empty.
    in_force: Vec<StopOut>,
    /// The last call that was signed for you.
    last_signed: Option<LastOut>,
}

#[derive(Serialize, ToSchema)]
struct StopOut {
    /// `connection`, `own` or `site`
    scope: &'static str,
    connection_id: Option<Uuid>,
    reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
struct LastOut {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    request_id: Option<Uuid>,
    exchange: Option<String>,
    method: Option<String>,
    path: String,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StopIn {
    /// One connection; all of yours without it.
    connection_id: Option<Uuid>,
    /// Everybody's programs. Only for administrators.
    #[serde(default)]
    site: bool,
    /// A note for later, 500 characters at most.
    reason: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResumeIn {
    connection_id: Option<Uuid>,
    #[serde(default)]
    site: bool,
    /// Your password.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

impl From<State> for PanicOut {
    fn from(state: State) -> Self {
        let last = |last: super::Last| LastOut {
            at: last.at,
            request_id: last.request_id,
            exchange: last.exchange,
            method: last.method,
            path: last.path,
        };
        PanicOut {
            in_force: state.in_force.into_iter().map(Into::into).collect(),
            last_signed: state.last_signed.map(last),
        }
    }
}

impl From<Row> for StopOut {
    fn from(row: Row) -> Self {
        let scope = match row.scope() {
            Scope::Connection(_) => "connection",
            Scope::Own => "own",
            Scope::Site => "site",
        };
        StopOut { scope, connection_id: row.connection_id, since: row.started_at, reason: row.reason }
    }
}

fn scope(connection: Option<Uuid>, site: bool) -> Result<Scope> {
    match (connection, site) {
        (Some(_), true) => Err(Error::field("/site", "is given beside a connection: give one of them")),
        (Some(connection), false) => Ok(Scope::Connection(connection)),
        (None, true) => Ok(Scope::Site),
        (None, false) => Ok(Scope::Own),
    }
}

/// What stands still, and the last call that was signed.
#[utoipa::path(get, path = "/api/v1/panic", tag = "panic", responses((status = 200, body = PanicOut)))]
async fn show(Shared(app): Shared<Arc<App>>, may: May<View>) -> Result<Answer<PanicOut>> {
    Ok(Answer(super::show(&app, may.user()).await?.into()))
}

/// Stop all signing at once. `{}` stops everything of yours.
#[utoipa::path(post, path = "/api/v1/panic", tag = "panic", request_body = StopIn, responses(
    (status = 200, body = PanicOut), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn stop(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Json(input): Json<StopIn>,
) -> Result<Answer<PanicOut>> {
    let scope = scope(input.connection_id, input.site)?;
    let reason = input.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.chars().count() > 500) {
        return Err(Error::field("/reason", "may have 500 characters at most"));
    }
    Ok(Answer(super::start(&app, &may.caller, scope, reason, &request).await?.into()))
}

/// Sign again. Needs the password.
#[utoipa::path(post, path = "/api/v1/panic/resume", tag = "panic", request_body = ResumeIn, responses(
    (status = 200, body = PanicOut), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem, description = "Nothing of that stands still.")))]
async fn resume(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    Json(input): Json<ResumeIn>,
) -> Result<Answer<PanicOut>> {
    let scope = scope(input.connection_id, input.site)?;
    Ok(Answer(super::end(&app, &may.caller, &client, scope, input.password, &request).await?.into()))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show, stop)).routes(routes!(resume))
}
