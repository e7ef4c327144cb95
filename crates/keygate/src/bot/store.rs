//! Every statement about bots.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Change, NewBot};
use crate::{app::App, error::Result};

#[derive(Debug)]
pub struct Row {
    pub id: Uuid,
    pub connection_id: Uuid,
    pub api_key_id: Uuid,
    pub exchange: String,
    pub environment: String,
    pub connection_name: String,
    pub name: String,
    pub symbol: Option<String>,
    pub is_active: bool,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub active_access_keys: i64,
    pub last_used_at: Option<OffsetDateTime>,
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
        r#"select b.id, b.connection_id as "connection_id!", b.api_key_id as "api_key_id!", c.exchange_type as exchange,
                  c.environment as "environment!", c.name as connection_name, b.name, b.symbol,
                  b.is_active, b.created_at, b.updated_at,
                  (select count(*) from access_keys k where k.bot_id = b.id and k.revoked_at is null) as "active_access_keys!",
                  (select max(k.last_used_at) from access_keys k where k.bot_id = b.id) as last_used_at
           from bot_configs b join exchange_connections c on c.id = b.connection_id
           where $1::uuid is null or b.id = $1
           order by b.created_at, b.id limit 1000"#,
        id
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

pub async fn insert(app: &App, user: Uuid, id: Uuid, key: Uuid, new: &NewBot) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    sqlx::query!(
        "insert into bot_configs (id, user_id, api_key_id, connection_id, name, symbol) values ($1, $2, $3, $4, $5, $6)",
        id,
        user,
        key,
        new.connection,
        new.name,
        new.symbol
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn update(app: &App, user: Uuid, id: Uuid, change: &Change) -> Result<bool> {
    let mut tx = app.db.user(user).await?;
    let done = sqlx::query!(
        "update bot_configs set name = coalesce($2, name),
                symbol = case when $3 then $4 else symbol end,
                is_active = coalesce($5, is_active)
         where id = $1",
        id,
        change.name,
        change.symbol.is_some(),
        change.symbol.clone().flatten(),
        change.is_active
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

pub async fn delete(app: &App, user: Uuid, id: Uuid) -> Result<bool> {
    let mut tx = app.db.user(user).await?;
    let done = sqlx::query!("delete from bot_configs where id = $1", id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}
