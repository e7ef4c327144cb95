//! Every statement about the registry of exchanges.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{app::App, error::Result};

#[derive(Debug, Serialize, ToSchema)]
pub struct Listed {
    pub exchange_id: i32,
    pub exchange_name: String,
    #[serde(skip)]
    pub definition: Option<String>,
}

pub async fn list(app: &App, user: Uuid) -> Result<Vec<Listed>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Listed,
        "select exchange_id, exchange_name, definition from exchanges order by exchange_id"
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// The registered name behind a number, and the id of its definition.
pub async fn find(app: &App, user: Uuid, exchange_id: i32) -> Result<Option<(String, Option<String>)>> {
    let mut tx = app.db.user(user).await?;
    let row =
        sqlx::query!("select exchange_name, definition from exchanges where exchange_id = $1", exchange_id)
            .fetch_optional(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(row.map(|row| (row.exchange_name, row.definition)))
}

pub async fn insert(app: &App, admin: Uuid, name: &str) -> Result<()> {
    let mut tx = app.db.admin(admin).await?;
    sqlx::query!("insert into exchanges (exchange_name) values ($1)", name).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}
