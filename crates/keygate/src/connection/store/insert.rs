//! The one transaction that puts a key into the vault.

use uuid::Uuid;

use super::{set_permissions, utc};
use crate::{
    app::App,
    audit,
    auth::Origin,
    connection::{
        NewConnection, Verified, own_key,
        secrets::{self, SealedConnection},
        view,
    },
    db::Tx,
    error::Result,
    key_ring,
};

/// Key, connection, permissions and the record of it: one transaction. A key made here keeps its id.
pub async fn insert(
    app: &App,
    user: Uuid,
    new: &NewConnection,
    verified: &Verified,
    fingerprint: &str,
    request: &Origin,
) -> Result<Uuid> {
    let (key_id, id) = (new.own_key.unwrap_or_else(|| app.clock.id()), app.clock.id());
    let mut tx = app.db.user(user).await?;
    if let Some(waiting) = new.own_key {
        own_key::use_up(app, &mut tx, waiting).await?;
    }
    let user_key = key_ring::user_key(app, &mut tx, user).await?;
    let sealed = secrets::seal_key(&user_key, key_id, &new.key);
    insert_key(&mut tx, user, key_id, new, &sealed, fingerprint).await?;
    let sealed = secrets::seal_connection(&user_key, id, &new.key);
    insert_connection(app, &mut tx, user, id, key_id, new, verified, &sealed).await?;
    set_permissions(&mut tx, key_id, new.allow).await?;
    if new.own_key.is_some() {
        audit::key_event(app, &mut tx, request, key_id, "own-key-use", &new.exchange, None).await?;
    }
    audit::key_event(app, &mut tx, request, key_id, "create", &new.exchange, None).await?;
    tx.commit().await?;
    Ok(id)
}

async fn insert_key(
    tx: &mut Tx,
    user: Uuid,
    id: Uuid,
    new: &NewConnection,
    sealed: &secrets::SealedKey,
    fingerprint: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into api_keys (id, user_id, exchange, environment, name, salt, encrypted_api_key, key_iv,
                encrypted_secret, secret_iv, encrypted_passphrase, passphrase_iv, fingerprint, auto_rotation_enabled)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, false)",
        id,
        user,
        new.exchange,
        new.environment,
        new.name,
        sealed.salt,
        sealed.api_key.sealed,
        sealed.api_key.iv,
        sealed.secret.sealed,
        sealed.secret.iv,
        sealed.passphrase.as_ref().map(|field| field.sealed.as_str()),
        sealed.passphrase.as_ref().map(|field| field.iv.as_str()),
        fingerprint
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one statement, and each argument is a column or two")]
async fn insert_connection(
    app: &App,
    tx: &mut Tx,
    user: Uuid,
    id: Uuid,
    key: Uuid,
    new: &NewConnection,
    verified: &Verified,
    sealed: &SealedConnection,
) -> Result<()> {
    let now = utc(app.clock.now());
    sqlx::query!(
        "insert into exchange_connections (id, user_id, name, exchange_type, environment, status, is_enabled, is_default,
                encrypted_api_key, encrypted_secret_key, encrypted_passphrase, key_encryption_salt, api_key_id,
                api_key_label, api_key_permissions, api_key_expires_at, connection_warnings, created_at, updated_at,
                last_verified_at, last_successful_ping, verification_status, error_count, connection_metadata)
         values ($1, $2, $3, $4, $5, 'active', true,
                not exists (select 1 from exchange_connections where exchange_type = $4::varchar and is_default and deleted_at is null),
                $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $15, $15, 'verified', 0, $16)",
        id,
        user,
        new.name,
        new.exchange,
        new.environment,
        sealed.api_key,
        sealed.secret,
        sealed.passphrase,
        sealed.salt,
        key,
        new.label,
        view::permissions_json(verified),
        verified.expires_at().map(utc),
        view::findings_json(verified),
        now,
        serde_json::to_value(new.key.options).ok()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
