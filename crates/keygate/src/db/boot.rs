//! The connection of the start: migrations, then the key tables. It logs in as `keygate_migrator`, which alone may
//! call the functions of the keyring, and becomes the owner of the schema for migrations only.

use std::ops::{Deref, DerefMut};

use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};

use super::prepare::check_version;
use super::settings::Login;
use super::{Error, Settings};

/// A connection that only one starting instance at a time has: the others wait in [`Boot::connect`], so that two of
/// them never make two first keys.
pub struct Boot {
    connection: PgConnection,
}

impl Boot {
    /// Log in and wait for the turn.
    pub async fn connect(settings: &Settings) -> Result<Boot, Error> {
        let quiet = [("client_min_messages", "warning")];
        let mut connection =
            PgConnection::connect_with(&settings.login(Login::Migrator).options(quiet)).await?;
        check_version(connection.server_version_num().unwrap_or_default())?;
        sqlx::query("set lock_timeout = 0").execute(&mut connection).await?;
        sqlx::query("select pg_advisory_lock(hashtext('keygate boot'))").execute(&mut connection).await?;
        sqlx::query("reset lock_timeout").execute(&mut connection).await?;
        Ok(Boot { connection })
    }

    /// Bring the schema up to this version. A schema from the future is refused and left alone.
    pub async fn migrate(&mut self) -> Result<(), Error> {
        let migrator = migrator();
        let known = newest(&migrator);
        if let Some(found) = self.schema_version().await?.filter(|&found| found > known) {
            return Err(Error::NewerSchema { found, known });
        }
        sqlx::query("set role keygate_owner").execute(&mut self.connection).await?;
        let done = migrator.run_direct(None, &mut self.connection, false).await;
        sqlx::query("reset role").execute(&mut self.connection).await?;
        Ok(done?)
    }

    /// The newest migration that has run, or none in a database that is only prepared.
    pub async fn schema_version(&mut self) -> Result<Option<i64>, Error> {
        schema_version(&mut self.connection).await
    }

    /// The newest migration this version knows.
    pub fn newest_version() -> i64 {
        newest(&migrator())
    }

    /// Make `key` the one that signs user contexts, in this database and for all instances.
    pub async fn install_context_key(&mut self, key: &[u8; 32]) -> Result<(), Error> {
        sqlx::query("select keygate.install_context_key($1)")
            .bind(key.as_slice())
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Let the next instance start.
    pub async fn close(self) -> Result<(), Error> {
        Ok(self.connection.close().await?)
    }
}

impl Deref for Boot {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Boot {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// All migrations of this version.
pub(super) fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    migrator.dangerous_set_table_name("keygate.migrations");
    migrator
}

fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or_default()
}

pub(super) async fn schema_version(connection: &mut PgConnection) -> Result<Option<i64>, Error> {
    sqlx::query("set role keygate_owner").execute(&mut *connection).await?;
    let version = version(connection).await;
    sqlx::query("reset role").execute(connection).await?;
    version
}

async fn version(connection: &mut PgConnection) -> Result<Option<i64>, Error> {
    let exists: bool = sqlx::query_scalar("select to_regclass('keygate.migrations') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("select max(version) from keygate.migrations").fetch_one(connection).await?)
}
