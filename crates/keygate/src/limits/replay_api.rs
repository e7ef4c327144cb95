//! `/api/v1/connections/{id}/limits/replay`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State as Shared};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Patch, replay::would_have, template::patch_of};
use crate::{
    app::App,
    auth::{May, View},
    error::{Problem, Result},
    gateway::replay::{Example, Report, Rule},
    http::body::{Id, Json},
};

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayIn {
    /// `read-only`, `trade-limited` or `trade-full`, to start from.
    template: Option<String>,
    /// The limits to change, each with its new value; null takes one away. Without any, the limits as they are.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"max_trade_amount_usd": "500"}))]
    limits: Patch,
}

#[derive(Serialize, ToSchema)]
struct ReplayOut {
    /// The time gone through.
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// False: there were more calls, or it took longer, than is allowed; `from` and `to` say what was gone through.
    complete: bool,
    /// Calls gone through.
    calls: u64,
    /// Calls that would have been refused.
    denied: u64,
    rules: Vec<RuleOut>,
    /// Calls that a limit refused then, and that nothing which can be judged would refuse now.
    passes_now: u64,
    /// Calls refused then for what is no limit, such as a revoked key; left out.
    left_out: u64,
    /// Orders valued at today's prices, because nothing about them was limited in dollars then.
    estimated: u64,
    not_judged: Vec<UnjudgedOut>,
}

#[derive(Serialize, ToSchema)]
struct RuleOut {
    rule: &'static str,
    calls: u64,
    /// Of these, refused then as well.
    refused_then: u64,
    by_day: Vec<DayOut>,
    /// The first ones.
    examples: Vec<ExampleOut>,
}

#[derive(Serialize, ToSchema)]
struct DayOut {
    /// UTC
    #[schema(value_type = String, format = Date)]
    day: Date,
    calls: u64,
}

#[derive(Serialize, ToSchema)]
struct ExampleOut {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    request_id: Option<Uuid>,
    method: String,
    path: String,
    symbol: Option<String>,
    #[schema(value_type = Option<String>)]
    usd: Option<Decimal>,
    reason: String,
}

#[derive(Serialize, ToSchema)]
struct UnjudgedOut {
    rule: &'static str,
    reason: &'static str,
    calls: u64,
}

impl From<Report> for ReplayOut {
    fn from(report: Report) -> Self {
        let not_judged = report.not_judged();
        let not_judged = not_judged
            .map(|own| UnjudgedOut { rule: own.rule, reason: own.reason, calls: own.calls })
            .collect();
        ReplayOut {
            from: report.from,
            to: report.to,
            complete: report.is_complete(),
            calls: report.calls,
            denied: report.denied_calls(),
            passes_now: report.passes_now,
            left_out: report.refused_by_others,
            estimated: report.estimated,
            not_judged,
            rules: report.rules.into_iter().map(RuleOut::from).collect(),
        }
    }
}

impl From<(&'static str, Rule)> for RuleOut {
    fn from((rule, own): (&'static str, Rule)) -> Self {
        let by_day = own.by_day.into_iter().map(|(day, calls)| DayOut { day, calls }).collect();
        let examples = own.examples.into_iter().map(Into::into).collect();
        RuleOut { rule, calls: own.calls, refused_then: own.refused_then, by_day, examples }
    }
}

impl From<Example> for ExampleOut {
    fn from(own: Example) -> Self {
        let Example { at, request, method, path, symbol, usd, reason } = own;
        let usd = usd.map(|usd| usd.normalize());
        ExampleOut { at, request_id: request, method, path, symbol, usd, reason }
    }
}

/// What changed limits would have made of the calls of the last 30 days: by rule and day, with the first examples, and what
/// cannot be judged. Nothing is changed, and nothing is asked but prices.
#[utoipa::path(post, path = "/api/v1/connections/{id}/limits/replay", tag = "limits", params(("id" = Uuid, Path,)),
    request_body = ReplayIn, responses((status = 200, body = ReplayOut), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem, description = "Others do the same now.")))]
async fn replay(
    Shared(app): Shared<Arc<App>>,
    may: May<View>,
    Id(id): Id,
    Json(input): Json<ReplayIn>,
) -> Result<Answer<ReplayOut>> {
    let mut patch = patch_of(input.template.as_deref())?;
    patch.extend(input.limits);
    Ok(Answer(would_have(&app, may.user(), id, &patch).await?.into()))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(replay))
}
