//! One transaction, one role, one signed user.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, SqlSafeStr, Transaction};
use uuid::Uuid;

use super::Error;

/// How long a context stays valid, in seconds: longer than any transaction may take.
const LIFE: i64 = 300;
/// Connections that turn out to be dead are replaced; so many in a row means the server is gone.
const ATTEMPTS: usize = 16;

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    link: Link,
    key: hmac::Key,
}

impl Tx {
    /// Make it durable. Until this returns, nothing has happened.
    pub async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await.map_err(Error::from)
    }

    /// What proves to a function of the database that it acts for each of these users.
    pub fn contexts(&self, users: &[Uuid]) -> Vec<String> {
        users.iter().map(|user_id| self.link.context(*user_id, &self.key)).collect()
    }

    /// Undo it now instead of on drop, and wait until that is done.
    pub async fn rollback(self) -> Result<(), Error> {
        self.inner.rollback().await.map_err(Error::from)
    }

    pub(super) async fn open(
        pool: PgPool,
        role: Role,
        user_id: Option<Uuid>,
        key: hmac::Key,
    ) -> Result<Tx, Error> {
        let (connection, link) = clean_connection(&pool).await?;
        Tx::begin(connection, link, role, user_id, key).await
    }

    /// The same on the one connection of a lane, which nobody else uses: it needs no look.
    pub(super) async fn open_lane(
        lane: Lane,
        role: Role,
        user_id: Uuid,
        key: hmac::Key,
    ) -> Result<Tx, Error> {
        for _ in 0..ATTEMPTS {
            #[expect(clippy::disallowed_methods, reason = "this is where transactions are opened")]
            let connection = lane.pool.acquire().await?;
            let link = lane.link().ok_or(Error::Unavailable)?;
            match Tx::begin(connection, link, role, Some(user_id), key.clone()).await {
                Err(error) if error.is_unavailable() => {
                    tracing::debug!(%error, "the connection of a lane was dead and is replaced");
                }
                begun => return begun,
            }
        }
        Err(Error::Unavailable)
    }

    async fn begin(
        connection: PoolConnection<Postgres>,
        link: Link,
        role: Role,
        user_id: Option<Uuid>,
        key: hmac::Key,
    ) -> Result<Tx, Error> {
        let context = user_id.map(|user_id| link.context(user_id, &key)).unwrap_or_default();
        let role = role.name();
        // one message, one round trip; role and context consist of our own words and digits
        let begin = format!(
            "begin; select set_config('role', '{role}', true), set_config('keygate.ctx', '{context}', true)"
        );
        let inner = Transaction::begin(connection, Some(AssertSqlSafe(begin).into_sql_str())).await?;
        Ok(Tx { inner, link, key })
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

/// A transaction of the gateway that acts for one user after the other, or for all of them at once: records of many
/// requests, one commit. Take the users in the order of their ids, as everybody does, and two batches cannot deadlock.
pub struct Batch {
    tx: Tx,
    /// Whom it acts for now. `None`: whom the last function left there.
    user_id: Option<Uuid>,
}

impl Batch {
    pub(super) fn new(tx: Tx, user_id: Uuid) -> Batch {
        Batch { tx, user_id: Some(user_id) }
    }

    /// Act as this user from now on.
    pub async fn of(&mut self, user_id: Uuid) -> Result<&mut Tx, Error> {
        if self.user_id == Some(user_id) {
            return Ok(&mut self.tx);
        }
        let context = self.tx.link.context(user_id, &self.tx.key);
        sqlx::query("select set_config('keygate.ctx', $1, true)")
            .bind(context)
            .execute(&mut *self.tx)
            .await?;
        self.user_id = Some(user_id);
        Ok(&mut self.tx)
    }

    /// For functions that are shown [`Tx::contexts`].
    pub fn all(&mut self) -> &mut Tx {
        self.user_id = None;
        &mut self.tx
    }

    /// Make all of it durable at once.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await
    }
}

/// The roles that a transaction may run as.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Admin,
    Anon,
    Authenticated,
    Service,
    Signer,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Admin => "keygate_admin",
            Role::Anon => "anon",
            Role::Authenticated => "authenticated",
            Role::Service => "service_role",
            Role::Signer => "keygate_signer",
        }
    }
}

/// A pool of one connection, and what is at its other end.
#[derive(Clone)]
pub(super) struct Lane {
    pool: PgPool,
    link: Arc<Mutex<Option<Link>>>,
}

impl Lane {
    pub fn new(options: PgPoolOptions, to: PgConnectOptions) -> Lane {
        let link = Arc::new(Mutex::new(None));
        let seen = link.clone();
        let options = options.max_connections(1).after_connect(move |connection, _| {
            let seen = seen.clone();
            Box::pin(async move {
                let (link, _) = look(connection).await?;
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
                Ok(())
            })
        });
        Lane { pool: options.connect_lazy_with(to), link }
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn link(&self) -> Option<Link> {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a context is bound to: the server process behind the connection, and the server's clock (ours may differ,
/// and stands still in tests).
#[derive(Clone, Copy)]
struct Link {
    pid: i32,
    now: i64,
    /// When that was its time.
    at: Instant,
}

impl Link {
    /// `uid|exp|hmac(uid|exp|pid)`, as `keygate.uid()` expects it.
    fn context(self, user_id: Uuid, key: &hmac::Key) -> String {
        let passed = i64::try_from(self.at.elapsed().as_secs()).unwrap_or(0);
        let claim = format!("{user_id}|{}", self.now + passed + LIFE);
        let tag = hmac::sign(key, format!("{claim}|{}", self.pid).as_bytes());
        format!("{claim}|{}", HEXLOWER.encode(tag.as_ref()))
    }
}

async fn clean_connection(pool: &PgPool) -> Result<(PoolConnection<Postgres>, Link), Error> {
    for _ in 0..ATTEMPTS {
        #[expect(clippy::disallowed_methods, reason = "this is where transactions are opened")]
        let mut connection = pool.acquire().await?;
        match look(&mut connection).await {
            Ok((link, true)) => return Ok((connection, link)),
            Ok((_, false)) => tracing::error!("a connection came back dirty and was closed"),
            Err(error) => tracing::debug!(%error, "a pooled connection was dead and is replaced"),
        }
        connection.close_on_drop();
    }
    Err(Error::Unavailable)
}

/// Who is at the other end, what time it is there, and whether the last user left nothing behind: neither a role
/// nor a context. That covers an open transaction, because each of ours begins by taking a role.
async fn look(connection: &mut PgConnection) -> Result<(Link, bool), sqlx::Error> {
    let (pid, now, clean) = sqlx::query_as(
        "select pg_backend_pid(), extract(epoch from clock_timestamp())::int8, \
         current_user = session_user and coalesce(current_setting('keygate.ctx', true), '') = ''",
    )
    .fetch_one(connection)
    .await?;
    Ok((Link { pid, now, at: Instant::now() }, clean))
}
