//! `/api/v1/panic`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State as Shared};
use seal::SecretText;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Row, Scope, State, Stop, Sum, Sweep, note};
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
    /// Its name.
    connection: Option<String>,
    reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// What becomes of open orders, if they are to be taken back.
    orders: Option<OrdersOut>,
}

#[derive(Serialize, ToSchema)]
struct OrdersOut {
    #[serde(with = "time::serde::rfc3339")]
    asked_at: OffsetDateTime,
    /// Nothing is under way any more. Until then ask again.
    finished: bool,
    /// Your connections, one by one.
    connections: Vec<SweepOut>,
    /// Of everybody together: when the whole site was stopped, for administrators.
    everybody: Option<SumOut>,
}

#[derive(Serialize, ToSchema)]
struct SweepOut {
    connection_id: Uuid,
    name: String,
    exchange: String,
    /// `waiting`, `running` or `ended`
    state: &'static str,
    /// Orders that were open.
    found: i32,
    cancelled: i32,
    /// Filled, or taken back by somebody else meanwhile.
    gone: i32,
    /// Those that are open still, and why.
    still_open: Vec<StillOpenOut>,
    /// Why it could not be done, or not wholly.
    problem: Option<String>,
    /// What was not looked at.
    note: Option<String>,
}

/// An order that could not be taken back.
#[derive(Deserialize, Serialize, ToSchema)]
pub(super) struct StillOpenOut {
    /// The exchange's id.
    pub order: String,
    pub market: String,
    pub reason: String,
}

#[derive(Serialize, ToSchema)]
struct SumOut {
    connections: i64,
    ended: i64,
    found: i64,
    cancelled: i64,
    still_open: i64,
    /// Connections with a problem.
    problems: i64,
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
    /// A note for later; 500 characters of it are kept.
    reason: Option<String>,
    /// Then take back open orders. The answer comes before that is done: ask again until `orders.finished`.
    #[serde(default)]
    cancel_orders: bool,
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
        let stops = state.in_force.iter().map(|row| StopOut::new(row, &state)).collect();
        PanicOut { in_force: stops, last_signed: state.last_signed.map(last) }
    }
}

impl StopOut {
    fn new(row: &Row, state: &State) -> Self {
        let orders = row.cancel_asked_at.map(|asked_at| OrdersOut {
            asked_at,
            finished: state.is_finished(row),
            connections: state.sweeps_of(row).map(SweepOut::from).collect(),
            everybody: state.everybody_of(row).map(SumOut::from),
        });
        let scope = match row.scope() {
            Scope::Connection(_) => "connection",
            Scope::Own => "own",
            Scope::Site => "site",
        };
        StopOut {
            scope,
            connection_id: row.connection_id,
            connection: row.connection.clone(),
            since: row.started_at,
            reason: row.reason.clone(),
            orders,
        }
    }
}

impl From<&Sweep> for SweepOut {
    fn from(own: &Sweep) -> Self {
        SweepOut {
            connection_id: own.connection_id,
            name: own.name.clone(),
            exchange: own.exchange.clone(),
            state: own.state(),
            found: own.found,
            cancelled: own.cancelled,
            gone: own.gone,
            still_open: own.still_open(),
            problem: own.problem.clone(),
            note: own.note.clone(),
        }
    }
}

impl From<&Sum> for SumOut {
    fn from(sum: &Sum) -> Self {
        let Sum { connections, ended, found, cancelled, still_open, problems } = *sum;
        SumOut { connections, ended, found, cancelled, still_open, problems }
    }
}

impl Sweep {
    pub(super) fn state(&self) -> &'static str {
        match (self.is_taken, self.ended_at) {
            (_, Some(_)) => "ended",
            (true, None) => "running",
            (false, None) => "waiting",
        }
    }

    /// A list in another form is none of ours.
    pub(super) fn still_open(&self) -> Vec<StillOpenOut> {
        serde_json::from_value(self.still_open.clone()).unwrap_or_default()
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
    Ok(Answer(super::show(&app, &may.caller).await?.into()))
}

/// Stop all signing at once. `{}` stops everything of yours. With `cancel_orders` Keygate itself then takes open orders back.
#[utoipa::path(post, path = "/api/v1/panic", tag = "panic", request_body = StopIn, responses(
    (status = 200, body = PanicOut), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn stop(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Json(input): Json<StopIn>,
) -> Result<Answer<PanicOut>> {
    let scope = scope(input.connection_id, input.site)?;
    let reason = input.reason.as_deref().and_then(note);
    let stop = Stop { scope, reason: reason.as_deref(), cancel_orders: input.cancel_orders };
    Ok(Answer(super::start(&app, &may.caller, stop, &request).await?.into()))
}

/// Sign again. Needs the password.
#[utoipa::path(post, path = "/api/v1/panic/resume", tag = "panic", request_body = ResumeIn, responses(
    (status = 200, body = PanicOut), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem, description = "Nothing of that stands still."),
    (status = 429, body = Problem, description = "Too many attempts; see Retry-After.")))]
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
