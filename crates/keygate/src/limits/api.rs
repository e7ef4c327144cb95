//! `/api/v1/connections/{id}/limits`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State as Shared};
use http::StatusCode;
use rust_decimal::Decimal;
use seal::SecretText;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Delay, Limits, Patch, Pending, State, Trial, Usage, Wish, replay_api, template::patch_of, try_out,
};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, View},
    error::{Error, Problem, Result},
    gateway::preview::Preview,
    http::body::{Id, Json, Query},
};

#[derive(Serialize, ToSchema)]
struct LimitsOut {
    /// What is in force now.
    limits: Limits,
    /// The same in words.
    sentences: Vec<String>,
    /// Raised limits that wait.
    pending: Vec<PendingOut>,
    /// What is used of the windows that go on now.
    usage: Vec<UsageOut>,
}

#[derive(Serialize, ToSchema)]
struct UsageOut {
    /// `trade-day`, `withdraw-day`, `withdraw-month`, `requests-minute`, `requests-hour` or `requests-day`
    window: &'static str,
    /// Dollars, or requests.
    #[schema(value_type = String)]
    used: Decimal,
    #[schema(value_type = Option<String>)]
    limit: Option<Decimal>,
}

#[derive(Serialize, ToSchema)]
struct TriedOut {
    /// `allow` or `deny`
    decision: &'static str,
    /// The rule that decides.
    rule: Option<&'static str>,
    /// Its text.
    reason: Option<String>,
    /// What it is worth at most, as far as dollars are limited.
    #[schema(value_type = Option<String>)]
    usd: Option<Decimal>,
    /// What is used of the windows that go on now.
    usage: Vec<UsageOut>,
}

#[derive(Serialize, ToSchema)]
struct PendingOut {
    /// Which limit.
    member: String,
    /// What it will be.
    value: Value,
    #[serde(with = "time::serde::rfc3339")]
    asked_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    effective_at: OffsetDateTime,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeIn {
    /// `read-only`, `trade-limited` or `trade-full`, to start from.
    template: Option<String>,
    /// The limits to change, each with its new value; null takes one away.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"max_trade_amount_usd": "500", "allowed_symbols": ["BTC/USDT"]}))]
    limits: Patch,
    /// Your password: needed for whatever lets more through than before.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct CancelQuery {
    /// One limit; all without it.
    member: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct DelayOut {
    /// How long raised limits wait.
    seconds: i32,
    /// The shorter wait that was asked for.
    next_seconds: Option<i32>,
    /// From when on.
    #[serde(with = "time::serde::rfc3339::option")]
    next_at: Option<OffsetDateTime>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DelayIn {
    /// 0 to 2592000 (30 days).
    seconds: i32,
    /// Your password: another wait binds you as well as others.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

impl From<State> for LimitsOut {
    fn from(state: State) -> Self {
        let sentences = state.limits.sentences();
        LimitsOut {
            limits: state.limits,
            sentences,
            pending: state.pending.into_iter().map(Into::into).collect(),
            usage: state.usage.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Pending> for PendingOut {
    fn from(Pending { member, value, asked_at, effective_at }: Pending) -> Self {
        PendingOut { member, value, asked_at, effective_at }
    }
}

impl From<Usage> for UsageOut {
    fn from(Usage { window, used, limit }: Usage) -> Self {
        UsageOut { window, used: used.normalize(), limit }
    }
}

impl From<(Preview, State)> for TriedOut {
    fn from((Preview { usd, refused }, state): (Preview, State)) -> Self {
        let decision = if refused.is_some() { "deny" } else { "allow" };
        let (rule, reason) = refused.unzip();
        let usage = state.usage.into_iter().map(Into::into).collect();
        TriedOut { decision, rule, reason, usd: usd.map(|usd| usd.normalize()), usage }
    }
}

impl From<Delay> for DelayOut {
    fn from(delay: Delay) -> Self {
        let (next_seconds, next_at) = delay.next.unzip();
        DelayOut { seconds: delay.seconds, next_seconds, next_at }
    }
}

impl ChangeIn {
    fn patch(&self) -> Result<Patch> {
        let mut patch = patch_of(self.template.as_deref())?;
        patch.extend(self.limits.clone());
        match patch.is_empty() {
            true => Err(Error::field("/limits", "names no limit to change")),
            false => Ok(patch),
        }
    }
}

/// What the programs of a connection may do, and what is on its way.
#[utoipa::path(get, path = "/api/v1/connections/{id}/limits", tag = "limits", params(("id" = uuid::Uuid, Path,)),
    responses((status = 200, body = LimitsOut), (status = 404, body = Problem)))]
async fn show(Shared(app): Shared<Arc<App>>, may: May<View>, Id(id): Id) -> Result<Answer<LimitsOut>> {
    Ok(Answer(super::show(&app, may.user(), id).await?.into()))
}

/// Change limits. What lets less through is in force at once. What lets more through needs the password, and unless no
/// program has used the connection yet it waits: the answer is 202 then, with the time it takes effect.
#[utoipa::path(patch, path = "/api/v1/connections/{id}/limits", tag = "limits", params(("id" = uuid::Uuid, Path,)),
    request_body = ChangeIn, responses((status = 200, body = LimitsOut), (status = 202, body = LimitsOut),
        (status = 400, body = Problem), (status = 401, body = Problem, description = "The password is wrong."),
        (status = 403, body = Problem, description = "`step-up-required`: the password is missing."),
        (status = 404, body = Problem)))]
async fn change(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    Id(id): Id,
    Json(input): Json<ChangeIn>,
) -> Result<(StatusCode, Answer<LimitsOut>)> {
    let patch = input.patch()?;
    let wish = Wish { caller: &may.caller, client: &client, password: input.password, request };
    let state = super::change(&app, id, &patch, wish).await?;
    let waits = state.pending.iter().any(|pending| patch.contains_key(&pending.member));
    let status = if waits { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Answer(state.into())))
}

/// What would be decided about an order or a withdrawal now, and why. Nothing is placed and nothing is set aside; where a
/// limit depends on the account, the exchange is asked for its balances. Scopes, addresses and request counts of the
/// access keys are not looked at.
#[utoipa::path(post, path = "/api/v1/connections/{id}/limits/test", tag = "limits", params(("id" = uuid::Uuid, Path,)),
    request_body = Trial, responses((status = 200, body = TriedOut), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
async fn test(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    Id(id): Id,
    Json(trial): Json<Trial>,
) -> Result<Answer<TriedOut>> {
    Ok(Answer(try_out(&app, may.user(), id, trial).await?.into()))
}

/// Take back raised limits that wait.
#[utoipa::path(delete, path = "/api/v1/connections/{id}/limits/pending", tag = "limits",
    params(("id" = uuid::Uuid, Path,), CancelQuery), responses((status = 200, body = LimitsOut), (status = 404, body = Problem)))]
async fn cancel(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    Query(query): Query<CancelQuery>,
) -> Result<Answer<LimitsOut>> {
    Ok(Answer(super::cancel(&app, may.user(), id, query.member.as_deref(), &request).await?.into()))
}

/// How long raised limits wait.
#[utoipa::path(get, path = "/api/v1/me/limits-delay", tag = "limits", responses((status = 200, body = DelayOut)))]
async fn delay(Shared(app): Shared<Arc<App>>, may: May<View>) -> Result<Answer<DelayOut>> {
    Ok(Answer(super::delay(&app, may.user()).await?.into()))
}

/// A longer wait is in force at once, a shorter one only after the present wait.
#[utoipa::path(put, path = "/api/v1/me/limits-delay", tag = "limits", request_body = DelayIn,
    responses((status = 200, body = DelayOut), (status = 403, body = Problem)))]
async fn set_delay(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    Json(input): Json<DelayIn>,
) -> Result<Answer<DelayOut>> {
    let wish = Wish { caller: &may.caller, client: &client, password: input.password, request };
    Ok(Answer(super::set_delay(&app, input.seconds, wish).await?.into()))
}

/// Take back a shorter wait that waits itself.
#[utoipa::path(delete, path = "/api/v1/me/limits-delay", tag = "limits",
    responses((status = 200, body = DelayOut), (status = 404, body = Problem)))]
async fn cancel_delay(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    request: Origin,
) -> Result<Answer<DelayOut>> {
    Ok(Answer(super::cancel_delay(&app, may.user(), &request).await?.into()))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show, change))
        .routes(routes!(test))
        .routes(routes!(cancel))
        .routes(routes!(delay, set_delay, cancel_delay))
        .merge(replay_api::routes())
}
