//! Why the private server did not start, in words that say what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A failed start. `Display` is meant for the person at the terminal.
pub enum Error {
    /// No server binaries of a supported version.
    NotInstalled,
    /// The data was made by a major version that is not installed (any more).
    OtherMajor { major: u32, directory: PathBuf },
    /// The process runs under a uid that has no name.
    NoAccount { uid: u32 },
    /// Running as root, and there is no user `postgres`.
    NoPostgresAccount,
    /// The directory belongs to somebody else.
    NotOurs { directory: PathBuf, owner: u32, expected: String },
    /// User `postgres` cannot reach the data directory.
    NotTraversable { directory: PathBuf },
    /// The path of the socket would exceed what the kernel allows.
    PathTooLong { directory: PathBuf },
    /// Another service, or its server, uses the directory.
    InUse { directory: PathBuf, pid: Option<u32> },
    /// A server program ended with an error; `log` is what it said last.
    Failed { what: &'static str, log: String },
    /// The file system said no.
    Io { what: &'static str, path: PathBuf, source: io::Error },
}

impl Error {
    /// For `map_err`: which step failed, on which path.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { what, path: path.to_owned(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotInstalled => write!(
                f,
                "PostgreSQL 15 or newer is not installed: run `apt-get install postgresql`, \
                 or name an external database with KEYGATE_DATABASE__URL"
            ),
            Error::OtherMajor { major, directory } => write!(
                f,
                "{} was made by PostgreSQL {major}, which is not installed: run `apt-get install postgresql-{major}`",
                directory.display()
            ),
            Error::NoAccount { uid } => write!(
                f,
                "uid {uid} has no entry in /etc/passwd, and PostgreSQL refuses to run without one: \
                 add one, run as another user, or name an external database with KEYGATE_DATABASE__URL"
            ),
            Error::NoPostgresAccount => {
                write!(f, "running as root needs a user `postgres`: run `apt-get install postgresql`")
            }
            Error::NotOurs { directory, owner, expected } => write!(
                f,
                "{} belongs to uid {owner}, but the database runs as {expected}: start Keygate as the user \
                 it was first started as, or choose another data directory",
                directory.display()
            ),
            Error::NotTraversable { directory } => write!(
                f,
                "user postgres cannot enter {}: as root, choose a data directory that others may traverse, \
                 such as /var/lib/keygate, or run `chmod o+x {}`",
                directory.display(),
                directory.display()
            ),
            Error::PathTooLong { directory } => write!(
                f,
                "{} is too long for a unix socket (107 bytes with its name): choose a shorter data directory",
                directory.display()
            ),
            Error::InUse { directory, pid: Some(pid) } => {
                write!(f, "{} is in use by process {pid}: is Keygate running already?", directory.display())
            }
            Error::InUse { directory, pid: None } => {
                write!(f, "{} is in use: is Keygate running already?", directory.display())
            }
            Error::Failed { what, log } => write!(f, "{what} failed:\n{log}"),
            Error::Io { what, path, .. } => write!(f, "could not {what} {}", path.display()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
