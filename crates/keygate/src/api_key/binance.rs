//! `/api/v1/api-keys`: the caller's one Binance key, named "Primary". `label` is the connection's label.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use http::StatusCode;
use rust_decimal::Decimal;
use seal::SecretText;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    auth::{Manage, May, Origin, View},
    connection::{self, Allow, Deletion, ExchangeKey, NewConnection, Row},
    error::{Code, Error, Problem, Result},
    http::body::{Json, Query},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApiKeyIn {
    api_key: String,
    #[schema(value_type = String, format = Password)]
    secret_key: SecretText,
    label: Option<String>,
    /// `production` when absent.
    environment: Option<String>,
    #[serde(default)]
    accept_withdraw: bool,
}

#[derive(Serialize, ToSchema)]
struct ApiKeyOut {
    id: Uuid,
    label: Option<String>,
    api_key_masked: String,
    is_valid: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    updated_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
struct BalanceOut {
    symbol: String,
    #[schema(value_type = String)]
    total: Decimal,
    #[schema(value_type = String)]
    available: Decimal,
    #[schema(value_type = String)]
    locked: Decimal,
    #[schema(value_type = Option<String>)]
    usd_value: Option<Decimal>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DeleteQuery {
    /// Only say what would go.
    #[serde(default)]
    dry_run: bool,
}

/// Store the Binance key after verifying it there.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "classic", request_body = ApiKeyIn, responses(
    (status = 200, body = ApiKeyOut), (status = 400, body = Problem, description = "Bad credentials, or there is a key."),
    (status = 500, body = Problem, description = "Binance cannot be reached.")))]
async fn create(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Json(input): Json<ApiKeyIn>,
) -> Result<Answer<ApiKeyOut>> {
    let new = NewConnection {
        exchange: EXCHANGE.to_owned(),
        environment: input.environment.unwrap_or_else(|| "production".to_owned()),
        name: NAME.to_owned(),
        label: connection::parse_label(input.label)?,
        key: ExchangeKey {
            api_key: input.api_key.trim().to_owned(),
            secret: input.secret_key,
            passphrase: None,
            options: exchange::Options::default(),
        },
        own_key: None,
        allow: Allow::default(),
        accept_withdraw: input.accept_withdraw,
    };
    if !connection::find_named(&app, may.user(), EXCHANGE, NAME).await?.is_empty() {
        return Err(Code::DuplicateKey.with("API key already exists for this user. Delete it first."));
    }
    let row = connection::add(&app, may.user(), new, &request).await.map_err(classic_status)?;
    Ok(Answer(row.into()))
}

/// The stored key, masked.
#[utoipa::path(get, path = "/api/v1/api-keys/me", tag = "classic", responses(
    (status = 200, body = ApiKeyOut), (status = 404, body = Problem, description = "There is no key.")))]
async fn show(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<ApiKeyOut>> {
    Ok(Answer(own(&app, may.user()).await?.into()))
}

/// What the account holds.
#[utoipa::path(get, path = "/api/v1/api-keys/balance", tag = "classic", responses(
    (status = 200, body = Vec<BalanceOut>), (status = 404, body = Problem), (status = 500, body = Problem)))]
async fn balance(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<Vec<BalanceOut>>> {
    let row = own(&app, may.user()).await?;
    let holdings = connection::balances(&app, may.user(), &row).await.map_err(classic_status)?;
    let out = holdings.into_iter().map(|held| BalanceOut {
        symbol: held.asset,
        total: held.free + held.used,
        available: held.free,
        locked: held.used,
        usd_value: held.usd_value,
    });
    Ok(Answer(out.collect()))
}

/// Delete the key with its bots. It signs nothing from now on, and can be restored for seven days.
#[utoipa::path(delete, path = "/api/v1/api-keys/me", tag = "classic", params(DeleteQuery), responses(
    (status = 200, body = Deletion), (status = 404, body = Problem),
    (status = 409, body = Problem, description = "There are several, in different environments.")))]
async fn delete(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Query(query): Query<DeleteQuery>,
) -> Result<Answer<Deletion>> {
    let row = own(&app, may.user()).await?;
    Ok(Answer(match query.dry_run {
        true => connection::preview(&app, may.user(), &row).await?,
        false => connection::delete(&app, may.user(), &row, &request).await?,
    }))
}

/// The one there is: of several nobody can tell which one is meant.
async fn own(app: &App, user: Uuid) -> Result<Row> {
    let mut found = connection::find_named(app, user, EXCHANGE, NAME).await?;
    match (found.pop(), found.is_empty()) {
        (Some(row), true) => Ok(row),
        (Some(_), false) => Err(Code::Duplicate.with(SEVERAL)),
        (None, _) => Err(Code::NotFound.with("No API key found for this user.")),
    }
}

/// These routes answer 500, not 502, when the exchange cannot be reached.
fn classic_status(error: Error) -> Error {
    match error.code {
        Code::ExchangeUnreachable => error.status(StatusCode::INTERNAL_SERVER_ERROR),
        _ => error,
    }
}

impl From<Row> for ApiKeyOut {
    fn from(row: Row) -> Self {
        let masked =
            row.public_key.as_deref().map_or_else(|| "********".to_owned(), connection::secrets::mask);
        ApiKeyOut {
            id: row.api_key_id,
            label: row.label,
            api_key_masked: masked,
            is_valid: row.public_key.is_some() && row.verification_status.as_deref() == Some("verified"),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(show, delete)).routes(routes!(balance))
}

const EXCHANGE: &str = "binance";
const NAME: &str = "Primary";
const SEVERAL: &str = "There are connections of this name in several environments. Name one by its id at /api/v1/connections/{id}.";
