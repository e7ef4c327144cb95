//! The statements that read the timeline. Both logs have a row of the same id for each call to an exchange; what was refused or
//! is no call stands in the first alone.

use sqlx::types::ipnetwork::IpNetwork;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Filter, histogram::Counts};
use crate::{app::App, error::Result};

pub struct Entry {
    pub id: Uuid,
    pub at: OffsetDateTime,
    pub operation: String,
    pub phase: String,
    pub request_id: Option<Uuid>,
    pub api_key_id: Uuid,
    pub access_key_id: Option<Uuid>,
    pub access_key_prefix: Option<String>,
    pub bot_id: Option<Uuid>,
    pub bot_name: Option<String>,
    pub connection_id: Option<Uuid>,
    pub connection_name: Option<String>,
    pub exchange: Option<String>,
    pub method: Option<String>,
    pub endpoint: String,
    pub symbol: Option<String>,
    pub class: Option<String>,
    pub decision: Option<String>,
    pub rule: Option<String>,
    pub status_code: Option<i32>,
    /// Null: not known, as for an intent or an unknown outcome.
    pub success: Option<bool>,
    pub error: Option<String>,
    pub ip: Option<IpNetwork>,
    pub user_agent: Option<String>,
    /// Of an outcome: when its intent was recorded, before the signature.
    pub intended_at: Option<OffsetDateTime>,
    /// How long the exchange took to answer.
    pub took_ms: Option<i32>,
    /// What was asked of the exchange, without secrets.
    pub asked: Option<serde_json::Value>,
    /// What a change changed: each member `from` something `to` something.
    pub changed: Option<serde_json::Value>,
    pub risk_score: i32,
    pub is_suspicious: bool,
    pub suspicious_reasons: Vec<String>,
}

/// A statement over what a filter lets through: what it selects, the filter, and what comes after it. The prefix of an access
/// key that is gone stands in the record of its making.
macro_rules! filtered {
    ($kind:ident, $select:tt, $filter:ident, $rest:tt, $($more:expr),*) => {
        sqlx::query_as!(
            $kind,
            $select
                + r#"
           from api_key_usage_audit a
           left join exchange_api_calls e on e.id = a.id
           left join exchange_connections c on c.api_key_id = a.api_key_id
           left join bot_configs b on b.id = a.bot_id
           left join access_keys k on k.id = a.access_key_id
           where ($1::uuid is null or c.id = $1)
             and ($2::uuid is null or a.bot_id = $2)
             and ($3::text is null or a.exchange = $3)
             and ($4::text is null or case $4
                  when 'failed' then a.decision = 'allow' and not a.success
                  when 'unknown' then a.decision = 'allow' and a.success is null and a.phase <> 'intent'
                  else coalesce(a.decision, 'management') = $4 end)
             and ($5::text is null or a.class = $5)
             and ($6::uuid is null or a.request_id = $6)
             and ($7::timestamptz is null or a.created_at >= $7)
             and ($8::timestamptz is null or a.created_at < $8)
             and ($9::timestamptz is null or (a.created_at, a.id) < ($9, $10::uuid))
             and ($11::text is null or a.operation_type = $11)
             and ($12::text is null or k.key_prefix = $12 or a.access_key_id::text = $12
                  or k.id is null and a.access_key_id = any (array(
                      select made.access_key_id from api_key_usage_audit made
                      where made.operation_type like '%-key-create' and made.changed #>> '{prefix,to}' = $12)))
             and ($13::text is null or a.rule = $13)
             and ($14::inet is null or a.ip_address <<= $14)
             and (not $15::bool or a.is_suspicious)
             and (not $16::bool or a.phase <> 'intent' or not exists (
                  select from api_key_usage_audit o where o.request_id = a.request_id and o.phase = 'outcome'))
             and ($17::uuid is null or a.api_key_id = $17)
"#
                + $rest,
            $filter.connection,
            $filter.bot,
            $filter.exchange,
            $filter.decision,
            $filter.class,
            $filter.request_id,
            $filter.since,
            $filter.until,
            $filter.before.map(|cursor| cursor.at),
            $filter.before.map(|cursor| cursor.id),
            $filter.operation,
            $filter.access_key,
            $filter.rule,
            $filter.address,
            $filter.suspicious,
            $filter.together,
            $filter.api_key,
            $($more),*
        )
    };
}

pub async fn select(app: &App, user: Uuid, filter: &Filter, limit: i64) -> Result<Vec<Entry>> {
    let mut tx = app.db.user(user).await?;
    let entries = filtered!(
        Entry,
        r#"select a.id, a.created_at as at, a.operation_type as operation, a.phase, a.request_id, a.api_key_id,
                  a.access_key_id, k.key_prefix as "access_key_prefix?", a.bot_id, b.name as "bot_name?",
                  c.id as "connection_id?", c.name as "connection_name?", nullif(a.exchange, '') as exchange, a.http_method as method, a.endpoint,
                  a.symbol, a.class, a.decision, a.rule, a.status_code, a.success, a.error_message as error,
                  a.ip_address as ip, a.user_agent,
                  (select min(i.created_at) from api_key_usage_audit i
                   where a.phase = 'outcome' and i.request_id = a.request_id and i.phase = 'intent') as intended_at,
                  e.response_time_ms as "took_ms?", e.parameters as "asked?", a.changed, coalesce(a.risk_score, 0) as "risk_score!",
                  coalesce(a.is_suspicious, false) as "is_suspicious!",
                  coalesce(a.suspicious_reasons, '{}') as "suspicious_reasons!""#,
        filter,
        "order by a.created_at desc, a.id desc limit $18",
        limit
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(entries)
}

struct Counted {
    start: OffsetDateTime,
    allowed: i64,
    denied: i64,
    changes: i64,
}

/// Entries by spans of this length, those without entries left out.
pub async fn count(
    app: &App,
    user: Uuid,
    filter: &Filter,
    bin: Duration,
) -> Result<Vec<(OffsetDateTime, Counts)>> {
    let mut tx = app.db.user(user).await?;
    let rows = filtered!(
        Counted,
        r#"select date_bin(make_interval(secs => $18), a.created_at, 'epoch') as "start!",
                  count(*) filter (where a.decision = 'allow') as "allowed!",
                  count(*) filter (where a.decision = 'deny') as "denied!",
                  count(*) filter (where a.decision is null) as "changes!""#,
        filter,
        "group by 1 order by 1",
        bin.as_seconds_f64()
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let counts = |row: &Counted| Counts { allowed: row.allowed, denied: row.denied, changes: row.changes };
    Ok(rows.iter().map(|row| (row.start, counts(row))).collect())
}
