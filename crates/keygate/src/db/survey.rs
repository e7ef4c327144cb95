//! A look at a database from outside, for `keygate doctor`: nothing is changed and nobody is kept waiting.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::boot::{self, Boot};
use super::prepare::check_version;
use super::settings::Login;
use super::{Error, Settings};

/// What is there.
pub struct Survey {
    /// The version of the server, such as `15.14`.
    pub server: String,
    /// Whether `keygate database init` has run on this very database.
    pub prepared: bool,
    /// The logins that cannot come in.
    pub shut_out: Vec<&'static str>,
    /// The newest migration that has run.
    pub schema: Option<i64>,
    /// The newest migration this version knows.
    pub known: i64,
}

/// Log in as each of our logins and look around. Fails when not even the first of them comes in.
pub async fn survey(settings: &Settings) -> Result<Survey, Error> {
    let mut connection = log_in(settings, Login::Migrator).await?;
    let number = connection.server_version_num().unwrap_or_default();
    check_version(number)?;
    let prepared = is_prepared(&mut connection).await?;
    let schema = if prepared { boot::schema_version(&mut connection).await? } else { None };
    connection.close().await?;
    let mut shut_out = Vec::new();
    for login in [Login::App, Login::Gateway, Login::Jobs, Login::Admin] {
        match log_in(settings, login).await {
            Ok(connection) => connection.close().await?,
            Err(_) => shut_out.push(login.name()),
        }
    }
    let server = format!("{}.{}", number / 10_000, number % 10_000);
    Ok(Survey { server, prepared, shut_out, schema, known: Boot::newest_version() })
}

/// Roles are shared by all databases of a server; the schema and its owner are not.
async fn is_prepared(connection: &mut PgConnection) -> Result<bool, Error> {
    let query = "select exists (select from pg_namespace where nspname = 'keygate' \
                 and nspowner = to_regrole('keygate_owner'))";
    Ok(sqlx::query_scalar(query).fetch_one(connection).await?)
}

async fn log_in(settings: &Settings, login: Login) -> Result<PgConnection, Error> {
    let options = settings.login(login);
    let connecting = PgConnection::connect_with(&options);
    Ok(tokio::time::timeout(PATIENCE, connecting).await.map_err(|_| Error::Unavailable)??)
}

const PATIENCE: Duration = Duration::from_secs(5);
