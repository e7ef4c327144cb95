//! The private PostgreSQL: the server installed on this machine, run by us on a unix socket inside the data
//! directory. There is no TCP port. As root it runs as user `postgres`, otherwise as ourselves.
//!
//! What always holds: one service per data directory (a file lock), no server outlives the service (it is killed
//! with its parent, even after `kill -9`), and a crash needs nobody: the next start recovers, and a server that ends
//! by itself is started again.

mod account;
mod binaries;
mod error;
mod files;
mod server;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgConnectOptions;

use account::Account;
pub use account::effective_uid as own_uid;
use binaries::Binaries;
pub use error::Error;
use server::Server;

/// As root the server has to run as another user.
pub fn is_root() -> bool {
    own_uid() == 0
}

/// The superuser of a private cluster. Only the preparation of the database uses it.
pub const SUPERUSER: &str = "postgres";

/// The major version of the newest server programs on this machine that can be used, and of those the data in
/// `data` needs.
pub fn versions(data: &Path) -> (Result<u32, Error>, Option<u32>) {
    let made_by = files::existing_major(&data.join("postgres/data")).ok().flatten();
    (Binaries::newest().map(|found| found.major()), made_by)
}

/// Room left in the file system of a directory, in bytes.
pub fn free_bytes(directory: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(directory.as_os_str().as_bytes()).ok()?;
    Some(files::free_bytes(&path))
}

/// A running server. Dropping it stops the server; a throw-away one takes its files along.
pub struct Cluster {
    server: Mutex<Server>,
    binaries: Binaries,
    account: Account,
    directory: PathBuf,
    throw_away: bool,
    _lock: File,
}

impl Cluster {
    /// Start the server of a data directory, making it on the first start. Blocks for about a tenth of a second,
    /// a second on the first start, a few after a crash.
    ///
    /// `logins` are the database roles this process may log in as; the operating system vouches for it.
    pub fn start(data: &Path, logins: &[&str]) -> Result<Cluster, Error> {
        let account = Account::of_this_process()?;
        let data = files::data_directory(data, &account)?;
        Cluster::launch(&data.join("postgres"), account, Kind::Durable { logins })
    }

    /// Start a server in a directory of its own that is removed on drop: no passwords, no durability. Empty, or a
    /// copy of what [`Cluster::save`] kept. For `keygate demo` and tests.
    pub fn throw_away(saved: Option<&Path>) -> Result<Cluster, Error> {
        let account = Account::of_this_process()?;
        let directory = files::temporary_directory()?;
        if let Some(saved) = saved {
            files::owned_directory(&directory, &account)?;
            files::check_owner(saved, &account)?;
            server::copy(saved, &directory.join("data"), &account)?;
        }
        Cluster::launch(&directory, account, Kind::ThrowAway)
    }

    /// Stop a throw-away server and keep its files under `path`, complete or not at all.
    pub fn save(self, path: &Path) -> Result<(), Error> {
        self.server().stop();
        let unfinished = path.with_extension("new");
        files::remove(&unfinished);
        files::sweep_saved(path);
        server::copy(&self.directory.join("data"), &unfinished, &Account::of_this_process()?)?;
        std::fs::rename(&unfinished, path).map_err(Error::io("create", path))
    }

    /// Where [`Cluster::save`] may keep the files called `name` for other processes of this user.
    pub fn saved_path(name: &str) -> Result<PathBuf, Error> {
        let owner = Account::of_this_process()?.server.uid;
        Ok(files::fast_directory().join(format!("keygate-saved-{owner}-{name}")))
    }

    /// Where to connect; the caller adds user and database.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.directory)
    }

    /// The directory of the socket.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.server().pid()
    }

    /// False once the server has ended, whoever ended it.
    pub fn is_running(&self) -> bool {
        self.server().is_running()
    }

    /// Start the server again after it has ended by itself. Blocks until it has recovered; every connection to the old
    /// one is lost.
    pub fn revive(&self) -> Result<(), Error> {
        let cluster = self.directory.join("data");
        // what served connections may outlive its server for a moment, and a new one does not start beside it
        files::end_orphans(&cluster);
        files::settle_predecessor(&self.directory, &cluster)?;
        let kind = if self.throw_away { Kind::ThrowAway } else { Kind::Durable { logins: &[] } };
        *self.server() = Server::start(&self.binaries, &self.directory, &self.account, &kind)?;
        Ok(())
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn launch(directory: &Path, account: Account, kind: Kind<'_>) -> Result<Cluster, Error> {
        files::owned_directory(directory, &account)?;
        let lock = files::lock(directory)?;
        let cluster = directory.join("data");
        let binaries = match files::existing_major(&cluster)? {
            Some(major) => Binaries::of_major(major, &cluster)?,
            None => Binaries::newest()?,
        };
        files::settle_predecessor(directory, &cluster)?;
        if files::existing_major(&cluster)?.is_none() {
            server::init(&binaries, directory, &account, &kind)?;
        }
        files::write_access_rules(&cluster, &account, &kind)?;
        let server = Mutex::new(Server::start(&binaries, directory, &account, &kind)?);
        let throw_away = matches!(kind, Kind::ThrowAway);
        Ok(Cluster { server, binaries, account, directory: directory.to_owned(), throw_away, _lock: lock })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.throw_away {
            self.server().stop_at_once();
            files::remove(&self.directory);
        } else {
            self.server().stop();
        }
    }
}

/// What a server is for: to keep everything, or nothing.
enum Kind<'a> {
    Durable { logins: &'a [&'a str] },
    ThrowAway,
}
