//! Every statement about limits.

use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::types::ipnetwork::IpNetwork;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Delay, Limits, Patch, Pending};
use crate::{
    app::App,
    db::Tx,
    error::{Error, Result},
};

/// The limits of a connection; none if there is no such connection of this user.
pub async fn load(tx: &mut Tx, connection: Uuid) -> Result<Option<Limits>> {
    let row = sqlx::query!(
        r#"select coalesce(p.can_read, false) as "can_read!", coalesce(p.can_trade, false) as "can_trade!",
                  coalesce(p.can_withdraw, false) as "can_withdraw!", coalesce(p.can_transfer, false) as "can_transfer!",
                  coalesce(p.can_manage_sub_accounts, false) as "can_manage_sub_accounts!",
                  p.max_requests_per_minute, p.max_requests_per_hour, p.max_requests_per_day, p.max_trade_amount_usd,
                  p.max_daily_trade_volume_usd, p.max_withdrawal_amount_usd, p.max_daily_withdrawal_usd,
                  p.allowed_ip_addresses, c.daily_withdraw_limit, c.monthly_withdraw_limit, c.max_position_size,
                  c.max_leverage, c.max_daily_loss, c.stop_loss_percentage, c.allowed_symbols, c.blocked_symbols, c.dry_run
           from exchange_connections c join api_key_permissions p on p.api_key_id = c.api_key_id
           where c.id = $1"#,
        connection
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Limits {
        dry_run: row.dry_run,
        can_read: row.can_read,
        can_trade: row.can_trade,
        can_withdraw: row.can_withdraw,
        can_transfer: row.can_transfer,
        can_manage_sub_accounts: row.can_manage_sub_accounts,
        max_requests_per_minute: count(row.max_requests_per_minute),
        max_requests_per_hour: count(row.max_requests_per_hour),
        max_requests_per_day: count(row.max_requests_per_day),
        max_trade_amount_usd: row.max_trade_amount_usd,
        max_daily_trade_volume_usd: row.max_daily_trade_volume_usd,
        max_withdrawal_amount_usd: row.max_withdrawal_amount_usd,
        max_daily_withdrawal_usd: row.max_daily_withdrawal_usd,
        daily_withdraw_limit: row.daily_withdraw_limit,
        monthly_withdraw_limit: row.monthly_withdraw_limit,
        max_position_size: row.max_position_size,
        max_leverage: row.max_leverage,
        max_daily_loss: row.max_daily_loss,
        stop_loss_percentage: row.stop_loss_percentage,
        allowed_ip_addresses: row.allowed_ip_addresses,
        allowed_symbols: symbols(row.allowed_symbols)?,
        blocked_symbols: symbols(row.blocked_symbols)?.unwrap_or_default(),
    }))
}

/// The limits, which nobody else changes until the end of the transaction.
pub async fn lock(tx: &mut Tx, connection: Uuid) -> Result<Option<Limits>> {
    sqlx::query!("select id from exchange_connections where id = $1 for no key update", connection)
        .fetch_optional(&mut **tx)
        .await?;
    load(tx, connection).await
}

/// Writes all of them, to the key and to the connection. Not the gateway's role: it has no right to.
pub async fn save(tx: &mut Tx, connection: Uuid, limits: &Limits) -> Result<()> {
    sqlx::query!(
        "update api_key_permissions p set can_read = $2, can_trade = $3, can_withdraw = $4, can_transfer = $5,
                can_manage_sub_accounts = $6, max_requests_per_minute = $7, max_requests_per_hour = $8,
                max_requests_per_day = $9, max_trade_amount_usd = $10, max_daily_trade_volume_usd = $11,
                max_withdrawal_amount_usd = $12, max_daily_withdrawal_usd = $13, allowed_ip_addresses = $14
         from exchange_connections c where c.id = $1 and p.api_key_id = c.api_key_id",
        connection,
        limits.can_read,
        limits.can_trade,
        limits.can_withdraw,
        limits.can_transfer,
        limits.can_manage_sub_accounts,
        stored(limits.max_requests_per_minute),
        stored(limits.max_requests_per_hour),
        stored(limits.max_requests_per_day),
        limits.max_trade_amount_usd,
        limits.max_daily_trade_volume_usd,
        limits.max_withdrawal_amount_usd,
        limits.max_daily_withdrawal_usd,
        limits.allowed_ip_addresses.as_deref() as Option<&[IpNetwork]>
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update exchange_connections set daily_withdraw_limit = $2, monthly_withdraw_limit = $3, max_position_size = $4,
                max_leverage = $5, max_daily_loss = $6, stop_loss_percentage = $7, allowed_symbols = $8,
                blocked_symbols = $9, dry_run = $10
         where id = $1",
        connection,
        limits.daily_withdraw_limit,
        limits.monthly_withdraw_limit,
        limits.max_position_size,
        limits.max_leverage,
        limits.max_daily_loss,
        limits.stop_loss_percentage,
        limits.allowed_symbols.as_ref().map(|symbols| serde_json::json!(symbols)),
        serde_json::json!(limits.blocked_symbols),
        limits.dry_run
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn count(stored: Option<i32>) -> Option<u32> {
    stored.map(|count| u32::try_from(count).unwrap_or(0))
}

fn stored(count: Option<u32>) -> Option<i32> {
    count.map(|count| i32::try_from(count).unwrap_or(i32::MAX))
}

/// A list that cannot be read must not let everything through.
fn symbols(stored: Option<Value>) -> Result<Option<Vec<String>>> {
    match stored {
        None | Some(Value::Null) => Ok(None),
        Some(list) => serde_json::from_value(list).map(Some).map_err(Error::internal),
    }
}

pub async fn load_pending(tx: &mut Tx, connection: Uuid) -> Result<Vec<Pending>> {
    Ok(sqlx::query_as!(
        Pending,
        "select member, value, asked_at, effective_at from keygate.pending_limit where connection_id = $1
         order by effective_at, member",
        connection
    )
    .fetch_all(&mut **tx)
    .await?)
}

pub async fn insert_pending(
    tx: &mut Tx,
    user: Uuid,
    connection: Uuid,
    members: &Patch,
    asked_at: OffsetDateTime,
    effective_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into keygate.pending_limit (connection_id, member, user_id, value, asked_at, effective_at)
         select $1, m.key, $2, m.value, $4, $5 from jsonb_each($3) m",
        connection,
        user,
        Value::Object(members.clone()),
        asked_at,
        effective_at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What waits of these members, which is gone by that.
pub async fn take_pending(tx: &mut Tx, connection: Uuid, members: &[String]) -> Result<Patch> {
    let rows = sqlx::query!(
        "delete from keygate.pending_limit where connection_id = $1 and member = any($2) returning member, value",
        connection,
        members
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.member, row.value)).collect())
}

pub async fn forget_pending(tx: &mut Tx, connection: Uuid, members: &[String]) -> Result<()> {
    sqlx::query!(
        "delete from keygate.pending_limit where connection_id = $1 and member = any($2)",
        connection,
        members
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Connections with raised limits whose time has come, with their owners.
pub async fn due(app: &App) -> Result<Vec<(Uuid, Uuid)>> {
    let mut tx = app.db.service().await?;
    let rows = sqlx::query!(
        r#"select connection_id as "connection_id!", user_id as "user_id!" from keygate.list_due_limits($1)"#,
        app.clock.now()
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.connection_id)).collect())
}

/// How much of a window is used.
pub struct Counted {
    pub kind: String,
    pub used: Decimal,
}

/// The windows that began at these times, as far as somebody has used them.
pub async fn windows(
    tx: &mut Tx,
    connection: Uuid,
    kinds: &[&str],
    starts: &[OffsetDateTime],
) -> Result<Vec<Counted>> {
    Ok(sqlx::query_as!(
        Counted,
        "select own.kind, own.used from keygate.spend_window own
         join unnest($2::text[], $3::timestamptz[]) as k (kind, starts_at)
           on own.kind = k.kind and own.starts_at = k.starts_at
         where own.connection_id = $1",
        connection,
        kinds as &[&str],
        starts
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// How long raised limits wait now.
pub async fn delay(tx: &mut Tx, now: OffsetDateTime) -> Result<Duration> {
    Ok(Duration::seconds(load_delay(tx).await?.at(now).seconds.into()))
}

/// As it is stored, also if what was asked for is due already.
pub async fn load_delay(tx: &mut Tx) -> Result<Delay> {
    let row = sqlx::query!("select seconds, next_seconds, next_at from keygate.loosening_delay")
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map_or(Delay { seconds: DAY, next: None }, |row| Delay {
        seconds: row.seconds,
        next: row.next_seconds.zip(row.next_at),
    }))
}

/// The same, which nobody else changes until the end of the transaction.
pub async fn lock_delay(tx: &mut Tx, user: Uuid) -> Result<Delay> {
    sqlx::query!(
        "insert into keygate.loosening_delay (user_id, seconds) values ($1, $2) on conflict do nothing",
        user,
        DAY
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("select seconds from keygate.loosening_delay for no key update")
        .fetch_all(&mut **tx)
        .await?;
    load_delay(tx).await
}

/// Users whose shorter wait has waited long enough.
pub async fn due_delays(app: &App) -> Result<Vec<Uuid>> {
    let mut tx = app.db.service().await?;
    let due = sqlx::query_scalar!(
        r#"select user_id as "user_id!" from keygate.list_due_delays($1) as user_id"#,
        app.clock.now()
    );
    let users = due.fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(users)
}

pub async fn save_delay(tx: &mut Tx, user: Uuid, delay: &Delay) -> Result<()> {
    sqlx::query!(
        "insert into keygate.loosening_delay (user_id, seconds, next_seconds, next_at) values ($1, $2, $3, $4)
         on conflict (user_id) do update set seconds = excluded.seconds, next_seconds = excluded.next_seconds,
                next_at = excluded.next_at",
        user,
        delay.seconds,
        delay.next.map(|(seconds, _)| seconds),
        delay.next.map(|(_, at)| at)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Unless its user has chosen another one.
const DAY: i32 = 24 * 60 * 60;
