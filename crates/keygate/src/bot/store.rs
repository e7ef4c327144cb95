//! Every statement about bots.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Change, NewBot, Pending, Subject};
use crate::{app::App, db::Tx, error::Result};

#[derive(Debug)]
pub struct Row {
    pub id: Uuid,
    pub user_id: Uuid,
    pub connection_id: Uuid,
    pub api_key_id: Uuid,
    pub exchange: String,
    pub environment: String,
    pub connection_name: String,
    /// A program has called through its connection.
    pub connection_is_used: bool,
    pub name: String,
    pub symbol: Option<String>,
    pub is_active: bool,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub active_access_keys: i64,
    pub last_used_at: Option<OffsetDateTime>,
    pub next_symbol: Option<String>,
    pub next_symbol_asked_at: Option<OffsetDateTime>,
    pub next_symbol_at: Option<OffsetDateTime>,
}

impl Row {
    /// The symbol that waits, if one does.
    pub fn pending(&self) -> Option<Pending> {
        let (asked_at, effective_at) = self.next_symbol_asked_at.zip(self.next_symbol_at)?;
        Some(Pending { symbol: self.next_symbol.clone(), asked_at, effective_at })
    }
}

pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    select(app, user, None).await
}

pub async fn find(app: &App, user: Uuid, id: Uuid) -> Result<Option<Row>> {
    Ok(select(app, user, Some(id)).await?.into_iter().next())
}

async fn select(app: &App, user: Uuid, id: Option<Uuid>) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select b.id, b.user_id, b.connection_id as "connection_id!", b.api_key_id as "api_key_id!", c.exchange_type as exchange,
                  c.environment as "environment!", c.name as connection_name,
                  c.api_key_last_used is not null as "connection_is_used!", b.name, b.symbol,
                  b.is_active, b.created_at, b.updated_at,
                  (select count(*) from access_keys k where k.bot_id = b.id and k.revoked_at is null) as "active_access_keys!",
                  (select max(k.last_used_at) from access_keys k where k.bot_id = b.id) as last_used_at,
                  p.symbol as next_symbol, p.asked_at as "next_symbol_asked_at?", p.effective_at as "next_symbol_at?"
           from bot_configs b join exchange_connections c on c.id = b.connection_id
                left join keygate.pending_symbol p on p.bot_id = b.id
           where $1::uuid is null or b.id = $1
           order by b.created_at, b.id limit 1000"#,
        id
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

pub async fn insert(tx: &mut Tx, user: Uuid, subject: &Subject<'_>, new: &NewBot) -> Result<()> {
    sqlx::query!(
        "insert into bot_configs (id, user_id, api_key_id, connection_id, name, symbol) values ($1, $2, $3, $4, $5, $6)",
        subject.bot,
        user,
        subject.api_key,
        new.connection,
        new.name,
        new.symbol
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A bot that nobody else changes until the end of the transaction.
pub struct Locked {
    pub name: String,
    pub symbol: Option<String>,
    pub is_active: bool,
}

/// None: there is no such bot.
pub async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<Locked>> {
    Ok(sqlx::query_as!(
        Locked,
        "select name, symbol, is_active from bot_configs where id = $1 for no key update",
        id
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Everything but its symbol.
pub async fn update(tx: &mut Tx, id: Uuid, change: &Change) -> Result<()> {
    sqlx::query!(
        "update bot_configs set name = coalesce($2, name), is_active = coalesce($3, is_active) where id = $1",
        id,
        change.name,
        change.is_active
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn set_symbol(tx: &mut Tx, id: Uuid, symbol: Option<&str>) -> Result<()> {
    sqlx::query!("update bot_configs set symbol = $2 where id = $1", id, symbol).execute(&mut **tx).await?;
    Ok(())
}

pub async fn insert_pending(
    tx: &mut Tx,
    user: Uuid,
    bot: Uuid,
    symbol: Option<&str>,
    asked_at: OffsetDateTime,
    effective_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into keygate.pending_symbol (bot_id, user_id, symbol, asked_at, effective_at) values ($1, $2, $3, $4, $5)",
        bot,
        user,
        symbol,
        asked_at,
        effective_at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What waited, if something did.
pub async fn take_pending(tx: &mut Tx, bot: Uuid) -> Result<Option<Pending>> {
    Ok(sqlx::query_as!(
        Pending,
        "delete from keygate.pending_symbol where bot_id = $1 returning symbol, asked_at, effective_at",
        bot
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Bots whose symbols have waited long enough, with their owners.
pub async fn due(app: &App) -> Result<Vec<(Uuid, Uuid)>> {
    let mut tx = app.db.service().await?;
    let rows = sqlx::query!(
        r#"select bot_id as "bot_id!", user_id as "user_id!" from keygate.list_due_symbols($1)"#,
        app.clock.now()
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.bot_id)).collect())
}

/// False: there is no such bot.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool> {
    let done = sqlx::query!("delete from bot_configs where id = $1", id).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}
