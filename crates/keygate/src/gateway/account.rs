//! Accounts: everything about an access key and the connection behind it, cached. The cache holds secrets sealed
//! only, and is believed only while the database's notifications are known to arrive: a change is in
//! force within a second, on every instance.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use exchange::{Credentials, Definition};
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{Denial, credential::Presented, record};
use crate::{app::App, connection::ExchangeKey, limits::Limits};

mod kept;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod sample;
mod store;

pub use kept::{KeptConnection, KeptPair, StoredPair};

/// An access key with its owner, its bot and the connection it acts on.
pub struct Account {
    pub access_key: Uuid,
    pub key_prefix: String,
    pub key_hash: String,
    pub user: Uuid,
    pub user_is_active: bool,
    pub scopes: Vec<String>,
    pub expires_at: Option<OffsetDateTime>,
    pub revoked: bool,
    pub allowed_addresses: Option<Vec<IpNetwork>>,
    pub bot: Option<Bot>,
    pub connection: Connection,
    /// Whether the call named the connection, and how.
    named: Option<String>,
    pub limits: Limits,
    /// Its owner, or whoever runs this site, has stopped all signing.
    pub stopped: bool,
    /// Used in an unusual way, and not confirmed by its owner.
    pub suspended: bool,
    pair: KeptPair,
}

pub struct Bot {
    pub id: Uuid,
    pub is_active: bool,
    pub symbol: Option<String>,
}

pub struct Connection {
    pub id: Uuid,
    pub api_key: Uuid,
    pub environment: String,
    pub status: String,
    key: KeptConnection,
}

/// A key that is bait, and whose it is.
pub struct Bait {
    pub access_key: Uuid,
    pub key_prefix: String,
    pub user: Uuid,
    pub bot: Uuid,
    pub api_key: Uuid,
    pub connection: Uuid,
    pub environment: String,
}

/// Why there is no account.
pub enum Missing {
    Denied(Denial),
    /// Somebody has found it.
    Bait(Box<Bait>),
}

/// The cache. Keys are prefix, exchange and the connection asked for.
#[derive(Default)]
pub struct Accounts {
    known: RwLock<HashMap<Key, Arc<Account>>>,
    /// Rises with every notification; what was loaded before one is not kept after it.
    epoch: AtomicU64,
    /// When notifications were last known to arrive, in milliseconds of the clock.
    heartbeat_ms: AtomicI64,
    loading: Loading,
}

/// How many accounts are looked up at once. Anybody can make us look for keys that do not exist: the ledger shall have
/// connections left.
struct Loading(Semaphore);

impl Default for Loading {
    fn default() -> Self {
        Loading(Semaphore::new(AT_ONCE))
    }
}

type Key = (String, String, Option<String>);

impl Accounts {
    /// What needs no look into the database.
    pub(super) fn known(
        &self,
        app: &App,
        presented: &Presented,
        definition: &Definition,
    ) -> Option<Arc<Account>> {
        self.cached(&key(presented, definition), app.clock.now_ms())
    }

    /// Never of bait: so nothing is ever signed for it.
    pub(super) async fn find(
        &self,
        app: &App,
        presented: &Presented,
        definition: &Definition,
    ) -> Result<Arc<Account>, Missing> {
        match self.known(app, presented, definition) {
            Some(account) => Ok(account),
            None => Box::pin(self.load(app, key(presented, definition), presented.hash())).await,
        }
    }

    /// The same account as it is now.
    pub(super) async fn again(
        &self,
        app: &App,
        account: &Account,
        definition: &Definition,
    ) -> Result<Arc<Account>, Missing> {
        let key = (account.key_prefix.clone(), definition.id().to_owned(), account.named.clone());
        match self.cached(&key, app.clock.now_ms()) {
            Some(account) => Ok(account),
            None => Box::pin(self.load(app, key, None)).await,
        }
    }

    /// `hash`: of the whole token that was shown, if it was.
    async fn load(&self, app: &App, key: Key, hash: Option<&str>) -> Result<Arc<Account>, Missing> {
        let _room = self.loading.0.acquire().await;
        let epoch = self.epoch.load(Ordering::Acquire);
        let (prefix, exchange, connection) = &key;
        let loaded = store::load(app, prefix, exchange, connection.as_deref(), hash).await;
        let account = match loaded {
            Ok(Ok(account)) => Arc::new(account),
            Ok(Err(missing)) => return Err(missing),
            Err(error) => return Err(Denial::down(error).into()),
        };
        self.keep(key, &account, epoch);
        Ok(account)
    }

    /// Forgets everything of a user. The operation that changes something calls it when it is done, so that on
    /// this instance the change holds for the next call; the others hear of it by notice.
    pub fn forget(&self, user: Uuid) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.write().retain(|_, account| account.user != user);
    }

    pub fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.write().clear();
    }

    /// Notifications arrive; the cache may be believed for another moment.
    pub fn heartbeat(&self, now_ms: i64) {
        self.heartbeat_ms.store(now_ms, Ordering::Release);
    }

    fn cached(&self, key: &Key, now_ms: i64) -> Option<Arc<Account>> {
        let believable = now_ms - self.heartbeat_ms.load(Ordering::Acquire) < BELIEVED_MS;
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get(key).filter(|_| believable).cloned()
    }

    fn keep(&self, key: Key, account: &Arc<Account>, epoch: u64) {
        let mut known = self.write();
        if self.epoch.load(Ordering::Acquire) == epoch && known.len() < MOST {
            known.insert(key, account.clone());
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<Key, Arc<Account>>> {
        self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn key(presented: &Presented, definition: &Definition) -> Key {
    let connection = presented.connection().map(str::to_owned);
    (presented.prefix().to_owned(), definition.id().to_owned(), connection)
}

impl From<Denial> for Missing {
    fn from(denial: Denial) -> Missing {
        Missing::Denied(denial)
    }
}

impl Account {
    /// The virtual pair, opened to check one signature.
    pub(super) fn virtual_pair(&self, app: &App, definition: &Definition) -> Result<Credentials, Denial> {
        self.pair.open(&app.keys.process, definition)
    }

    /// The real key, opened for one signature. The caller drops it right after.
    pub(super) fn real_key(&self, app: &App, definition: &Definition) -> Result<Credentials, Denial> {
        self.connection.key.open(&app.keys.process, definition)
    }

    /// The real key, for a question of the gateway's own.
    pub(super) fn exchange_key(&self, app: &App) -> Result<ExchangeKey, Denial> {
        self.connection.key.exchange_key(&app.keys.process)
    }

    /// The public half of the real key: what no answer may repeat.
    pub(super) fn real_public_key(&self) -> &str {
        self.connection.key.api_key()
    }

    /// How its key is used; not secret.
    pub(super) fn options(&self) -> &exchange::Options {
        self.connection.key.options()
    }

    /// The key that signs for it.
    pub(super) fn whose(&self) -> super::queue::Whose {
        super::queue::Whose { user: self.user, api_key: self.connection.api_key }
    }

    pub(super) fn used(&self, address: IpAddr) -> record::Used {
        record::Used {
            access_key: self.access_key,
            connection: self.connection.id,
            api_key: self.connection.api_key,
            address,
        }
    }
}

/// A cache without a sign of life for this long is not believed.
const BELIEVED_MS: i64 = 1000;
const MOST: usize = 100_000;
const AT_ONCE: usize = 4;
