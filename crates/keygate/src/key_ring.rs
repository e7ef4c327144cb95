//! The key hierarchy of a running instance: opened once at start with the root key, kept in memory.
//!
//! Always holds: a wrong root key stops the start before anything is written; without the root key there is
//! no fallback. Users' own keys are made on first use and opened when needed, never cached.

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::{DecodingKey, EncodingKey};
use seal::{
    Key, KeyError, Keyring, MasterKey, ProcessKey, Purpose, ServiceKey, SigningKey, UserKey,
    keyring::Wrapped, password::Hasher, root::Root,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    app::App,
    audit,
    clock::Clock,
    db::Tx,
    error::{Error, Fatal, Result},
};

pub mod root;
mod store;

pub struct Keys {
    pub keyring: Keyring,
    /// Seals what the gateway opens for each call, as long as this process runs.
    pub process: ProcessKey,
    pub passwords: Arc<Hasher>,
    pub csrf: Key,
    /// Tells whether two requests under one idempotency key are the same, without keeping them.
    pub idempotency: Key,
    /// Tells equal exchange keys and devices apart without opening them.
    pub fingerprint: Key,
    /// Signs the tokens that stand for an exchange's own on its streams.
    pub stream_token: Key,
    pub jwt: Jwt,
    /// Make the record of what happened provable.
    pub audit: audit::Keys,
}

/// The keys of access tokens: one signs, the former still verifies.
pub struct Jwt {
    pub kid: String,
    pub encoding: EncodingKey,
    decoding: HashMap<String, DecodingKey>,
}

impl Jwt {
    pub fn decoding(&self, kid: &str) -> Option<&DecodingKey> {
        self.decoding.get(kid)
    }
}

/// Opens the hierarchy, making it on the very first start. Returns the key of the database context too,
/// which the pools need before anybody can use them. Two instances starting at once make it once: the
/// caller holds the boot lock.
pub async fn open(boot: &mut PgConnection, root: &dyn Root, clock: &Clock) -> Result<(Keys, Key), Fatal> {
    let keyring = keyring(boot, root).await?;
    let services = service_keys(boot, &keyring).await?;
    let service = newest(&services);
    let jwt = jwt(boot, &keyring, clock).await?;
    let context = service.derive(Purpose::DbCtx);
    let keys = Keys {
        process: ProcessKey::generate(),
        passwords: Arc::new(Hasher::new(service)),
        csrf: service.derive(Purpose::Csrf),
        fingerprint: service.derive(Purpose::Device),
        idempotency: service.derive(Purpose::Idem),
        stream_token: service.derive(Purpose::StreamToken),
        jwt,
        audit: audit_keys(boot, &keyring, services, clock).await?,
        keyring,
    };
    Ok((keys, context))
}

/// No keys were ever made here. An empty keyring beside keys that are sealed is a part of a backup: a second master key would
/// open none of them.
pub async fn is_new(boot: &mut PgConnection) -> Result<bool, Fatal> {
    if !store::load_keyring(boot).await?.is_empty() {
        return Ok(false);
    }
    match store::has_wrapped(boot).await? {
        false => Ok(true),
        true => Err(Fatal::new(
            "the keyring is empty beside keys that are sealed under one; nothing was changed",
            "restore keygate.keyring from the backup that the rest is from, then start again",
        )),
    }
}

/// The user's own key, as its row holds it.
pub async fn load_user_key(tx: &mut Tx, user: Uuid) -> Result<Option<(u32, Wrapped)>> {
    store::load_user_key(tx, user).await
}

/// The user's own key, made on first use.
pub async fn user_key(app: &App, tx: &mut Tx, user: Uuid) -> Result<UserKey> {
    if let Some((version, wrapped)) = store::load_user_key(tx, user).await? {
        return UserKey::open(&app.keys.keyring, user, version, &wrapped).map_err(Error::internal);
    }
    let (_, wrapped) = UserKey::create(&app.keys.keyring, user, 1);
    store::store_user_key(tx, 1, &wrapped).await?;
    // Another request may have been first: what the table holds is the truth.
    let stored = store::load_user_key(tx, user).await?;
    let (version, wrapped) = stored.ok_or_else(|| Error::internal("a user key just stored is not there"))?;
    UserKey::open(&app.keys.keyring, user, version, &wrapped).map_err(Error::internal)
}

async fn keyring(boot: &mut PgConnection, root: &dyn Root) -> Result<Keyring, Fatal> {
    let rows = store::load_keyring(boot).await?;
    if rows.is_empty() {
        let master = MasterKey::generate(1);
        let wrapped = master.wrap(root).map_err(sealed)?;
        store::insert_master_key(boot, &wrapped).await?;
        return Ok(Keyring::new(master));
    }
    let mut active = None;
    let mut others = Vec::new();
    for (row, state) in rows {
        let master = MasterKey::unwrap(root, &row).map_err(|error| wrong_root(&error))?;
        match state.as_str() {
            "active" => active = Some(master),
            _ => others.push(master),
        }
    }
    let active =
        active.ok_or_else(|| Fatal::new("no master key is active", "restore the keyring from a backup"))?;
    let mut keyring = Keyring::new(active);
    others.into_iter().for_each(|master| keyring.add(master));
    Ok(keyring)
}

/// All versions, oldest first.
async fn service_keys(boot: &mut PgConnection, keyring: &Keyring) -> Result<Vec<ServiceKey>, Fatal> {
    let rows = store::load_service_keys(boot).await?;
    if rows.is_empty() {
        let key = ServiceKey::generate(1);
        store::insert_service_key(boot, 1, &key.wrap(keyring)).await?;
        return Ok(vec![key]);
    }
    let open = |(version, wrapped): (u32, Wrapped)| ServiceKey::open(keyring, version, &wrapped);
    rows.into_iter().map(open).collect::<Result<_, _>>().map_err(|error| wrong_root(&error))
}

#[expect(clippy::expect_used, reason = "`service_keys` makes the first one")]
fn newest(services: &[ServiceKey]) -> &ServiceKey {
    services.last().expect("a service key")
}

/// The keys that sign something, the active one last; made on the very first start.
async fn signing_keys(
    boot: &mut PgConnection,
    keyring: &Keyring,
    purpose: &str,
    clock: &Clock,
) -> Result<Vec<SigningKey>, Fatal> {
    let mut rows = store::load_signing_keys(boot, purpose).await?;
    if rows.is_empty() {
        let key = SigningKey::generate(&clock.id().to_string());
        store::insert_signing_key(boot, purpose, &key, &key.wrap(keyring)).await?;
        rows = store::load_signing_keys(boot, purpose).await?;
    }
    rows.sort_by_key(|row| row.active);
    if rows.last().is_none_or(|row| !row.active) {
        let what = format!("no signing key for {purpose} is active");
        return Err(Fatal::new(what, "restore the database from a backup"));
    }
    let open = |row: store::StoredSigningKey| SigningKey::open(keyring, &row.id, &row.wrapped);
    rows.into_iter().map(open).collect::<Result<_, _>>().map_err(|error| wrong_root(&error))
}

async fn jwt(boot: &mut PgConnection, keyring: &Keyring, clock: &Clock) -> Result<Jwt, Fatal> {
    let mut keys = signing_keys(boot, keyring, "jwt", clock).await?;
    let decoding =
        keys.iter().map(|key| (key.id().to_owned(), DecodingKey::from_ed_der(&key.public_key()))).collect();
    let key = keys.pop().ok_or_else(|| Fatal::new("there is no token key", ""))?;
    Ok(Jwt { kid: key.id().to_owned(), encoding: EncodingKey::from_ed_der(key.pkcs8().expose()), decoding })
}

async fn audit_keys(
    boot: &mut PgConnection,
    keyring: &Keyring,
    services: Vec<ServiceKey>,
    clock: &Clock,
) -> Result<audit::Keys, Fatal> {
    Ok(audit::Keys::new(services, signing_keys(boot, keyring, "audit", clock).await?))
}

fn sealed(error: impl std::fmt::Display) -> Fatal {
    Fatal::new(format!("the master key cannot be used: {error}"), "check master_key in the configuration")
}

fn wrong_root(error: &KeyError) -> Fatal {
    match error {
        KeyError::WrongRootKey => Fatal::new(
            "the master key is not the one this database was made with; nothing was changed",
            "put the right master.key back (or the right KEYGATE_MASTER_KEY__VALUE) and start again",
        ),
        other => sealed(other),
    }
}
