//! Every statement about calls of the past.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    midnight,
    recorded::{Recorded, Reserved},
};
use crate::{
    app::App,
    error::{Error, Result},
};

/// The calls of a connection, a page at a time in a transaction of its own.
pub struct Pages {
    pub user: Uuid,
    /// All generations of its key.
    pub keys: Vec<Uuid>,
    pub from: OffsetDateTime,
    pub to: OffsetDateTime,
    pub after: Option<(OffsetDateTime, Uuid)>,
}

impl Pages {
    /// Begins so late that there are no more calls than that, with a whole day if it can be. True: some are left out.
    pub async fn begin_within(&mut self, app: &App, most: i64) -> Result<bool> {
        let mut tx = app.db.user(self.user).await?;
        let first = sqlx::query_scalar!(
            "select created_at from api_key_usage_audit
             where api_key_id = any($1) and created_at >= $2 and created_at < $3 order by created_at desc offset $4 limit 1",
            &self.keys,
            self.from,
            self.to,
            most
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        let Some(first) = first else { return Ok(false) };
        let day = midnight(first + Duration::DAY);
        self.from = if day < self.to { day } else { first };
        Ok(true)
    }

    pub async fn next(&mut self, app: &App) -> Result<Option<Vec<Recorded>>> {
        let (after, id) = self.after.unwrap_or((self.from, Uuid::nil()));
        let mut tx = app.db.user(self.user).await?;
        let rows = sqlx::query!(
            r#"select a.id, a.created_at, a.request_id, a.http_method as "method!", a.endpoint, a.symbol, a.class, a.decision as "decision!",
                      a.rule, a.ip_address, p.parameters as "parameters?", r.reserved as "reserved?"
               from api_key_usage_audit a
               left join lateral (select c.parameters from exchange_api_calls c
                   where c.request_id = a.request_id and c.phase = a.phase and a.class in ('trade', 'withdraw')
                   limit 1) p on true
               left join lateral (select jsonb_agg(jsonb_build_object('symbol', o.symbol, 'usd', o.usd::text, 'state', o.state)
                       order by o.place) as reserved
                   from keygate.reservation o where o.request_id = a.request_id and a.class in ('trade', 'withdraw')) r on true
               where a.api_key_id = any($1) and (a.created_at, a.id) > ($2, $3) and a.created_at < $4
                 and a.access_key_id is not null and a.http_method is not null and a.decision is not null
                 and a.phase in ('intent', 'event')
               order by a.created_at, a.id limit $5"#,
            &self.keys,
            after,
            id,
            self.to,
            PAGE
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let page = rows
            .into_iter()
            .map(|row| {
                let reserved: Option<Vec<Reserved>> = row.reserved.map(serde_json::from_value).transpose()?;
                Ok(Recorded {
                    id: row.id,
                    at: row.created_at,
                    request: row.request_id,
                    method: row.method,
                    path: row.endpoint,
                    symbol: row.symbol,
                    class: row.class.and_then(|name| serde_json::from_value(Value::String(name)).ok()),
                    decision: row.decision,
                    rule: row.rule,
                    ip: row.ip_address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |network| network.ip()),
                    parameters: row.parameters,
                    reserved: reserved.unwrap_or_default(),
                })
            })
            .collect::<Result<Vec<_>, serde_json::Error>>()
            .map_err(Error::internal)?;
        self.after = page.last().map(|call| (call.at, call.id));
        Ok((!page.is_empty()).then_some(page))
    }
}

const PAGE: i64 = 1000;
