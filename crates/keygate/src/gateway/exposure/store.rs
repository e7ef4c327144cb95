//! Every statement about what an account is worth, and what its open orders were worth when they were placed.

use std::collections::HashMap;

use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use crate::{app::App, db, gateway::ledger::LAST_ARRIVAL};

/// An order by its client's id.
pub struct Named {
    pub id: String,
    pub buys: Option<String>,
    /// `None`: it was not valued.
    pub usd: Option<Decimal>,
    pub made_at: OffsetDateTime,
    /// The ledger counts it itself: it was not settled when the look began.
    pub counts_later: bool,
}

/// A day as it began.
pub struct Day {
    pub usd: Decimal,
    pub lost_at: Option<OffsetDateTime>,
    /// Dollars that left through the gate, between its first look and this one.
    pub withdrawn: Decimal,
    /// Dollars of withdrawals that may be in this look or not.
    pub may_have_left: Decimal,
}

pub async fn named(
    app: &App,
    user: Uuid,
    connection: Uuid,
    ids: &[String],
    since: OffsetDateTime,
) -> Result<Vec<Named>, db::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = app.db.signer(user).await?;
    let rows = sqlx::query_as!(
        Named,
        r#"select client_order_id as "id!", buys, usd, made_at,
                  case state when 'confirmed' then changed_at >= $3
                       else made_at >= $4 end as "counts_later!"
           from keygate.reservation
           where connection_id = $1 and client_order_id = any($2) and state <> 'rejected'"#,
        connection,
        ids,
        since,
        since - LAST_ARRIVAL
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// What was bought from then on and is settled, by asset.
pub async fn bought_since(
    app: &App,
    user: Uuid,
    connection: Uuid,
    from: OffsetDateTime,
    since: OffsetDateTime,
) -> Result<HashMap<String, Decimal>, db::Error> {
    let mut tx = app.db.signer(user).await?;
    let rows = sqlx::query!(
        r#"select buys as "asset!", sum(usd) as "usd!" from keygate.reservation
           where connection_id = $1 and made_at >= $2 and state <> 'rejected' and buys is not null and usd is not null
             and case state when 'confirmed' then changed_at < $3
                      else made_at < $4 end
           group by buys"#,
        connection,
        from,
        since,
        since - LAST_ARRIVAL
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| (row.asset, row.usd)).collect())
}

/// The day that goes on, which begins with this look if it is the first one. `None`: it cannot begin with it, because what
/// leaves may be in it or not.
pub async fn day(
    app: &App,
    user: Uuid,
    connection: Uuid,
    (worth, looked_at): (Decimal, OffsetDateTime),
    now: OffsetDateTime,
) -> Result<Option<Day>, db::Error> {
    let today = now.to_offset(UtcOffset::UTC).date();
    let mut tx = app.db.signer(user).await?;
    sqlx::query!(
        "insert into keygate.day_worth (connection_id, day, user_id, usd, seen_at)
         select $1, $2, $3, $4, $5 where not exists (
             select from keygate.reservation r
             where r.connection_id = $1 and r.kind = 'withdraw' and r.state <> 'rejected'
               and (r.state <> 'confirmed' or r.changed_at > $6) and r.made_at > $7)
         on conflict (connection_id, day) do nothing",
        connection,
        today,
        user,
        worth,
        looked_at,
        looked_at - LAST_ARRIVAL,
        looked_at - LEAVING
    )
    .execute(&mut *tx)
    .await?;
    let day = sqlx::query_as!(
        Day,
        r#"select d.usd, d.lost_at,
                  left_since.known as "withdrawn!", left_since.unknown as "may_have_left!"
           from keygate.day_worth d cross join lateral (
               select coalesce(sum(r.usd) filter (where r.state = 'confirmed' and r.changed_at <= $3), 0) as known,
                      coalesce(sum(r.usd) filter (where r.state <> 'confirmed' or r.changed_at > $3), 0) as unknown
               from keygate.reservation r
               where r.connection_id = d.connection_id and r.kind = 'withdraw' and r.state <> 'rejected'
                 and r.made_at >= d.seen_at) left_since
           where d.connection_id = $1 and d.day = $2"#,
        connection,
        today,
        looked_at
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(day)
}

pub async fn stop_day(app: &App, user: Uuid, connection: Uuid, now: OffsetDateTime) -> Result<(), db::Error> {
    let mut tx = app.db.signer(user).await?;
    sqlx::query!(
        "update keygate.day_worth set lost_at = $3 where connection_id = $1 and day = $2 and lost_at is null",
        connection,
        now.to_offset(UtcOffset::UTC).date(),
        now
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// A withdrawal that nobody has settled for so long is no reason to wait.
const LEAVING: Duration = Duration::days(1);
