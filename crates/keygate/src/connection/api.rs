//! `/api/v1/connections`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use http::StatusCode;
use seal::SecretText;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Allow, Change, ConnectionOut, Deletion, ExchangeKey, NewConnection, own_key};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, View},
    error::{Error, Problem, Result},
    http::body::{Id, Json, Query},
    user::StepUp,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConnectionIn {
    /// `binance`, `coinone`, …; see `/api/v1/exchanges`.
    exchange: String,
    /// `production` when absent.
    environment: Option<String>,
    /// `Primary` when absent.
    name: Option<String>,
    label: Option<String>,
    api_key: String,
    /// The secret, or the private key as PEM. Never shown again. Either this or `own_key`.
    #[schema(value_type = Option<String>, format = Password)]
    secret: Option<SecretText>,
    /// The id of a key made here (`/api/v1/connections/own-keys`) that `api_key` was given for.
    own_key: Option<Uuid>,
    #[schema(value_type = Option<String>, format = Password)]
    passphrase: Option<SecretText>,
    /// What bots may do besides reading; nothing when absent.
    permissions: Option<PermissionsIn>,
    /// Needed for a key that may withdraw.
    #[serde(default)]
    accept_withdraw: bool,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionsIn {
    #[serde(default)]
    pub trade: bool,
    #[serde(default)]
    pub withdraw: bool,
    #[serde(default)]
    pub transfer: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeIn {
    name: Option<String>,
    label: Option<String>,
    /// True makes it the one personal access keys use.
    is_default: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RestoreIn {
    /// Your password.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DeleteQuery {
    /// Only say what would go.
    #[serde(default)]
    dry_run: bool,
}

/// One generation of a key. A rotation adds one.
#[derive(Serialize, ToSchema)]
struct GenerationOut {
    id: Uuid,
    generation: i32,
    /// The connection signs with this one.
    is_current: bool,
    /// Tells two keys apart; says nothing about either.
    fingerprint: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    created_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    grace_ends_at: Option<OffsetDateTime>,
}

impl From<PermissionsIn> for Allow {
    fn from(input: PermissionsIn) -> Self {
        Allow { trade: input.trade, withdraw: input.withdraw, transfer: input.transfer }
    }
}

impl NewConnectionIn {
    async fn parse(self, app: &App, user: Uuid) -> Result<NewConnection> {
        let environment = self.environment.unwrap_or_else(|| exchange::PRODUCTION.to_owned());
        let secret = match (self.secret, self.own_key) {
            (Some(secret), None) => secret,
            (None, Some(id)) => own_key::open(app, user, id, &self.exchange, &environment).await?,
            (None, None) => {
                return Err(Error::field("/secret", "is missing: give it, or own_key for a key made here"));
            }
            (Some(_), Some(_)) => {
                return Err(Error::field("/own_key", "is given beside a secret: give exactly one of them"));
            }
        };
        Ok(NewConnection {
            name: super::parse_name(self.name.as_deref())?,
            label: parse_label(self.label)?,
            environment,
            exchange: self.exchange,
            key: ExchangeKey {
                api_key: self.api_key.trim().to_owned(),
                secret,
                passphrase: self.passphrase,
                options: exchange::Options::default(),
            },
            own_key: self.own_key,
            allow: self.permissions.unwrap_or_default().into(),
            accept_withdraw: self.accept_withdraw,
        })
    }
}

pub fn parse_label(label: Option<String>) -> Result<Option<String>> {
    match label.map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()) {
        Some(label) if label.chars().count() > 100 || label.chars().any(char::is_control) => {
            Err(Error::field("/label", "needs at most 100 characters"))
        }
        label => Ok(label),
    }
}

/// All connections, deleted ones included until they are destroyed.
#[utoipa::path(get, path = "/api/v1/connections", tag = "connections", responses((status = 200, body = Vec<ConnectionOut>)))]
async fn list(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<Vec<ConnectionOut>>> {
    Ok(Answer(super::list(&app, may.user()).await?.into_iter().map(Into::into).collect()))
}

/// Hand over an exchange key. It is verified at the exchange first; nothing is stored if that fails.
#[utoipa::path(post, path = "/api/v1/connections", tag = "connections", request_body = NewConnectionIn, responses(
    (status = 201, body = ConnectionOut),
    (status = 400, body = Problem, description = "Wrong key, wrong signature, clock skew, address not allowed, withdrawals allowed, duplicate, or a wrong member."),
    (status = 502, body = Problem, description = "The exchange cannot be reached.")))]
async fn create(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Json(input): Json<NewConnectionIn>,
) -> Result<(StatusCode, Answer<ConnectionOut>)> {
    let made = super::add(&app, may.user(), input.parse(&app, may.user()).await?, &request).await?;
    Ok((StatusCode::CREATED, Answer(made.into())))
}

/// One connection.
#[utoipa::path(get, path = "/api/v1/connections/{id}", tag = "connections", params(("id" = Uuid, Path,)),
    responses((status = 200, body = ConnectionOut), (status = 404, body = Problem)))]
async fn show(State(app): State<Arc<App>>, may: May<View>, Id(id): Id) -> Result<Answer<ConnectionOut>> {
    Ok(Answer(super::find(&app, may.user(), id).await?.into()))
}

/// Rename it, or make it the default. What its bots may do: `PATCH /api/v1/connections/{id}/limits`.
#[utoipa::path(patch, path = "/api/v1/connections/{id}", tag = "connections", params(("id" = Uuid, Path,)),
    request_body = ChangeIn, responses((status = 200, body = ConnectionOut), (status = 404, body = Problem)))]
async fn change(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    Json(input): Json<ChangeIn>,
) -> Result<Answer<ConnectionOut>> {
    let change = Change {
        name: input.name.map(|name| super::parse_name(Some(&name))).transpose()?,
        label: parse_label(input.label)?,
        is_default: input.is_default,
    };
    Ok(Answer(super::change(&app, may.user(), id, change, &request).await?.into()))
}

/// Disable it at once and destroy it after seven days; bots and access keys go with it.
#[utoipa::path(delete, path = "/api/v1/connections/{id}", tag = "connections", params(("id" = Uuid, Path,), DeleteQuery),
    responses((status = 200, body = Deletion), (status = 404, body = Problem)))]
async fn delete(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    Query(query): Query<DeleteQuery>,
) -> Result<Answer<Deletion>> {
    let row = super::find(&app, may.user(), id).await?;
    Ok(Answer(match query.dry_run {
        true => super::preview(&app, may.user(), &row).await?,
        false => super::delete(&app, may.user(), &row, &request).await?,
    }))
}

/// Undo a deletion within its seven days. Needs the password; the connection comes back paused.
#[utoipa::path(post, path = "/api/v1/connections/{id}/restore", tag = "connections", params(("id" = Uuid, Path,)),
    request_body = RestoreIn, responses((status = 200, body = ConnectionOut), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`step-up-required`: the password is missing."),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn restore(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    Id(id): Id,
    Json(input): Json<RestoreIn>,
) -> Result<Answer<ConnectionOut>> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: input.password };
    Ok(Answer(super::restore(&app, id, step_up, &request).await?.into()))
}

/// Ask the exchange again whether the key works and what it may do.
#[utoipa::path(post, path = "/api/v1/connections/{id}/check", tag = "connections", params(("id" = Uuid, Path,)),
    responses((status = 200, body = ConnectionOut), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 502, body = Problem)))]
async fn check(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
) -> Result<Answer<ConnectionOut>> {
    Ok(Answer(super::check(&app, may.user(), id, &request).await?.into()))
}

/// Stop signing with it, at once.
#[utoipa::path(post, path = "/api/v1/connections/{id}/pause", tag = "connections", params(("id" = Uuid, Path,)),
    responses((status = 200, body = ConnectionOut), (status = 404, body = Problem)))]
async fn pause(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
) -> Result<Answer<ConnectionOut>> {
    Ok(Answer(super::pause(&app, may.user(), id, &request).await?.into()))
}

/// Sign with it again.
#[utoipa::path(post, path = "/api/v1/connections/{id}/resume", tag = "connections", params(("id" = Uuid, Path,)),
    responses((status = 200, body = ConnectionOut), (status = 404, body = Problem)))]
async fn resume(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
) -> Result<Answer<ConnectionOut>> {
    Ok(Answer(super::resume(&app, may.user(), id, &request).await?.into()))
}

/// The generations of its key, newest first.
#[utoipa::path(get, path = "/api/v1/connections/{id}/keys", tag = "connections", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<GenerationOut>), (status = 404, body = Problem)))]
async fn keys(State(app): State<Arc<App>>, may: May<View>, Id(id): Id) -> Result<Answer<Vec<GenerationOut>>> {
    let rows = super::generations(&app, may.user(), id).await?;
    let out = rows.into_iter().map(|row| GenerationOut {
        id: row.id,
        generation: row.generation,
        is_current: row.is_current,
        fingerprint: row.fingerprint,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        grace_ends_at: row.grace_ends_at,
    });
    Ok(Answer(out.collect()))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(restore))
        .routes(routes!(check))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(keys))
        .merge(own_key::routes())
}
