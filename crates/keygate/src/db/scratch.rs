//! Throw-away databases, migrated and empty: for `keygate demo`, for tests, for the macros that check statements.
//! One server per process; each database is copied from a migrated template within milliseconds.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;

use super::boot::migrator;
use super::{Boot, Error, Settings, prepare_cluster};
use crate::cluster::{self, Cluster, SUPERUSER};

const TEMPLATE: &str = "keygate_template";

/// The server shared by the scratch databases of this process. It stops with the last of them.
static SHARED: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

/// A database of one's own. It is gone when the last one of the process is dropped.
pub struct Scratch {
    settings: Settings,
    cluster: Arc<Cluster>,
}

/// Why there is no scratch database.
#[derive(Debug)]
pub enum Failure {
    Cluster(cluster::Error),
    Database(Error),
}

impl Scratch {
    /// A new database with the present schema.
    pub async fn new() -> Result<Scratch, Failure> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let cluster = shared_cluster().await?;
        let name = format!("scratch_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = Settings::private(&cluster, "postgres");
        copy_template(&server, &name).await?;
        Ok(Scratch { settings: server.with_database(&name), cluster })
    }

    /// Where it is.
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// A connection that row security does not bind, to look behind the scenes.
    pub async fn superuser(&self) -> Result<PgConnection, Error> {
        Ok(PgConnection::connect_with(&self.settings.as_role(SUPERUSER)).await?)
    }

    /// The server underneath.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}

impl From<cluster::Error> for Failure {
    fn from(error: cluster::Error) -> Failure {
        Failure::Cluster(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Database(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Failure {
        Failure::Database(error.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Cluster(error) => error.fmt(f),
            Failure::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

/// Under the lock, so that of many tests starting at once one makes the server and the others find it.
async fn shared_cluster() -> Result<Arc<Cluster>, Failure> {
    let mut shared = SHARED.lock().await;
    if let Some(cluster) = shared.upgrade() {
        return Ok(cluster);
    }
    let saved = saved_template().await?;
    let cluster = Arc::new(blocking(move || Cluster::throw_away(Some(&saved))).await?);
    *shared = Arc::downgrade(&cluster);
    Ok(cluster)
}

/// The files of a server with the migrated template, made by whoever comes first and kept for the next process:
/// copying them takes a tenth of the time that making them does.
async fn saved_template() -> Result<PathBuf, Failure> {
    let saved = Cluster::saved_path(&fingerprint())?;
    let path = saved.with_extension("lock");
    let lock = blocking(move || lock(&path)).await?;
    if !saved.exists() {
        let cluster = blocking(|| Cluster::throw_away(None)).await?;
        let settings = prepare_cluster(&cluster, TEMPLATE).await?;
        let mut boot = Boot::connect(&settings).await?;
        boot.migrate().await?;
        boot.close().await?;
        let path = saved.clone();
        blocking(move || cluster.save(&path)).await?;
    }
    drop(lock);
    Ok(saved)
}

/// What a template depends on.
fn fingerprint() -> String {
    let mut digest = digest::Context::new(&digest::SHA256);
    digest.update(include_bytes!("prepare.sql"));
    for migration in migrator().iter() {
        digest.update(&migration.checksum);
    }
    HEXLOWER.encode(&digest.finish().as_ref()[..8])
}

fn lock(path: &Path) -> Result<File, Failure> {
    let mut file =
        File::options().create(true).truncate(true).write(true).open(path).map_err(sqlx::Error::Io)?;
    file.lock().map_err(sqlx::Error::Io)?;
    // a sign of use, for the sweep of what is used no more
    file.write_all(b"used\n").map_err(sqlx::Error::Io)?;
    Ok(file)
}

async fn blocking<T: Send + 'static, E: Into<Failure> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Interrupted)?.map_err(E::into)
}

/// What `prepare` says about a database itself is not copied: who may connect.
async fn copy_template(server: &Settings, name: &str) -> Result<(), Error> {
    let mut admin = PgConnection::connect_with(&server.as_role(SUPERUSER)).await?;
    let statements = [
        format!("create database {name} template {TEMPLATE} strategy file_copy"),
        format!("revoke all on database {name} from public"),
        format!(
            "grant connect on database {name} to keygate_migrator, keygate_app, keygate_gateway, keygate_jobs, \
             keygate_admin_login, keygate_backup"
        ),
        format!("grant create on database {name} to keygate_owner"),
    ];
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut admin).await?;
    }
    Ok(admin.close().await?)
}
