//! `/api/v1/bots`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use http::StatusCode;
use seal::SecretText;
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Change, NewBot, Pending, Row};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, View},
    error::{Problem, Result},
    http::body::{Id, Json},
    user::StepUp,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBotIn {
    connection_id: Uuid,
    name: String,
    /// The only symbol it may trade, such as `BTC/USDT`; null or absent: any.
    symbol: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeIn {
    name: Option<String>,
    /// Null lifts the restriction; absent leaves it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    symbol: Option<Option<String>>,
    /// False: its access keys stop working until it is true again.
    is_active: Option<bool>,
    /// Your password: needed for another symbol than the one it has, and for none.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

/// A symbol that waits.
#[derive(Serialize, ToSchema)]
struct PendingOut {
    /// Null: any.
    symbol: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    asked_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    effective_at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
pub struct BotOut {
    id: Uuid,
    connection_id: Uuid,
    connection_name: String,
    api_key_id: Uuid,
    exchange: String,
    environment: String,
    name: String,
    symbol: Option<String>,
    /// The symbol that was asked for and waits.
    pending_symbol: Option<PendingOut>,
    is_active: bool,
    active_access_keys: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Row> for BotOut {
    fn from(row: Row) -> Self {
        let pending = row.pending().map(|Pending { symbol, asked_at, effective_at }| PendingOut {
            symbol,
            asked_at,
            effective_at,
        });
        BotOut {
            id: row.id,
            connection_id: row.connection_id,
            connection_name: row.connection_name,
            api_key_id: row.api_key_id,
            exchange: row.exchange,
            environment: row.environment,
            name: row.name,
            symbol: row.symbol,
            pending_symbol: pending,
            is_active: row.is_active,
            active_access_keys: row.active_access_keys,
            last_used_at: row.last_used_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// All bots.
#[utoipa::path(get, path = "/api/v1/bots", tag = "bots", responses((status = 200, body = Vec<BotOut>)))]
async fn list(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<Vec<BotOut>>> {
    Ok(Answer(super::list(&app, may.user()).await?.into_iter().map(Into::into).collect()))
}

/// Make a bot on a connection. Give it a virtual pair next: `POST /api/v1/bots/{id}/access-keys`.
#[utoipa::path(post, path = "/api/v1/bots", tag = "bots", request_body = NewBotIn, responses(
    (status = 201, body = BotOut), (status = 404, body = Problem, description = "There is no such connection."),
    (status = 409, body = Problem, description = "A bot with this name exists.")))]
async fn create(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    origin: Origin,
    Json(input): Json<NewBotIn>,
) -> Result<(StatusCode, Answer<BotOut>)> {
    let new = NewBot {
        connection: input.connection_id,
        name: super::parse_name(&input.name)?,
        symbol: super::parse_symbol(input.symbol)?,
    };
    Ok((StatusCode::CREATED, Answer(super::create(&app, may.user(), new, &origin).await?.into())))
}

/// One bot.
#[utoipa::path(get, path = "/api/v1/bots/{id}", tag = "bots", params(("id" = Uuid, Path,)),
    responses((status = 200, body = BotOut), (status = 404, body = Problem)))]
async fn show(State(app): State<Arc<App>>, may: May<View>, Id(id): Id) -> Result<Answer<BotOut>> {
    Ok(Answer(super::find(&app, may.user(), id).await?.into()))
}

/// Rename it, restrict it to a symbol, stop or start it. Another symbol than the one it has, or none, needs the password, and
/// unless no program has used the connection yet it waits as raised limits do: the answer is 202 then.
#[utoipa::path(patch, path = "/api/v1/bots/{id}", tag = "bots", params(("id" = Uuid, Path,)), request_body = ChangeIn,
    responses((status = 200, body = BotOut), (status = 202, body = BotOut),
        (status = 401, body = Problem, description = "The password is wrong."),
        (status = 403, body = Problem, description = "`step-up-required`: the password is missing."),
        (status = 404, body = Problem)))]
async fn change(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    Id(id): Id,
    Json(input): Json<ChangeIn>,
) -> Result<(StatusCode, Answer<BotOut>)> {
    let name = input.name.map(|name| super::parse_name(&name)).transpose()?;
    let symbol = input.symbol.map(super::parse_symbol).transpose()?;
    let step_up = StepUp { caller: &may.caller, client: &client, password: input.password };
    let asked = symbol.is_some();
    let change = Change { name, symbol, is_active: input.is_active };
    let bot = super::change(&app, id, change, step_up, &origin).await?;
    let status = if asked && bot.pending().is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Answer(bot.into())))
}

/// Take back a symbol that waits.
#[utoipa::path(delete, path = "/api/v1/bots/{id}/pending-symbol", tag = "bots", params(("id" = Uuid, Path,)),
    responses((status = 200, body = BotOut), (status = 404, body = Problem)))]
async fn cancel(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    origin: Origin,
    Id(id): Id,
) -> Result<Answer<BotOut>> {
    Ok(Answer(super::cancel(&app, may.user(), id, &origin).await?.into()))
}

/// Take the bot and its access keys away, for good.
#[utoipa::path(delete, path = "/api/v1/bots/{id}", tag = "bots", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn delete(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    origin: Origin,
    Id(id): Id,
) -> Result<StatusCode> {
    super::delete(&app, may.user(), id, &origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells null from absent.
fn given<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(input).map(Some)
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(cancel))
}
