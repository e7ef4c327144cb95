//! Every statement about taking open orders back.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Errands, Report};
use crate::{
    app::App,
    error::{Error, Result},
    gateway::ledger::LAST_ARRIVAL,
    limits,
};

/// A connection whose open orders are to be taken back.
pub struct Due {
    pub panic: Uuid,
    pub connection: Uuid,
    pub user: Uuid,
    pub asked_at: OffsetDateTime,
}

pub async fn due(app: &App) -> Result<Vec<Due>> {
    let mut tx = app.db.service().await?;
    let rows = sqlx::query_as!(
        Due,
        r#"select panic_id as "panic!", connection_id as "connection!", user_id as "user!", asked_at as "asked_at!"
           from keygate.list_due_sweeps($1, $2)"#,
        app.clock.now(),
        MOST
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// Takes it, for so long. False: somebody else has it.
pub async fn take(app: &App, due: &Due, lease: Duration) -> Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.signer(due.user).await?;
    let taken = sqlx::query!(
        "insert into keygate.order_sweep as own (panic_id, connection_id, user_id, asked_at, taken_until)
         values ($1, $2, $3, $4, $5)
         on conflict (panic_id, connection_id) do update set asked_at = excluded.asked_at,
                taken_until = excluded.taken_until, ended_at = null, found = 0, cancelled = 0, gone = 0,
                still_open = '[]', problem = null, note = null
            where own.asked_at < excluded.asked_at or (own.ended_at is null and own.taken_until <= $6)",
        due.panic,
        due.connection,
        due.user,
        due.asked_at,
        now + lease,
        now
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(taken.rows_affected() == 1)
}

pub async fn end(app: &App, due: &Due, report: &Report) -> Result<()> {
    let mut tx = app.db.signer(due.user).await?;
    sqlx::query!(
        "update keygate.order_sweep set ended_at = $4, found = $5, cancelled = $6, gone = $7, still_open = $8,
                problem = $9, note = $10
         where panic_id = $1 and connection_id = $2 and asked_at = $3",
        due.panic,
        due.connection,
        due.asked_at,
        app.clock.now(),
        report.found,
        report.cancelled,
        report.gone,
        serde_json::to_value(&report.still_open).map_err(Error::internal)?,
        report.problem,
        report.note
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Markets the connection may have orders in: of its limits and bots, and those of the last weeks.
pub async fn traded(app: &App, due: &Due) -> Result<Vec<String>> {
    let mut tx = app.db.signer(due.user).await?;
    let limits = limits::load(&mut tx, due.connection).await?;
    let rows = sqlx::query_scalar!(
        r#"select symbol as "symbol!" from bot_configs where connection_id = $1 and symbol is not null
           union
           (select symbol from keygate.reservation
            where connection_id = $1 and kind = 'trade' and symbol is not null and made_at >= $2
            group by symbol order by max(made_at) desc limit $3)"#,
        due.connection,
        app.clock.now() - LATELY,
        MARKETS
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(limits.and_then(|limits| limits.allowed_symbols).into_iter().flatten().chain(rows).collect())
}

/// Orders that left lately and of which nobody knows what became.
pub async fn under_way(errands: &Errands<'_>) -> Result<i64> {
    let mut tx = errands.app.db.signer(errands.user).await?;
    let open = sqlx::query_scalar!(
        r#"select count(*) as "count!" from keygate.reservation
           where connection_id = $1 and kind = 'trade' and state in ('reserved', 'sent', 'unknown') and made_at >= $2"#,
        errands.row.id,
        errands.app.clock.now() - LAST_ARRIVAL
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(open)
}

const MOST: i32 = 200;
const LATELY: Duration = Duration::days(30);
const MARKETS: i64 = 100;
