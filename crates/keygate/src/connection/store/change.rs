//! Changes of a connection, each with its record in the same transaction.

use uuid::Uuid;

use super::{Row, utc};
use crate::{
    app::App,
    audit::{self, Event},
    auth::Origin,
    connection::{Change, UNDO, Verified, view},
    error::{Error, Result},
};

pub async fn record_check(
    app: &App,
    user: Uuid,
    row: &Row,
    outcome: &Result<Verified>,
    request: &Origin,
) -> Result<()> {
    let now = utc(app.clock.now());
    let mut tx = app.db.user(user).await?;
    match outcome {
        Ok(verified) => {
            sqlx::query!(
                "update exchange_connections set last_verified_at = $2, last_successful_ping = $2, verification_status = 'verified',
                        last_error_message = null, error_count = 0, api_key_permissions = $3, connection_warnings = $4,
                        api_key_expires_at = $5
                 where id = $1",
                row.id,
                now,
                view::permissions_json(verified),
                view::findings_json(verified),
                verified.expires_at().map(utc)
            )
            .execute(&mut *tx)
            .await?;
        }
        Err(error) => {
            sqlx::query!(
                "update exchange_connections set verification_status = 'failed', last_error_message = $2,
                        error_count = coalesce(error_count, 0) + 1
                 where id = $1",
                row.id,
                error.detail.as_ref()
            )
            .execute(&mut *tx)
            .await?;
        }
    }
    let failure = outcome.as_ref().err().map(|error: &Error| error.code.text());
    audit::key_event(app, &mut tx, request, row.api_key_id, "verify", &row.exchange, failure).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn set_status(app: &App, user: Uuid, row: &Row, status: &str, request: &Origin) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    sqlx::query!(
        "update exchange_connections set status = $2::varchar, is_enabled = ($2::varchar = 'active') where id = $1 and deleted_at is null",
        row.id,
        status
    )
    .execute(&mut *tx)
    .await?;
    let operation = if status == "active" { "resume" } else { "pause" };
    audit::key_event(app, &mut tx, request, row.api_key_id, operation, &row.exchange, None).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn update(app: &App, user: Uuid, row: &Row, change: &Change, request: &Origin) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    if change.is_default == Some(true) {
        sqlx::query!(
            "update exchange_connections set is_default = false where exchange_type = $1 and is_default and id <> $2",
            row.exchange,
            row.id
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query!(
        "update exchange_connections set name = coalesce($2, name), api_key_label = coalesce($3, api_key_label),
                is_default = coalesce($4, is_default)
         where id = $1",
        row.id,
        change.name,
        change.label,
        change.is_default
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("update api_keys set name = coalesce($2, name) where id = $1", row.api_key_id, change.name)
        .execute(&mut *tx)
        .await?;
    let event = Event {
        api_key: row.api_key_id,
        operation: "change",
        exchange: &row.exchange,
        changed: change.of(row),
        ..Event::default()
    };
    audit::record(app, &mut tx, request, event).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn mark_deleted(app: &App, user: Uuid, row: &Row, request: &Origin) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.user(user).await?;
    sqlx::query!(
        "update exchange_connections set status = 'deleted', is_enabled = false, is_default = false, deleted_at = $2, destroy_after = $3
         where id = $1 and deleted_at is null",
        row.id,
        now,
        now + UNDO
    )
    .execute(&mut *tx)
    .await?;
    // Its name is free for a new key at once; an undo needs it to be free again.
    sqlx::query!("update api_keys set is_active = false where id = $1", row.api_key_id)
        .execute(&mut *tx)
        .await?;
    audit::key_event(app, &mut tx, request, row.api_key_id, "delete", &row.exchange, None).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn unmark_deleted(app: &App, user: Uuid, row: &Row, request: &Origin) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    sqlx::query!(
        "update exchange_connections set status = 'paused', is_enabled = false, deleted_at = null, destroy_after = null where id = $1",
        row.id
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("update api_keys set is_active = true where id = $1", row.api_key_id)
        .execute(&mut *tx)
        .await?;
    audit::key_event(app, &mut tx, request, row.api_key_id, "restore", &row.exchange, None).await?;
    tx.commit().await?;
    Ok(())
}

/// For good: key, connection, permissions, bots and access keys go by cascade; the records stay.
pub async fn destroy(app: &App, user: Uuid, row: &Row, request: &Origin) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    // locked before the record, as the gateway does it
    sqlx::query!("select id from exchange_connections where id = $1 for update", row.id)
        .fetch_optional(&mut *tx)
        .await?;
    sqlx::query!("select id from api_keys where id = $1 for update", row.api_key_id)
        .fetch_optional(&mut *tx)
        .await?;
    audit::key_event(app, &mut tx, request, row.api_key_id, "destroy", &row.exchange, None).await?;
    sqlx::query!("delete from exchange_connections where id = $1", row.id).execute(&mut *tx).await?;
    sqlx::query!("delete from api_keys where id = $1", row.api_key_id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}
