//! `/api/v1/access-keys` (the personal key) and `/api/v1/bots/{id}/access-keys` (virtual pairs).

use std::sync::Arc;

use axum::{Extension, Json as Answer, extract::State};
use http::StatusCode;
use seal::SecretText;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Bounds, Issued, NewPair, NewPersonal, PAIR_DAYS, PERSONAL_DAYS, Row};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, View},
    bot,
    error::{Problem, Result},
    http::body::{Id, Json},
    idempotency::{NewId, ShownOnce},
    limits::network_text,
    user::StepUp,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPersonalIn {
    name: Option<String>,
    /// One or more of `read`, `manage`, `trade`.
    #[serde(default = "default_scopes")]
    scopes: Vec<String>,
    /// 1 to 365; 90 when absent.
    expires_in_days: Option<i64>,
    /// Addresses and networks that calls with it may come from; anywhere when absent.
    #[schema(example = json!(["10.0.0.5", "10.1.0.0/16"]))]
    allowed_ip_addresses: Option<Vec<String>>,
    /// Your password: needed for more than `read`, unless you signed in within the last five minutes.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPairIn {
    name: Option<String>,
    /// Any of `read`, `trade`, `transfer`, `withdraw` that the connection allows; all of them when absent.
    scopes: Option<Vec<String>>,
    /// A honey key: it exists only to be stolen, signs nothing, and any use of it is an alarm.
    #[serde(default)]
    honey: bool,
    /// 1 to 365; 365 when absent.
    expires_in_days: Option<i64>,
    /// Addresses and networks that calls with it may come from; wherever the connection allows when absent.
    #[schema(example = json!(["10.0.0.5", "10.1.0.0/16"]))]
    allowed_ip_addresses: Option<Vec<String>>,
    /// Your password: needed for more than `read`, unless you signed in within the last five minutes.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

#[derive(Serialize, ToSchema)]
pub struct AccessKeyOut {
    id: Uuid,
    bot_id: Option<Uuid>,
    name: Option<String>,
    /// The public part: tells keys apart and opens nothing.
    prefix: String,
    scopes: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
    /// Bait: signs nothing, and any use of it is an alarm.
    honey: bool,
    /// Calls with it may come from there only; null is anywhere.
    allowed_ip_addresses: Option<Vec<String>>,
}

/// A new key. This answer is the only place its secrets ever appear.
#[derive(Serialize, ToSchema)]
struct IssuedOut {
    #[serde(flatten)]
    key: AccessKeyOut,
    /// The whole token, for `Authorization: Bearer` or `X-Keygate-Key`.
    token: String,
    /// What a client library takes for the exchange's key and secret.
    virtual_pair: Option<PairOut>,
}

#[derive(Serialize, ToSchema)]
struct PairOut {
    api_key: String,
    secret: String,
    passphrase: Option<String>,
}

impl From<Row> for AccessKeyOut {
    fn from(row: Row) -> Self {
        AccessKeyOut {
            id: row.id,
            bot_id: row.bot_id,
            name: row.name,
            prefix: row.key_prefix,
            scopes: row.scopes,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            honey: row.honey,
            allowed_ip_addresses: row.addresses.map(|list| list.iter().map(network_text).collect()),
        }
    }
}

impl From<Issued> for IssuedOut {
    fn from(issued: Issued) -> Self {
        let virtual_pair = issued.pair.map(|pair| PairOut {
            api_key: pair.key,
            secret: pair.secret.expose().to_owned(),
            passphrase: pair.passphrase.map(|text| text.expose().to_owned()),
        });
        IssuedOut { key: issued.row.into(), token: issued.token.expose().to_owned(), virtual_pair }
    }
}

/// The personal access keys, newest first; at most one is active.
#[utoipa::path(get, path = "/api/v1/access-keys", tag = "access keys", responses((status = 200, body = Vec<AccessKeyOut>)))]
async fn list_personal(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<Vec<AccessKeyOut>>> {
    let rows = super::list(&app, may.user(), None).await?;
    Ok(Answer(rows.into_iter().map(Into::into).collect()))
}

/// Make the personal access key. Shown once.
#[utoipa::path(post, path = "/api/v1/access-keys", tag = "access keys", request_body = NewPersonalIn, responses(
    (status = 201, body = IssuedOut), (status = 403, body = Problem, description = "`step-up-required`: the password is missing."),
    (status = 409, body = Problem, description = "There is an active one.")))]
async fn create_personal(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    Json(input): Json<NewPersonalIn>,
) -> Result<(StatusCode, Extension<ShownOnce>, Answer<IssuedOut>)> {
    let days = input.expires_in_days.unwrap_or(PERSONAL_DAYS);
    let bounds = Bounds::parse(&app, days, input.allowed_ip_addresses.as_deref())?;
    let new = NewPersonal::parse(input.name, input.scopes, bounds)?;
    let step_up = StepUp { caller: &may.caller, client: &client, password: input.password };
    let issued = super::create_personal(&app, new, step_up, &origin).await?;
    Ok((StatusCode::CREATED, Extension(ShownOnce), Answer(issued.into())))
}

/// Revoke a key of either kind. It stops working at once; the row stays as a record.
#[utoipa::path(delete, path = "/api/v1/access-keys/{id}", tag = "access keys", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn revoke(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Id(id): Id,
    origin: Origin,
) -> Result<StatusCode> {
    super::revoke(&app, may.user(), id, &origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A bot's virtual pairs.
#[utoipa::path(get, path = "/api/v1/bots/{id}/access-keys", tag = "bots", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<AccessKeyOut>), (status = 404, body = Problem)))]
async fn list_for_bot(
    State(app): State<Arc<App>>,
    may: May<View>,
    Id(id): Id,
) -> Result<Answer<Vec<AccessKeyOut>>> {
    let bot = bot::find(&app, may.user(), id).await?;
    let rows = super::list(&app, may.user(), Some(bot.id)).await?;
    Ok(Answer(rows.into_iter().map(Into::into).collect()))
}

/// Make a virtual pair in the exchange's own format. Shown once.
#[utoipa::path(post, path = "/api/v1/bots/{id}/access-keys", tag = "bots", params(("id" = Uuid, Path,)),
    request_body = NewPairIn, responses((status = 201, body = IssuedOut),
        (status = 403, body = Problem, description = "`step-up-required`: the password is missing."),
        (status = 404, body = Problem)))]
async fn create_for_bot(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    Id(id): Id,
    origin: Origin,
    NewId(new): NewId,
    Json(input): Json<NewPairIn>,
) -> Result<(StatusCode, Extension<ShownOnce>, Answer<IssuedOut>)> {
    let bot = bot::find(&app, may.user(), id).await?;
    let days = input.expires_in_days.unwrap_or(PAIR_DAYS);
    let bounds = Bounds::parse(&app, days, input.allowed_ip_addresses.as_deref())?;
    let name = super::parse_name(input.name)?;
    let new = NewPair { id: new, name, scopes: input.scopes, honey: input.honey, bounds };
    let step_up = StepUp { caller: &may.caller, client: &client, password: input.password };
    let issued = super::create_for_bot(&app, &bot, new, step_up, &origin).await?;
    Ok((StatusCode::CREATED, Extension(ShownOnce), Answer(issued.into())))
}

fn default_scopes() -> Vec<String> {
    vec!["read".to_owned()]
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_personal, create_personal))
        .routes(routes!(revoke))
        .routes(routes!(list_for_bot, create_for_bot))
}
