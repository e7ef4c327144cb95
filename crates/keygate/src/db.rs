//! The way to the database. The pools are private: the only way in is a [`Tx`], one transaction with one role and
//! one signed user, both set together with `begin`. What a transaction may see is decided by PostgreSQL alone.
//!
//! What always holds: no statement runs outside a role; the user of a transaction cannot be changed by SQL, because
//! its context is signed; a connection that is not clean is never handed out, and a request that goes away while
//! one is being opened does not interrupt the opening.

mod boot;
mod error;
mod prepare;
mod scratch;
mod settings;
mod survey;
mod tx;

use std::sync::Arc;

use aws_lc_rs::hmac;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use uuid::Uuid;

pub use boot::Boot;
pub use error::{Error, constraint};
pub use prepare::{LOGINS, prepare, prepare_cluster};
pub use scratch::Scratch;
pub use settings::{Settings, Sizes};
pub use survey::{Survey, survey};
pub use tx::{Batch, Tx};

use settings::Login;
use tx::{Lane, Role};

/// The channel on which the id of a user is sent whose caches must be dropped.
pub const CHANGED: &str = "keygate_changed";

/// A listener keeps its connection, so these are apart from the pool that serves requests.
const LISTENERS: u32 = 4;

/// Transactions of the ledger beside each other: one is decided while the other commits. More of them would share fewer
/// statements and commits.
pub const LANES: usize = 2;

/// One pool per login, so that no mistake in one part can use the rights of another. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pools: Arc<Pools>,
}

struct Pools {
    app: PgPool,
    gateway: PgPool,
    jobs: PgPool,
    admin: PgPool,
    listener: PgPool,
    nonces: PgPool,
    lanes: [Lane; LANES],
    context_key: hmac::Key,
}

impl Db {
    /// Prepare the pools; connections are made when they are needed. `context_key` is the key installed with
    /// [`Boot::install_context_key`]: with another one every user's transaction fails.
    pub fn connect(settings: &Settings, context_key: &[u8; 32]) -> Db {
        let sizes = settings.sizes();
        let pool = |login, size| {
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(settings.patience())
                // opening a transaction looks at the connection anyway
                .test_before_acquire(false)
                .connect_lazy_with(settings.login(login))
        };
        // its session holds locks, so it lives as long as it can
        let lasting = |login| {
            let options = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
            options
                .acquire_timeout(settings.patience())
                .test_before_acquire(false)
                .connect_lazy_with(settings.login(login))
        };
        let lane = || {
            let options =
                PgPoolOptions::new().acquire_timeout(settings.patience()).test_before_acquire(false);
            Lane::new(options, settings.login(Login::Gateway))
        };
        let pools = Pools {
            app: pool(Login::App, sizes.app),
            gateway: pool(Login::Gateway, sizes.gateway),
            jobs: pool(Login::Jobs, sizes.jobs),
            admin: pool(Login::Admin, sizes.admin),
            listener: pool(Login::App, LISTENERS),
            nonces: lasting(Login::Gateway),
            lanes: std::array::from_fn(|_| lane()),
            context_key: hmac::Key::new(hmac::HMAC_SHA256, context_key),
        };
        Db { pools: Arc::new(pools) }
    }

    /// As this user: their own rows, whatever the statement says.
    pub async fn user(&self, user_id: Uuid) -> Result<Tx, Error> {
        self.open(&self.pools.app, Role::Authenticated, Some(user_id)).await
    }

    /// As nobody: the lookup functions of the login page, and no table.
    pub async fn guest(&self) -> Result<Tx, Error> {
        self.open(&self.pools.app, Role::Anon, None).await
    }

    /// As the gateway on behalf of this user: reads keys, appends records, changes nothing else.
    pub async fn signer(&self, user_id: Uuid) -> Result<Tx, Error> {
        self.open(&self.pools.gateway, Role::Signer, Some(user_id)).await
    }

    /// As the gateway for nobody yet: the lookup functions for access keys, and no row of a table.
    pub async fn gate(&self) -> Result<Tx, Error> {
        self.open(&self.pools.gateway, Role::Signer, None).await
    }

    /// As the gateway on behalf of this user, always on the same connection: its session holds the lanes of this
    /// instance, and they end with it.
    pub async fn nonces(&self, user_id: Uuid) -> Result<Tx, Error> {
        self.open(&self.pools.nonces, Role::Signer, Some(user_id)).await
    }

    /// As the gateway for several users in turn, in one transaction: for records written together.
    pub async fn signers(&self, first: Uuid) -> Result<Batch, Error> {
        Ok(Batch::new(self.signer(first).await?, first))
    }

    /// The same on a connection of the ledger's own, which no look-up can keep from it. One transaction at a time.
    pub async fn lane(&self, lane: usize, first: Uuid) -> Result<Batch, Error> {
        let (lane, key) = (self.pools.lanes[lane % LANES].clone(), self.pools.context_key.clone());
        let opening = tokio::spawn(Tx::open_lane(lane, Role::Signer, first, key));
        Ok(Batch::new(opening.await.map_err(|_| Error::Interrupted)??, first))
    }

    /// As the service itself: schedules, reminders, integrations; no user's keys.
    pub async fn service(&self) -> Result<Tx, Error> {
        self.open(&self.pools.jobs, Role::Service, None).await
    }

    /// As this user in the role of an administrator: the list of users, the site's own keys.
    pub async fn admin(&self, user_id: Uuid) -> Result<Tx, Error> {
        self.open(&self.pools.admin, Role::Admin, Some(user_id)).await
    }

    /// Notifications of a channel. The listener reconnects by itself, and what was sent meanwhile is lost: whoever
    /// caches must start afresh when `try_recv` reports a lost connection.
    pub async fn listen(&self, channel: &str) -> Result<PgListener, Error> {
        let mut listener = PgListener::connect_with(&self.pools.listener).await?;
        listener.listen(channel).await?;
        Ok(listener)
    }

    /// Close all connections after their present transactions.
    pub async fn close(&self) {
        let Pools { app, gateway, jobs, admin, listener, nonces, lanes, .. } = &*self.pools;
        for pool in [app, gateway, jobs, admin, listener, nonces] {
            pool.close().await;
        }
        for lane in lanes {
            lane.close().await;
        }
    }

    /// A task of its own, so that a request which goes away does not cut off a connection half-way through
    /// connecting or `begin`: cut off there, it would be lost or dirty.
    async fn open(&self, pool: &PgPool, role: Role, user_id: Option<Uuid>) -> Result<Tx, Error> {
        let (pool, key) = (pool.clone(), self.pools.context_key.clone());
        tokio::spawn(Tx::open(pool, role, user_id, key)).await.map_err(|_| Error::Interrupted)?
    }
}
