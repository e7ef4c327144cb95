//! Every statement about keys that wait.

use exchange::OwnKey;
use seal::{Context, SecretText, field};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{NewOwnKey, WAITS, gone};
use crate::{
    app::App,
    audit,
    auth::Origin,
    db::Tx,
    error::{Error, Result},
    key_ring,
};

/// A key that waits; its private half is sealed.
pub struct Row {
    pub id: Uuid,
    pub exchange: String,
    pub environment: String,
    pub kind: String,
    pub public_key_pem: String,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    sealed: String,
}

pub async fn insert(app: &App, user: Uuid, new: &NewOwnKey, pair: &OwnKey, request: &Origin) -> Result<Row> {
    let (id, now) = (app.clock.id(), app.clock.now());
    let mut tx = app.db.user(user).await?;
    let user_key = key_ring::user_key(app, &mut tx, user).await?;
    let sealed = field::seal(&user_key, &place(id), pair.secret.expose().as_bytes());
    let row = sqlx::query_as!(
        Row,
        "insert into keygate.own_key (id, user_id, exchange, environment, kind, public_key_pem, secret, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         returning id, exchange, environment, kind, public_key_pem, created_at, expires_at, secret as sealed",
        id,
        user,
        new.exchange,
        new.environment,
        new.kind,
        pair.public_key_pem,
        sealed,
        now,
        now + WAITS
    )
    .fetch_one(&mut *tx)
    .await?;
    audit::key_event(app, &mut tx, request, id, "own-key-make", &new.exchange, None).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    select(app, user, None).await
}

pub async fn find(app: &App, user: Uuid, id: Uuid) -> Result<Option<Row>> {
    Ok(select(app, user, Some(id)).await?.into_iter().next())
}

/// Only what still waits: the sweep may be late.
async fn select(app: &App, user: Uuid, id: Option<Uuid>) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Row,
        "select id, exchange, environment, kind, public_key_pem, created_at, expires_at, secret as sealed
         from keygate.own_key where expires_at > $2 and ($1::uuid is null or id = $1)
         order by created_at desc, id desc limit 200",
        id,
        app.clock.now()
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

pub async fn open(app: &App, user: Uuid, row: &Row) -> Result<SecretText> {
    let mut tx = app.db.user(user).await?;
    let user_key = key_ring::user_key(app, &mut tx, user).await?;
    tx.commit().await?;
    let opened = field::open(&user_key, &place(row.id), &row.sealed).and_then(|bytes| bytes.into_text());
    opened.map_err(Error::internal)
}

/// Takes the key from among those that wait, in the transaction that makes it a connection's. The second of two such
/// transactions finds it gone and stores nothing.
pub async fn use_up(app: &App, tx: &mut Tx, id: Uuid) -> Result<()> {
    let now = app.clock.now();
    let held = sqlx::query_scalar!(
        "select id from keygate.own_key where id = $1 and expires_at > $2 for update",
        id,
        now
    )
    .fetch_optional(&mut **tx)
    .await?;
    held.ok_or_else(gone)?;
    sqlx::query!("delete from keygate.own_key where id = $1", id).execute(&mut **tx).await?;
    Ok(())
}

/// False when there is no such key.
pub async fn delete(app: &App, user: Uuid, id: Uuid, operation: &str, request: &Origin) -> Result<bool> {
    let mut tx = app.db.user(user).await?;
    let held = sqlx::query_scalar!("select exchange from keygate.own_key where id = $1 for update", id)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(exchange) = held else { return Ok(false) };
    audit::key_event(app, &mut tx, request, id, operation, &exchange, None).await?;
    sqlx::query!("delete from keygate.own_key where id = $1", id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// Keys whose time is over, with their owners.
pub async fn expired(app: &App) -> Result<Vec<(Uuid, Uuid)>> {
    let mut tx = app.db.service().await?;
    let rows = sqlx::query!(
        r#"select own_key_id as "own_key_id!", user_id as "user_id!" from keygate.list_expired_own_keys($1)"#,
        app.clock.now()
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.own_key_id)).collect())
}

/// A sealed value opens in its own row only.
fn place(row: Uuid) -> Context {
    Context { table: "own_key", column: "secret", row }
}
