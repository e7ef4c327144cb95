//! The one statement that reads the timeline.

use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Filter;
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
}

pub async fn select(app: &App, user: Uuid, filter: &Filter, limit: i64) -> Result<Vec<Entry>> {
    let mut tx = app.db.user(user).await?;
    let entries = sqlx::query_as!(
        Entry,
        r#"select a.id, a.created_at as at, a.operation_type as operation, a.phase, a.request_id, a.api_key_id,
                  a.access_key_id, k.key_prefix as "access_key_prefix?", a.bot_id, b.name as "bot_name?",
                  c.id as "connection_id?", c.name as "connection_name?", a.exchange, a.http_method as method, a.endpoint,
                  a.symbol, a.class, a.decision, a.rule, a.status_code, a.success, a.error_message as error,
                  a.ip_address as ip, a.user_agent
           from api_key_usage_audit a
           left join exchange_connections c on c.api_key_id = a.api_key_id
           left join bot_configs b on b.id = a.bot_id
           left join access_keys k on k.id = a.access_key_id
           where ($1::uuid is null or c.id = $1)
             and ($2::uuid is null or a.bot_id = $2)
             and ($3::text is null or a.exchange = $3)
             and ($4::text is null or coalesce(a.decision, 'management') = $4)
             and ($5::text is null or a.class = $5)
             and ($6::uuid is null or a.request_id = $6)
             and ($7::timestamptz is null or a.created_at >= $7)
             and ($8::timestamptz is null or a.created_at < $8)
             and ($9::timestamptz is null or (a.created_at, a.id) < ($9, $10::uuid))
             and ($12::text is null or a.operation_type = $12)
           order by a.created_at desc, a.id desc limit $11"#,
        filter.connection,
        filter.bot,
        filter.exchange,
        filter.decision,
        filter.class,
        filter.request_id,
        filter.since,
        filter.until,
        filter.before.map(|cursor| cursor.at),
        filter.before.map(|cursor| cursor.id),
        limit,
        filter.operation
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(entries)
}

/// Calls of one hour.
pub struct Hour {
    pub start: OffsetDateTime,
    pub allowed: i64,
    pub denied: i64,
}

/// Calls by the hour. A money-moving call has two entries; its intent is not counted.
pub async fn hours(app: &App, user: Uuid, since: OffsetDateTime) -> Result<Vec<Hour>> {
    let mut tx = app.db.user(user).await?;
    let hours = sqlx::query_as!(
        Hour,
        r#"select date_trunc('hour', created_at, 'UTC') as "start!",
                  count(*) filter (where decision = 'allow') as "allowed!",
                  count(*) filter (where decision = 'deny') as "denied!"
           from api_key_usage_audit
           where created_at >= $1 and decision in ('allow', 'deny') and phase <> 'intent'
           group by 1 order by 1"#,
        since
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(hours)
}
