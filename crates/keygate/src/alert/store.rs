//! Every statement about alerts.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Alert, Kind};
use crate::{
    app::App,
    db::{self, Tx},
    error::Result,
};

pub struct Row {
    pub id: Uuid,
    pub kind: String,
    pub severity: String,
    pub subject: String,
    pub text: String,
    pub connection_id: Option<Uuid>,
    pub request_id: Option<Uuid>,
    pub times: i32,
    pub first_at: OffsetDateTime,
    pub last_at: OffsetDateTime,
    pub acknowledged_at: Option<OffsetDateTime>,
}

/// True: nothing open said so already.
pub async fn raise(app: &App, tx: &mut Tx, alert: &Alert<'_>) -> Result<bool, db::Error> {
    let new = sqlx::query_scalar!(
        r#"select keygate.raise_alert($1, $2, $3, $4, $5, $6, $7, $8) as "new!""#,
        app.clock.id(),
        alert.kind.text(),
        alert.kind.severity().text(),
        alert.subject,
        alert.text,
        alert.connection,
        alert.request,
        app.clock.now()
    );
    Ok(new.fetch_one(&mut **tx).await?)
}

/// Those nobody has acknowledged, the last one first.
pub async fn open(app: &App, user: Uuid) -> Result<Vec<Row>> {
    select(app, user, true).await
}

/// Open ones before those that were seen; the last one first among each.
pub async fn all(app: &App, user: Uuid) -> Result<Vec<Row>> {
    select(app, user, false).await
}

async fn select(app: &App, user: Uuid, only_open: bool) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Row,
        "select id, kind, severity, subject, text, connection_id, request_id, times, first_at, last_at, acknowledged_at
         from keygate.alert where not $1 or acknowledged_at is null
         order by acknowledged_at is not null, last_at desc, id desc limit $2",
        only_open,
        MOST
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// One, or all that are open. The number of those that were.
pub async fn acknowledge(app: &App, user: Uuid, one: Option<Uuid>) -> Result<u64> {
    let mut tx = app.db.user(user).await?;
    let done = sqlx::query!(
        "update keygate.alert set acknowledged_at = $2 where acknowledged_at is null and ($1::uuid is null or id = $1)",
        one,
        app.clock.now()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

/// What it tells of has ended: nobody has to look at it any more.
pub async fn close(app: &App, tx: &mut Tx, kind: Kind, subject: &str) -> Result<()> {
    sqlx::query!(
        "update keygate.alert set acknowledged_at = $3 where kind = $1 and subject = $2 and acknowledged_at is null",
        kind.text(),
        subject,
        app.clock.now()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The subjects of the open ones of a kind about a connection.
pub async fn subjects(tx: &mut Tx, kind: Kind, connection: Uuid) -> Result<Vec<String>> {
    let subjects = sqlx::query_scalar!(
        "select subject from keygate.alert where kind = $1 and connection_id = $2 and acknowledged_at is null",
        kind.text(),
        connection
    );
    Ok(subjects.fetch_all(&mut **tx).await?)
}

pub async fn exists(app: &App, user: Uuid, id: Uuid) -> Result<bool> {
    let mut tx = app.db.user(user).await?;
    let there =
        sqlx::query_scalar!(r#"select exists (select from keygate.alert where id = $1) as "there!""#, id)
            .fetch_one(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(there)
}

/// More than this nobody reads; the rest shows when these are acknowledged.
const MOST: i64 = 200;
