//! The statements that make a key.

use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Row, VirtualKey};
use crate::{
    alert::{self, Alert, Kind},
    app::App,
    audit::{self, Event},
    auth::Origin,
    db::Tx,
    error::Result,
};

pub async fn insert_personal(
    app: &App,
    user: Uuid,
    row: &Row,
    hash: &str,
    (origin, news): (&Origin, Option<String>),
) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    end_personal(&mut tx, row.created_at).await?;
    insert(&mut tx, user, row, hash).await?;
    if let Some(text) = news {
        tell(app, &mut tx, row, origin, (None, text)).await?;
    }
    let event = Event {
        api_key: user,
        operation: "access-key-create",
        access_key: Some(row.id),
        changed: row.as_new(),
        ..Event::default()
    };
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    Ok(())
}

/// The key, its virtual pair and the record of that, in one transaction.
pub async fn insert_pair(
    app: &App,
    user: Uuid,
    row: &Row,
    hash: &str,
    (pair, origin, event, news): (&VirtualKey, &Origin, Event<'_>, Option<(Uuid, String)>),
) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    insert(&mut tx, user, row, hash).await?;
    sqlx::query!(
        "insert into keygate.virtual_key (access_key_id, user_id, exchange, public_key, secret, passphrase, public_key_pem)
         values ($1, $2, $3, $4, $5, $6, $7)",
        row.id,
        user,
        pair.exchange,
        row.key_prefix,
        pair.sealed_secret,
        pair.sealed_passphrase,
        pair.public_key_pem
    )
    .execute(&mut *tx)
    .await?;
    if let Some((connection, text)) = news {
        tell(app, &mut tx, row, origin, (Some(connection), text)).await?;
    }
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    Ok(())
}

/// The owner hears of a key that whoever was signed in has made.
async fn tell(
    app: &App,
    tx: &mut Tx,
    row: &Row,
    origin: &Origin,
    (connection, text): (Option<Uuid>, String),
) -> Result<()> {
    let alert = Alert {
        kind: Kind::NewKey,
        subject: &row.key_prefix,
        text: &text,
        connection,
        request: Some(origin.request.0),
    };
    Ok(alert::raise(app, tx, &alert).await?)
}

/// A personal key that has ended is no active one any more, and in the way of none.
async fn end_personal(tx: &mut Tx, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update access_keys set revoked_at = expires_at where bot_id is null and revoked_at is null and expires_at <= $1",
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert(tx: &mut Tx, user: Uuid, row: &Row, hash: &str) -> Result<()> {
    sqlx::query!(
        "insert into access_keys (id, user_id, bot_id, name, key_hash, key_prefix, scopes, created_at, expires_at, honey,
                allowed_ip_addresses)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        row.id,
        user,
        row.bot_id,
        row.name,
        hash,
        row.key_prefix,
        &row.scopes,
        row.created_at,
        row.expires_at,
        row.honey,
        row.addresses.as_deref() as Option<&[IpNetwork]>
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
