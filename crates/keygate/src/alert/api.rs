//! `/api/v1/alerts`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Row, store};
use crate::{
    app::App,
    auth::{Manage, May, View},
    error::{Code, Problem, Result},
    http::body::{Id, Query},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AlertQuery {
    /// Also those that were acknowledged, or whose matter has ended
    #[serde(default)]
    all: bool,
}

#[derive(Serialize, ToSchema)]
struct AlertOut {
    id: Uuid,
    /// `suspicious`, `suspended`, `honey-key`, `raise-requested`, `raised`, `raise-cancelled`, `new-key`, `key-ends`,
    /// `password-changed` or `account`
    kind: String,
    /// `urgent`, `warning` or `notice`
    severity: String,
    /// What it is about. The same thing again is counted here while the alert is open.
    subject: String,
    text: String,
    connection_id: Option<Uuid>,
    /// Of the last time.
    request_id: Option<Uuid>,
    times: i32,
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    acknowledged_at: Option<OffsetDateTime>,
}

impl From<Row> for AlertOut {
    fn from(row: Row) -> Self {
        AlertOut {
            id: row.id,
            kind: row.kind,
            severity: row.severity,
            subject: row.subject,
            text: row.text,
            connection_id: row.connection_id,
            request_id: row.request_id,
            times: row.times,
            first_at: row.first_at,
            last_at: row.last_at,
            acknowledged_at: row.acknowledged_at,
        }
    }
}

/// What you should hear of: open alerts, or all of them, those that are open before the others; the last one first, 200 at most.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertQuery),
    responses((status = 200, body = Vec<AlertOut>), (status = 400, body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    may: May<View>,
    Query(query): Query<AlertQuery>,
) -> Result<Answer<Vec<AlertOut>>> {
    let rows = match query.all {
        true => store::all(&app, may.user()).await?,
        false => store::open(&app, may.user()).await?,
    };
    Ok(Answer(rows.into_iter().map(Into::into).collect()))
}

/// You have seen this one. A second time changes nothing.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn acknowledge(State(app): State<Arc<App>>, may: May<Manage>, Id(id): Id) -> Result<StatusCode> {
    let open = store::acknowledge(&app, may.user(), Some(id)).await? > 0;
    match open || store::exists(&app, may.user(), id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Code::NotFound.with("There is no such alert.")),
    }
}

/// You have seen everything that is open.
#[utoipa::path(post, path = "/api/v1/alerts/acknowledge", tag = "alerts", responses((status = 204)))]
async fn acknowledge_all(State(app): State<Arc<App>>, may: May<Manage>) -> Result<StatusCode> {
    store::acknowledge(&app, may.user(), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(acknowledge)).routes(routes!(acknowledge_all))
}
