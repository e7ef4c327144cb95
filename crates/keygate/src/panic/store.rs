//! Every statement about panic.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Scope, Stop, Subject};
use crate::{app::App, auth::Origin, db::Tx, error::Result};

/// A stop that is in force.
pub struct Row {
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    pub connection_id: Option<Uuid>,
    /// The name of that connection, if it is the reader's.
    pub connection: Option<String>,
    pub reason: Option<String>,
    pub started_at: OffsetDateTime,
    /// Since when open orders are to be taken back.
    pub cancel_asked_at: Option<OffsetDateTime>,
}

/// What becomes of the open orders of one connection.
pub struct Sweep {
    pub panic_id: Uuid,
    pub connection_id: Uuid,
    pub name: String,
    pub exchange: String,
    /// Somebody works on it.
    pub is_taken: bool,
    pub ended_at: Option<OffsetDateTime>,
    pub found: i32,
    pub cancelled: i32,
    pub gone: i32,
    /// `[{"order": …, "market": …, "reason": …}]`
    pub still_open: Value,
    pub problem: Option<String>,
    pub note: Option<String>,
}

/// The same of everybody together.
pub struct Sum {
    pub connections: i64,
    pub ended: i64,
    pub found: i64,
    pub cancelled: i64,
    pub still_open: i64,
    pub problems: i64,
}

/// A call that was signed.
pub struct Last {
    pub at: OffsetDateTime,
    pub request_id: Option<Uuid>,
    pub exchange: Option<String>,
    pub method: Option<String>,
    pub path: String,
}

/// Whether the programs of a connection stand still.
pub async fn holds(tx: &mut Tx, connection: Uuid) -> Result<bool> {
    let held = sqlx::query_scalar!(
        r#"select exists (select from keygate.panic where ended_at is null
               and (connection_id is null or connection_id = $1)) as "held!""#,
        connection
    );
    Ok(held.fetch_one(&mut **tx).await?)
}

/// The same in a transaction of its own.
pub async fn stands_still(app: &App, user: Uuid, connection: Uuid) -> Result<bool> {
    let mut tx = app.db.user(user).await?;
    let held = holds(&mut tx, connection).await?;
    tx.commit().await?;
    Ok(held)
}

pub async fn in_force(app: &App, user: Uuid) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.user_id, p.connection_id, c.name as "connection?", p.reason, p.started_at, p.cancel_asked_at
           from keygate.panic p left join exchange_connections c on c.id = p.connection_id
           where p.ended_at is null order by p.started_at, p.id"#
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// Connection by connection; none of it, where a stop has only begun.
pub async fn sweeps(app: &App, user: Uuid) -> Result<Vec<Sweep>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Sweep,
        r#"select p.id as panic_id, c.id as connection_id, c.name, c.exchange_type as exchange,
                  s.panic_id is not null as "is_taken!", s.ended_at as "ended_at?", coalesce(s.found, 0) as "found!",
                  coalesce(s.cancelled, 0) as "cancelled!", coalesce(s.gone, 0) as "gone!",
                  coalesce(s.still_open, '[]') as "still_open!", s.problem as "problem?", s.note as "note?"
           from keygate.panic p
           join exchange_connections c on p.connection_id is null or c.id = p.connection_id
           left join keygate.order_sweep s
               on s.panic_id = p.id and s.connection_id = c.id and s.asked_at = p.cancel_asked_at
           where p.ended_at is null and p.cancel_asked_at is not null and c.destroy_after is null
           order by p.started_at, p.id, c.created_at, c.id"#
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// For administrators.
pub async fn sum(app: &App, user: Uuid) -> Result<Sum> {
    let mut tx = app.db.admin(user).await?;
    let sum = sqlx::query_as!(
        Sum,
        r#"select connections as "connections!", ended as "ended!", found as "found!", cancelled as "cancelled!",
                  still_open as "still_open!", problems as "problems!" from keygate.sum_sweeps()"#
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(sum)
}

/// The last one a program asked for; what Keygate itself takes back comes later.
pub async fn last_signed(app: &App, user: Uuid) -> Result<Option<Last>> {
    let mut tx = app.db.user(user).await?;
    let last = sqlx::query_as!(
        Last,
        r#"select created_at as at, request_id, exchange, http_method as method, endpoint as path
           from api_key_usage_audit where operation_type = 'use' and decision = 'allow' and phase in ('intent', 'event')
             and access_key_id is not null
           order by created_at desc limit 1"#
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(last)
}

/// False: it stood still already. What is to become of the orders is committed with it, and the record.
pub async fn insert(app: &App, subject: &Subject, stop: &Stop<'_>, request: &Origin) -> Result<bool> {
    let user = subject.user;
    let (whose, connection) = columns(user, stop.scope);
    let mut tx = match stop.scope {
        Scope::Site => app.db.admin(user).await?,
        Scope::Own | Scope::Connection(_) => app.db.user(user).await?,
    };
    let done = sqlx::query!(
        "insert into keygate.panic (id, user_id, connection_id, reason, started_at, started_by)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        app.clock.id(),
        whose,
        connection,
        stop.reason,
        app.clock.now(),
        user
    )
    .execute(&mut *tx)
    .await?;
    if stop.cancel_orders {
        sqlx::query!(
            // later than the wish before it, whatever the clock says: that is how one is told from the other
            "update keygate.panic set cancel_asked_at = greatest($3, cancel_asked_at + interval '1 microsecond')
             where ended_at is null and user_id is not distinct from $1 and connection_id is not distinct from $2",
            whose,
            connection,
            app.clock.now()
        )
        .execute(&mut *tx)
        .await?;
    }
    let started = done.rows_affected() == 1;
    if started {
        subject.record(app, &mut tx, "panic", request).await?;
    }
    if stop.cancel_orders {
        subject.record(app, &mut tx, "panic-cancel-orders", request).await?;
    }
    if stop.scope == Scope::Site {
        // last, as everybody takes it: what is being put on record now ends before it
        sqlx::query!("select keygate.lock_site()").execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(started)
}

/// False: nothing of that stands still.
pub async fn end(app: &App, subject: &Subject, scope: Scope, request: &Origin) -> Result<bool> {
    let user = subject.user;
    let (whose, connection) = columns(user, scope);
    let mut tx = match scope {
        Scope::Site => app.db.admin(user).await?,
        Scope::Own | Scope::Connection(_) => app.db.user(user).await?,
    };
    let done = sqlx::query!(
        "update keygate.panic set ended_at = $3, ended_by = $4
         where ended_at is null and user_id is not distinct from $1 and connection_id is not distinct from $2",
        whose,
        connection,
        app.clock.now(),
        user
    )
    .execute(&mut *tx)
    .await?;
    let ended = done.rows_affected() > 0;
    if ended {
        subject.record(app, &mut tx, "panic-ended", request).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

fn columns(user: Uuid, scope: Scope) -> (Option<Uuid>, Option<Uuid>) {
    match scope {
        Scope::Site => (None, None),
        Scope::Own => (Some(user), None),
        Scope::Connection(connection) => (Some(user), Some(connection)),
    }
}
