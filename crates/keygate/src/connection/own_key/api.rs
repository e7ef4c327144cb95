//! `/api/v1/connections/own-keys`: keys made here that wait for their API key.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{NewOwnKey, Row};
use crate::{
    app::App,
    auth::{Manage, May, Origin, View},
    error::{Problem, Result},
    http::body::{Id, Json},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwnKeyIn {
    /// An exchange that takes public keys: `own_keys` of `/api/v1/exchanges` is not empty.
    exchange: String,
    /// `production` when absent.
    environment: Option<String>,
    /// `ed25519` or `rsa`, as far as the exchange takes it.
    kind: String,
}

/// A key made here. Its private half is sealed and never shown.
#[derive(Serialize, ToSchema)]
struct OwnKeyOut {
    id: Uuid,
    exchange: String,
    environment: String,
    kind: String,
    /// What the exchange wants pasted.
    public_key_pem: String,
    /// Where to paste it.
    paste: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Until then `POST /api/v1/connections` takes it, with the API key the exchange gave for it.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl OwnKeyOut {
    fn new(app: &App, row: Row) -> Self {
        OwnKeyOut {
            paste: super::paste(app, &row),
            id: row.id,
            exchange: row.exchange,
            environment: row.environment,
            kind: row.kind,
            public_key_pem: row.public_key_pem,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// The keys made here that wait for their API key, newest first.
#[utoipa::path(get, path = "/api/v1/connections/own-keys", operation_id = "list_own_keys", tag = "connections",
    responses((status = 200, body = Vec<OwnKeyOut>)))]
async fn list(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<Vec<OwnKeyOut>>> {
    let rows = super::list(&app, may.user()).await?;
    Ok(Answer(rows.into_iter().map(|row| OwnKeyOut::new(&app, row)).collect()))
}

/// Make a key here. Paste its public half at the exchange, then add the connection with `own_key` and the API key
/// the exchange gave.
#[utoipa::path(post, path = "/api/v1/connections/own-keys", operation_id = "make_own_key", tag = "connections",
    request_body = NewOwnKeyIn, responses((status = 201, body = OwnKeyOut),
    (status = 400, body = Problem, description = "The exchange takes no public keys, or not of this kind."),
    (status = 429, body = Problem, description = "Twenty keys wait already.")))]
async fn make(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Json(input): Json<NewOwnKeyIn>,
) -> Result<(StatusCode, Answer<OwnKeyOut>)> {
    let environment = input.environment.unwrap_or_else(|| exchange::PRODUCTION.to_owned());
    let new = NewOwnKey { exchange: input.exchange, environment, kind: input.kind };
    let made = super::make(&app, may.user(), new, &request).await?;
    Ok((StatusCode::CREATED, Answer(OwnKeyOut::new(&app, made))))
}

/// Destroy a key that waits. An API key the exchange gave for it is useless from then on.
#[utoipa::path(delete, path = "/api/v1/connections/own-keys/{id}", operation_id = "delete_own_key", tag = "connections",
    params(("id" = Uuid, Path,)), responses((status = 204), (status = 404, body = Problem)))]
async fn delete(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
) -> Result<StatusCode> {
    super::delete(&app, may.user(), id, &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(delete))
}
