//! `/api/v1/activity`.

use std::sync::Arc;

use axum::{Json as Answer, extract::State, response::Response};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{CLASSES, Cursor, Entry, Filter, OUTCOMES, access_key, export, parse_moment, word};
use crate::{
    app::App,
    auth::{May, View},
    error::{Error, Problem, Result},
    http::body::Query,
};

/// Filters; every one that is given has to fit.
#[derive(Clone, Default, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ActivityQuery {
    pub connection: Option<Uuid>,
    pub bot: Option<Uuid>,
    /// The `api_key_id` of entries: finds also what was done with a connection that is gone
    pub api_key: Option<Uuid>,
    pub exchange: Option<String>,
    /// `allow`, `deny`, `failed` (allowed, and the exchange said no), `unknown` (its answer was lost) or `management`
    pub decision: Option<String>,
    /// `use`, `deny`, `create`, `verify`, `change`, `bot-stop`, `limits`, …: docs/audit.md lists all
    pub operation: Option<String>,
    /// `read`, `trade`, `transfer`, `withdraw`, `finance`, `subaccount`, `session` or `keyadmin`
    pub class: Option<String>,
    pub request_id: Option<Uuid>,
    /// The id of an access key, or its prefix; also of one that is gone
    pub access_key: Option<String>,
    /// The rule that decided a denial
    pub rule: Option<String>,
    /// An address, or a network such as `10.0.0.0/24`
    pub address: Option<String>,
    /// True: only what the score of its risk makes suspicious
    pub suspicious: Option<bool>,
    /// True: one entry for a call whose outcome is known, without its intent
    pub together: Option<bool>,
    /// RFC 3339; without a zone it is UTC
    pub since: Option<String>,
    /// RFC 3339; without a zone it is UTC
    pub until: Option<String>,
    /// 1 to 200; 50 when absent
    pub limit: Option<i64>,
    /// `next_cursor` of the page before
    pub cursor: Option<String>,
    /// Of the export: `jsonl` (default) or `csv`
    pub format: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct PageOut {
    items: Vec<EntryOut>,
    /// Pass as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// One thing that happened. Money-moving calls leave two: the intent before, the outcome after.
#[derive(Serialize, ToSchema)]
pub struct EntryOut {
    pub id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub operation: String,
    /// `intent`, `outcome` or `event`
    pub phase: String,
    pub request_id: Option<Uuid>,
    pub exchange: Option<String>,
    pub connection_id: Option<Uuid>,
    pub connection: Option<String>,
    pub bot_id: Option<Uuid>,
    pub bot: Option<String>,
    pub access_key: Option<String>,
    /// The exchange key it is about; of what is done to an account, the account.
    pub api_key_id: Uuid,
    pub method: Option<String>,
    pub endpoint: String,
    pub class: Option<String>,
    pub symbol: Option<String>,
    pub decision: Option<String>,
    /// The rule that decided a denial.
    pub rule: Option<String>,
    pub status_code: Option<i32>,
    pub success: Option<bool>,
    pub error: Option<String>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// Of an outcome: when its intent was recorded, before the signature.
    #[serde(with = "time::serde::rfc3339::option")]
    pub intended_at: Option<OffsetDateTime>,
    /// How long the exchange took.
    pub took_ms: Option<i32>,
    /// What was asked of the exchange, without secrets.
    #[schema(value_type = Option<Object>)]
    pub asked: Option<serde_json::Value>,
    /// What a change changed: by name, each `from` what it was `to` what it became, and `at` if it waits until then.
    #[schema(value_type = Option<Object>)]
    pub changed: Option<serde_json::Value>,
    /// 0 to 100.
    pub risk_score: i32,
    pub is_suspicious: bool,
    pub suspicious_reasons: Vec<String>,
}

impl From<Entry> for EntryOut {
    fn from(entry: Entry) -> Self {
        EntryOut {
            id: entry.id,
            at: entry.at,
            operation: entry.operation,
            phase: entry.phase,
            request_id: entry.request_id,
            exchange: entry.exchange,
            connection_id: entry.connection_id,
            connection: entry.connection_name,
            bot_id: entry.bot_id,
            bot: entry.bot_name,
            access_key: entry.access_key_prefix,
            api_key_id: entry.api_key_id,
            method: entry.method,
            endpoint: entry.endpoint,
            class: entry.class,
            symbol: entry.symbol,
            decision: entry.decision,
            rule: entry.rule,
            status_code: entry.status_code,
            success: entry.success,
            error: entry.error,
            ip: entry.ip.map(|network| network.ip().to_string()),
            user_agent: entry.user_agent,
            intended_at: entry.intended_at,
            took_ms: entry.took_ms,
            asked: entry.asked,
            changed: entry.changed,
            risk_score: entry.risk_score,
            is_suspicious: entry.is_suspicious,
            suspicious_reasons: entry.suspicious_reasons,
        }
    }
}

impl ActivityQuery {
    pub fn filter(&self) -> Result<Filter> {
        let time = |text: &Option<String>, pointer| {
            text.as_deref().map(|text| parse_moment(text, pointer)).transpose()
        };
        let known = |text: &Option<String>, words: &[&str], pointer| {
            text.as_deref().map(|text| word(text, words, pointer)).transpose()
        };
        Filter {
            connection: self.connection,
            bot: self.bot,
            api_key: self.api_key,
            exchange: self.exchange.clone(),
            decision: known(&self.decision, &OUTCOMES, "/decision")?,
            operation: self.operation.clone(),
            class: known(&self.class, &CLASSES, "/class")?,
            request_id: self.request_id,
            access_key: self.access_key.as_deref().map(access_key),
            rule: self.rule.clone(),
            address: self.address.as_deref().map(super::parse_address).transpose()?,
            suspicious: self.suspicious.unwrap_or(false),
            together: self.together.unwrap_or(false),
            since: time(&self.since, "/since")?,
            until: time(&self.until, "/until")?,
            before: self.cursor.as_deref().map(Cursor::parse).transpose()?,
        }
        .checked()
    }

    /// The same question about the next page.
    fn link_to(mut self, cursor: String) -> Option<HeaderValue> {
        self.cursor = Some(cursor);
        let query = serde_urlencoded::to_string(&self).ok()?;
        HeaderValue::from_str(&format!("</api/v1/activity?{query}>; rel=\"next\"")).ok()
    }

    pub fn limit(&self) -> Result<i64> {
        match self.limit.unwrap_or(50) {
            limit @ 1..=200 => Ok(limit),
            _ => Err(Error::field("/limit", "needs 1 to 200")),
        }
    }
}

/// The timeline, newest first.
#[utoipa::path(get, path = "/api/v1/activity", tag = "activity", params(ActivityQuery),
    responses((status = 200, body = PageOut), (status = 400, body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    may: May<View>,
    Query(query): Query<ActivityQuery>,
) -> Result<(HeaderMap, Answer<PageOut>)> {
    let page = super::page(&app, may.user(), &query.filter()?, query.limit()?).await?;
    let next_cursor = page.next.map(|cursor| cursor.to_string());
    let mut headers = HeaderMap::new();
    headers.extend(
        next_cursor.clone().and_then(|cursor| query.link_to(cursor)).map(|link| (header::LINK, link)),
    );
    Ok((headers, Answer(PageOut { items: page.entries.into_iter().map(Into::into).collect(), next_cursor })))
}

/// Everything the filters let through, as JSON lines or CSV, streamed.
#[utoipa::path(get, path = "/api/v1/activity/export", tag = "activity", params(ActivityQuery),
    responses((status = 200, content((String = "application/jsonl"), (String = "text/csv"))), (status = 400, body = Problem)))]
async fn download(
    State(app): State<Arc<App>>,
    may: May<View>,
    Query(query): Query<ActivityQuery>,
) -> Result<Response> {
    let format = export::Format::parse(query.format.as_deref())?;
    Ok(export::stream(app, may.user(), query.filter()?, format))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(download))
}
