//! Every statement about panic.

use time::OffsetDateTime;
use uuid::Uuid;

use super::Scope;
use crate::{app::App, db::Tx, error::Result};

/// A stop that is in force.
pub struct Row {
    pub user_id: Option<Uuid>,
    pub connection_id: Option<Uuid>,
    pub reason: Option<String>,
    pub started_at: OffsetDateTime,
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

pub async fn in_force(app: &App, user: Uuid) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Row,
        "select user_id, connection_id, reason, started_at from keygate.panic where ended_at is null
         order by started_at, id"
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

pub async fn last_signed(app: &App, user: Uuid) -> Result<Option<Last>> {
    let mut tx = app.db.user(user).await?;
    let last = sqlx::query_as!(
        Last,
        r#"select created_at as at, request_id, exchange, http_method as method, endpoint as path
           from api_key_usage_audit where operation_type = 'use' and decision = 'allow' and phase in ('intent', 'event')
           order by created_at desc limit 1"#
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(last)
}

/// False: it stood still already.
pub async fn insert(app: &App, user: Uuid, scope: Scope, reason: Option<&str>) -> Result<bool> {
    let (whose, connection) = columns(user, scope);
    let mut tx = match scope {
        Scope::Site => app.db.admin(user).await?,
        Scope::Own | Scope::Connection(_) => app.db.user(user).await?,
    };
    let done = sqlx::query!(
        "insert into keygate.panic (id, user_id, connection_id, reason, started_at, started_by)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        app.clock.id(),
        whose,
        connection,
        reason,
        app.clock.now(),
        user
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// False: nothing of that stands still.
pub async fn end(app: &App, user: Uuid, scope: Scope) -> Result<bool> {
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
    tx.commit().await?;
    Ok(done.rows_affected() > 0)
}

fn columns(user: Uuid, scope: Scope) -> (Option<Uuid>, Option<Uuid>) {
    match scope {
        Scope::Site => (None, None),
        Scope::Own => (Some(user), None),
        Scope::Connection(connection) => (Some(user), Some(connection)),
    }
}
