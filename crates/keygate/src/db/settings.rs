//! Where the database is, and how many connections may be made to it.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::Error;
use crate::cluster::Cluster;

/// An address without a user: each pool adds its own login. No `Debug`, because it may hold a password.
#[derive(Clone)]
pub struct Settings {
    address: PgConnectOptions,
    sizes: Sizes,
    patience: Duration,
}

/// The most connections of each pool.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub app: u32,
    pub gateway: u32,
    pub jobs: u32,
    pub admin: u32,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { app: 10, gateway: 16, jobs: 4, admin: 2 }
    }
}

impl Settings {
    /// The database `name` of a private cluster.
    pub fn private(cluster: &Cluster, name: &str) -> Settings {
        Settings::new(cluster.options().database(name))
    }

    /// The database `name` of a private cluster that another process runs: by its socket.
    pub fn socket(directory: &Path, name: &str) -> Settings {
        Settings::new(PgConnectOptions::new_without_pgpass().socket(directory).database(name))
    }

    /// An external database, `postgres://host/name`. A user in the address is ignored, as each pool has its own
    /// login; they share one password. Beyond this machine only verified TLS will do.
    pub fn external(url: &str, password: Option<&str>) -> Result<Settings, Error> {
        const FORM: Error = Error::Address("expected the form postgres://host:port/database");
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(FORM);
        }
        let mut address = PgConnectOptions::from_str(url).map_err(|_| FORM)?;
        if address.get_database().is_none() {
            return Err(Error::Address("the address names no database"));
        }
        if !is_local(&address) {
            let chosen = url.contains("sslmode=") || url.contains("ssl-mode=");
            if chosen && !matches!(address.get_ssl_mode(), PgSslMode::VerifyFull) {
                return Err(Error::Address("a database on another machine needs sslmode=verify-full"));
            }
            address = address.ssl_mode(PgSslMode::VerifyFull);
        }
        if let Some(password) = password {
            address = address.password(password);
        }
        Ok(Settings::new(address))
    }

    /// Other pool sizes than the default.
    pub fn with_sizes(mut self, sizes: Sizes) -> Settings {
        self.sizes = sizes;
        self
    }

    /// How long a request may wait for a connection; five seconds by default.
    pub fn with_patience(mut self, patience: Duration) -> Settings {
        self.patience = patience;
        self
    }

    /// The same server and settings, another database.
    pub fn with_database(mut self, name: &str) -> Settings {
        self.address = self.address.database(name);
        self
    }

    /// To connect as any role, for preparation and for tests.
    pub fn as_role(&self, role: &str) -> PgConnectOptions {
        self.address.clone().username(role)
    }

    pub(super) fn login(&self, login: Login) -> PgConnectOptions {
        let options = [
            ("timezone", "UTC"),
            ("jit", "off"),
            ("plan_cache_mode", login.plans().0),
            ("enable_seqscan", login.plans().1),
            ("statement_timeout", login.longest_statement()),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", login.longest_pause()),
        ];
        self.as_role(login.name()).application_name(login.name()).options(options)
    }

    pub(super) fn sizes(&self) -> Sizes {
        self.sizes
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    fn new(address: PgConnectOptions) -> Settings {
        Settings { address, sizes: Sizes::default(), patience: Duration::from_secs(5) }
    }
}

/// The roles that can log in, one per pool and one for the start.
#[derive(Clone, Copy)]
pub(super) enum Login {
    Admin,
    App,
    Gateway,
    Jobs,
    Migrator,
}

impl Login {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Login::Admin => "keygate_admin_login",
            Login::App => "keygate_app",
            Login::Gateway => "keygate_gateway",
            Login::Jobs => "keygate_jobs",
            Login::Migrator => "keygate_migrator",
        }
    }

    /// Whether plans are kept, and whether whole tables may be read. The gateway asks for rows by their keys and nothing
    /// else, so a plan that was made once is as good as any, and planning anew costs it a fifth of the database's time. But
    /// one made while a table is nearly empty would go on reading all of it.
    fn plans(self) -> (&'static str, &'static str) {
        match self {
            Login::Gateway => ("force_generic_plan", "off"),
            _ => ("auto", "on"),
        }
    }

    /// In a transaction. One of the gateway holds what other replicas' orders wait for.
    fn longest_pause(self) -> &'static str {
        match self {
            Login::Gateway => "15s",
            _ => "60s",
        }
    }

    fn longest_statement(self) -> &'static str {
        match self {
            Login::Gateway => "10s",
            Login::Admin | Login::App => "30s",
            Login::Jobs => "10min",
            Login::Migrator => "0",
        }
    }
}

fn is_local(address: &PgConnectOptions) -> bool {
    let host = address.get_host();
    address.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_reached_by_verified_tls_only() {
        let settings = Settings::external("postgres://db.example/keygate", None).unwrap();
        assert!(matches!(settings.address.get_ssl_mode(), PgSslMode::VerifyFull));
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let url = format!("postgres://db.example/keygate?sslmode={mode}");
            assert!(matches!(Settings::external(&url, None), Err(Error::Address(_))), "{mode} was accepted");
        }
    }

    #[test]
    fn this_machine_needs_no_tls() {
        for host in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            let url = format!("postgres://{host}/keygate?sslmode=disable");
            assert!(Settings::external(&url, None).is_ok(), "{host} was refused");
        }
    }

    #[test]
    fn an_address_without_a_database_is_refused() {
        assert!(matches!(Settings::external("postgres://localhost", None), Err(Error::Address(_))));
        assert!(matches!(Settings::external("localhost:5432", None), Err(Error::Address(_))));
    }

    #[test]
    fn a_user_in_the_address_is_replaced_by_the_login() {
        let settings = Settings::external("postgres://somebody@localhost/keygate", None).unwrap();
        assert_eq!(settings.login(Login::Gateway).get_username(), "keygate_gateway");
    }
}
