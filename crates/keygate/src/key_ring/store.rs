//! Every statement about keys. The boot connection alone may call the functions of the hierarchy; a user's
//! own key is read under the user's context and written by the keysmith.

use seal::{
    SigningKey,
    keyring::{Wrapped, WrappedMasterKey},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    db::{self, Tx},
    error::{Fatal, Result},
};

/// A row of the keys that sign something.
pub struct StoredSigningKey {
    pub id: String,
    pub wrapped: Wrapped,
    pub active: bool,
}

pub async fn load_keyring(boot: &mut PgConnection) -> Result<Vec<(WrappedMasterKey, String)>, Fatal> {
    let rows = sqlx::query!(
        r#"select kid as "kid!", provider as "provider!", wrapped as "wrapped!", kcv as "kcv!", state as "state!"
           from keygate.load_keyring()"#
    )
    .fetch_all(boot)
    .await
    .map_err(db::Error::from)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let kcv = row.kcv.try_into().unwrap_or_default();
            (
                WrappedMasterKey {
                    kid: unsigned(row.kid),
                    provider: row.provider,
                    wrapped: row.wrapped,
                    kcv,
                },
                row.state,
            )
        })
        .collect())
}

pub async fn insert_master_key(boot: &mut PgConnection, key: &WrappedMasterKey) -> Result<(), Fatal> {
    sqlx::query!(
        "select keygate.insert_keyring($1, $2, $3, $4, $5, 'active')",
        signed(key.kid),
        key.provider,
        key.provider,
        key.wrapped,
        &key.kcv[..]
    )
    .execute(boot)
    .await
    .map_err(db::Error::from)?;
    Ok(())
}

/// Versions and sealed keys, oldest first.
pub async fn load_service_keys(boot: &mut PgConnection) -> Result<Vec<(u32, Wrapped)>, Fatal> {
    let rows = sqlx::query!(
        r#"select version as "version!", wrapped as "wrapped!", iv as "iv!", kid as "kid!" from keygate.load_service_keys()"#
    )
    .fetch_all(boot)
    .await
    .map_err(db::Error::from)?;
    Ok(rows.into_iter().map(|row| (unsigned(row.version), wrapped(row.wrapped, row.iv, row.kid))).collect())
}

/// Something is sealed under a master key already.
pub async fn has_wrapped(boot: &mut PgConnection) -> Result<bool, Fatal> {
    let under_the_first = sqlx::query_scalar!(r#"select keygate.count_wrapped(1) > 0 as "yes!""#)
        .fetch_one(&mut *boot)
        .await
        .map_err(db::Error::from)?;
    Ok(under_the_first || !load_service_keys(boot).await?.is_empty())
}

pub async fn insert_service_key(boot: &mut PgConnection, version: u32, key: &Wrapped) -> Result<(), Fatal> {
    sqlx::query!(
        "select keygate.insert_service_key($1, $2, $3, $4)",
        signed(version),
        key.wrapped,
        key.iv,
        signed(key.kid)
    )
    .execute(boot)
    .await
    .map_err(db::Error::from)?;
    Ok(())
}

pub async fn load_signing_keys(
    boot: &mut PgConnection,
    purpose: &str,
) -> Result<Vec<StoredSigningKey>, Fatal> {
    let rows = sqlx::query!(
        r#"select id as "id!", wrapped as "wrapped!", iv as "iv!", kid as "kid!", state as "state!"
           from keygate.load_signing_keys($1)"#,
        purpose
    )
    .fetch_all(boot)
    .await
    .map_err(db::Error::from)?;
    Ok(rows
        .into_iter()
        .map(|row| StoredSigningKey {
            id: row.id,
            wrapped: wrapped(row.wrapped, row.iv, row.kid),
            active: row.state == "active",
        })
        .collect())
}

pub async fn insert_signing_key(
    boot: &mut PgConnection,
    purpose: &str,
    key: &SigningKey,
    sealed: &Wrapped,
) -> Result<(), Fatal> {
    sqlx::query!(
        "select keygate.insert_signing_key($1, $2, $3, $4, $5, $6)",
        key.id(),
        purpose,
        &key.public_key()[..],
        sealed.wrapped,
        sealed.iv,
        signed(sealed.kid)
    )
    .execute(boot)
    .await
    .map_err(db::Error::from)?;
    Ok(())
}

pub async fn load_user_key(tx: &mut Tx, user: Uuid) -> Result<Option<(u32, Wrapped)>> {
    let row = sqlx::query!(
        r#"select encrypted_key, key_iv, version as "version!", kid from user_encryption_keys where user_id = $1"#,
        user
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| (unsigned(row.version), wrapped(row.encrypted_key, row.key_iv, row.kid))))
}

/// Stores a key unless the user has one already.
pub async fn store_user_key(tx: &mut Tx, version: u32, key: &Wrapped) -> Result<()> {
    sqlx::query!(
        "select keygate.store_user_key($1, $2, $3, $4)",
        signed(version),
        key.wrapped,
        key.iv,
        signed(key.kid)
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(())
}

fn wrapped(sealed: String, iv: String, kid: i32) -> Wrapped {
    Wrapped { wrapped: sealed, iv, kid: unsigned(kid) }
}

fn unsigned(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
