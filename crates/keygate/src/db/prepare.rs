//! What a superuser does once: roles, logins, extensions, the helper schema.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::settings::Login;
use super::{Error, Settings};
use crate::cluster::{Cluster, SUPERUSER};

/// The roles this process logs in as, in the order of their pools.
pub const LOGINS: [&str; 6] = [
    Login::App.name(),
    Login::Gateway.name(),
    Login::Jobs.name(),
    Login::Admin.name(),
    Login::Migrator.name(),
    "keygate_backup",
];

/// Prepare the database that a superuser is connected to. Running it again changes nothing but the password, which
/// all logins share; without one they keep what they have.
pub async fn prepare(admin: &mut PgConnection, password: Option<&str>) -> Result<(), Error> {
    check_version(admin.server_version_num().unwrap_or_default())?;
    let mut tx = admin.begin().await?;
    // a second server preparing the same cluster at the same time would trip over half-made roles
    sqlx::query("select pg_advisory_xact_lock(hashtext('keygate prepare'))").execute(&mut *tx).await?;
    sqlx::raw_sql(include_str!("prepare.sql")).execute(&mut *tx).await?;
    if let Some(password) = password {
        set_passwords(&mut tx, password).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Make and prepare the database of a private cluster, and say where it is.
pub async fn prepare_cluster(cluster: &Cluster, database: &str) -> Result<Settings, Error> {
    let settings = Settings::private(cluster, database);
    let mut server = connect(&settings.clone().with_database("postgres")).await?;
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(database)
        .fetch_one(&mut server)
        .await?;
    if !exists {
        let create = format!("create database \"{}\"", database.replace('"', "\"\""));
        sqlx::query(AssertSqlSafe(create)).execute(&mut server).await?;
    }
    server.close().await?;
    let mut admin = connect(&settings).await?;
    prepare(&mut admin, None).await?;
    admin.close().await?;
    Ok(settings)
}

async fn connect(settings: &Settings) -> Result<PgConnection, Error> {
    let quiet = [("client_min_messages", "warning")];
    Ok(PgConnection::connect_with(&settings.as_role(SUPERUSER).options(quiet)).await?)
}

/// `alter role` takes no parameters, so the password becomes part of the statement: quoted by the server, and kept
/// out of its log.
async fn set_passwords(tx: &mut PgConnection, password: &str) -> Result<(), Error> {
    sqlx::raw_sql("set local log_statement = none; set local log_min_error_statement = panic")
        .execute(&mut *tx)
        .await?;
    for login in LOGINS {
        let alter: String = sqlx::query_scalar("select format('alter role %I password %L', $1, $2)")
            .bind(login)
            .bind(password)
            .fetch_one(&mut *tx)
            .await?;
        sqlx::raw_sql(AssertSqlSafe(alter)).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Older minor versions let a query see rows of others: CVE-2024-10976 and CVE-2025-8713 among them.
pub(super) fn check_version(version: u32) -> Result<(), Error> {
    let needed = match version / 10_000 {
        ..15 => "15.14",
        15 if version < 150_014 => "15.14",
        16 if version < 160_010 => "16.10",
        17 if version < 170_006 => "17.6",
        _ => return Ok(()),
    };
    let version = format!("{}.{}", version / 10_000, version % 10_000);
    Err(Error::Outdated { version, needed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_with_holes_in_row_security_are_refused() {
        for version in [90_624, 140_022, 150_013, 160_009, 170_005] {
            assert!(matches!(check_version(version), Err(Error::Outdated { .. })), "{version}");
        }
        for version in [150_014, 150_018, 160_010, 170_006, 180_000] {
            assert!(check_version(version).is_ok(), "{version}");
        }
    }
}
