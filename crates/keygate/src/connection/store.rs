//! Every statement that reads or writes connections, their keys and their permissions.

use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use super::{
    NewConnection,
    secrets::{self, SealedConnection},
};
use crate::{app::App, db::Tx, error::Result, key_ring};

mod change;
mod insert;

pub use change::{destroy, mark_deleted, record_check, set_status, unmark_deleted, update};
pub use insert::insert;

/// A connection with its permissions; the key in it is sealed.
pub struct Row {
    pub id: Uuid,
    pub api_key_id: Uuid,
    pub exchange: String,
    pub environment: String,
    pub name: String,
    pub label: Option<String>,
    pub status: String,
    pub is_default: bool,
    pub sealed: SealedConnection,
    pub public_key: Option<String>,
    /// What bots may do.
    pub can_read: bool,
    pub can_trade: bool,
    pub can_withdraw: bool,
    pub can_transfer: bool,
    /// What the exchange says the key may do.
    pub exchange_permissions: Option<Value>,
    pub warnings: Option<Value>,
    pub verification_status: Option<String>,
    pub last_verified_at: Option<OffsetDateTime>,
    pub last_error: Option<String>,
    pub last_used_at: Option<OffsetDateTime>,
    pub bots: i64,
    /// Something limits the dollars of an order, of a day or of what it leads to.
    pub limits_amounts: bool,
    /// The markets are limited, or each bot is tied to one.
    pub limits_markets: bool,
    pub created_at: OffsetDateTime,
    pub updated_at: Option<OffsetDateTime>,
    pub destroy_after: Option<OffsetDateTime>,
}

/// One generation of a connection's key.
pub struct Generation {
    pub id: Uuid,
    pub generation: i32,
    pub is_current: bool,
    pub created_at: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
    pub grace_ends_at: Option<OffsetDateTime>,
    pub fingerprint: Option<String>,
}

/// A stored key that stands in the way of a new one.
pub struct Twin {
    pub name: String,
    /// The very same exchange key; otherwise only the name is taken.
    pub same_key: bool,
}

pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    select(app, user, None).await
}

pub async fn find(app: &App, user: Uuid, id: Uuid) -> Result<Option<Row>> {
    Ok(select(app, user, Some(id)).await?.into_iter().next())
}

async fn select(app: &App, user: Uuid, id: Option<Uuid>) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query!(
        r#"select c.id, c.api_key_id as "api_key_id!", c.exchange_type, coalesce(c.environment, 'production') as "environment!",
                  c.name, c.api_key_label, coalesce(c.status, 'active') as "status!", coalesce(c.is_default, false) as "is_default!",
                  c.encrypted_api_key, c.encrypted_secret_key, c.encrypted_passphrase, c.key_encryption_salt, c.connection_metadata,
                  coalesce(p.can_read, false) as "can_read!", coalesce(p.can_trade, false) as "can_trade!",
                  coalesce(p.can_withdraw, false) as "can_withdraw!", coalesce(p.can_transfer, false) as "can_transfer!",
                  c.api_key_permissions, c.connection_warnings, c.verification_status, c.last_verified_at,
                  c.last_error_message, c.api_key_last_used, c.created_at, c.updated_at, c.destroy_after,
                  num_nonnulls(p.max_trade_amount_usd, p.max_daily_trade_volume_usd, c.max_position_size) > 0 as "limits_amounts!",
                  coalesce(json_typeof(c.allowed_symbols) = 'array', false)
                      or coalesce((select bool_and(b.symbol is not null) from bot_configs b where b.connection_id = c.id), false)
                      as "limits_markets!",
                  (select count(*) from bot_configs b where b.connection_id = c.id) as "bots!"
           from exchange_connections c
           left join api_key_permissions p on p.api_key_id = c.api_key_id
           where c.api_key_id is not null and ($1::uuid is null or c.id = $1)
           order by c.created_at, c.id limit 1000"#,
        id
    )
    .fetch_all(&mut *tx)
    .await?;
    let user_key = match rows.is_empty() {
        true => None,
        false => Some(key_ring::user_key(app, &mut tx, user).await?),
    };
    tx.commit().await?;
    Ok(rows
        .into_iter()
        .map(|c| {
            let sealed = SealedConnection {
                salt: c.key_encryption_salt,
                api_key: c.encrypted_api_key,
                secret: c.encrypted_secret_key,
                passphrase: c.encrypted_passphrase,
                options: secrets::options(c.connection_metadata),
            };
            // A row that does not open is shown as such; it never breaks the list.
            let public_key = user_key.as_ref().and_then(|key| secrets::public_key(key, c.id, &sealed).ok());
            Row {
                id: c.id,
                api_key_id: c.api_key_id,
                exchange: c.exchange_type,
                environment: c.environment,
                name: c.name,
                label: c.api_key_label,
                status: c.status,
                is_default: c.is_default,
                sealed,
                public_key,
                can_read: c.can_read,
                can_trade: c.can_trade,
                can_withdraw: c.can_withdraw,
                can_transfer: c.can_transfer,
                exchange_permissions: c.api_key_permissions,
                warnings: c.connection_warnings,
                verification_status: c.verification_status,
                last_verified_at: c.last_verified_at.map(PrimitiveDateTime::assume_utc),
                last_error: c.last_error_message,
                last_used_at: c.api_key_last_used.map(PrimitiveDateTime::assume_utc),
                bots: c.bots,
                limits_amounts: c.limits_amounts,
                limits_markets: c.limits_markets,
                created_at: c.created_at.assume_utc(),
                updated_at: c.updated_at.map(PrimitiveDateTime::assume_utc),
                destroy_after: c.destroy_after,
            }
        })
        .collect())
}

/// A key with the same fingerprint, or the same name at the same exchange, that is not deleted.
pub async fn twin(app: &App, user: Uuid, new: &NewConnection, fingerprint: &str) -> Result<Option<Twin>> {
    let mut tx = app.db.user(user).await?;
    let row = sqlx::query!(
        r#"select c.name, coalesce(k.fingerprint = $1, false) as "same_key!"
           from exchange_connections c join api_keys k on k.id = c.api_key_id
           where c.deleted_at is null
             and (k.fingerprint = $1 or (k.exchange = $2 and k.environment = $3 and c.name = $4))
           order by 2 desc limit 1"#,
        fingerprint,
        new.exchange,
        new.environment,
        new.name
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(row.map(|row| Twin { name: row.name, same_key: row.same_key }))
}

pub async fn generations(app: &App, user: Uuid, id: Uuid) -> Result<Vec<Generation>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Generation,
        r#"with recursive line as (
               select k.* from api_keys k join exchange_connections c on c.api_key_id = k.id where c.id = $1
               union select k.* from api_keys k join line l on k.id = l.rotated_from_key_id)
           select l.id as "id!", coalesce(l.rotation_generation, 1) as "generation!",
                  (c.api_key_id = l.id) as "is_current!", l.created_at, l.last_used as last_used_at,
                  l.rotation_grace_period_ends_at as grace_ends_at, l.fingerprint
           from line l cross join exchange_connections c where c.id = $1
           order by 2 desc"#,
        id
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// Connections whose time for an undo is over, with their owners.
pub async fn destroyable(app: &App) -> Result<Vec<(Uuid, Uuid)>> {
    let mut tx = app.db.service().await?;
    let rows = sqlx::query!(
        r#"select connection_id as "connection_id!", user_id as "user_id!" from keygate.list_destroyable($1)"#,
        app.clock.now()
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.connection_id)).collect())
}

/// The default row is made with the key and allows reading only; this is the owner's choice on top.
async fn set_permissions(tx: &mut Tx, key: Uuid, allow: crate::connection::Allow) -> Result<()> {
    sqlx::query!(
        "update api_key_permissions set can_trade = $2, can_withdraw = $3, can_transfer = $4 where api_key_id = $1",
        key,
        allow.trade,
        allow.withdraw,
        allow.transfer
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Columns without a zone hold UTC.
fn utc(at: OffsetDateTime) -> PrimitiveDateTime {
    let at = at.to_offset(time::UtcOffset::UTC);
    PrimitiveDateTime::new(at.date(), at.time())
}
