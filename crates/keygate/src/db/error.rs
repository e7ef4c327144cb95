//! What can go wrong with the database. Texts never quote values: PostgreSQL's DETAIL names the row that was in the
//! way, and its `Debug` form in sqlx prints it.

use std::fmt;

/// A failed operation.
pub enum Error {
    /// A statement failed.
    Sql(sqlx::Error),
    /// A migration failed.
    Migrate(Box<sqlx::migrate::MigrateError>),
    /// The database was migrated by a newer Keygate.
    NewerSchema { found: i64, known: i64 },
    /// The server is too old.
    Outdated { version: String, needed: &'static str },
    /// The address of an external database is not usable.
    Address(&'static str),
    /// No working connection.
    Unavailable,
    /// The process is shutting down.
    Interrupted,
}

impl Error {
    /// The constraint that was violated.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Error::Sql(error) => constraint(error),
            _ => None,
        }
    }

    /// The five-character code of PostgreSQL.
    pub fn sqlstate(&self) -> Option<String> {
        let Error::Sql(error) = self else { return None };
        Some(error.as_database_error()?.code()?.into_owned())
    }

    /// True when trying again later may help: the server is away, starting, stopping or overloaded.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Error::Sql(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => true,
            Error::Sql(_) => self.sqlstate().is_some_and(|code| {
                code.starts_with("08") || code.starts_with("53") || code.starts_with("57P")
            }),
            Error::Unavailable | Error::Interrupted => true,
            _ => false,
        }
    }
}

impl Error {
    /// True when the same may well be taken later: besides, when it waited too long for others, or stood in their way.
    pub fn may_pass(&self) -> bool {
        let passing = ["57014", "55P03", "40P01", "40001"]; // canceled, lock not available, deadlock, serialization
        self.is_unavailable() || self.sqlstate().is_some_and(|code| passing.contains(&code.as_str()))
    }
}

impl Error {
    /// True when a text has a NUL character, which PostgreSQL stores nowhere.
    pub fn is_no_text(&self) -> bool {
        self.sqlstate().is_some_and(|code| code == "22021" || code == "22P05")
    }
}

/// The constraint that a statement violated, by the name it has in the migrations.
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        Error::Sql(error)
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Error {
        Error::Migrate(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Sql(error) => match self.sqlstate() {
                Some(code) => write!(f, "the database refused a statement ({code}): {error}"),
                None => write!(f, "the database could not be used: {error}"),
            },
            Error::Migrate(error) => write!(f, "a migration failed: {error}"),
            Error::NewerSchema { found, known } => write!(
                f,
                "the database has schema {found}, and this version knows {known}: run the newer Keygate again, \
                 or restore the backup made before it"
            ),
            Error::Outdated { version, needed } => write!(
                f,
                "PostgreSQL {version} has known holes in row security: update the server to {needed} or newer"
            ),
            Error::Address(why) => write!(f, "KEYGATE_DATABASE__URL: {why}"),
            Error::Unavailable => f.write_str("the database is not available"),
            Error::Interrupted => f.write_str("shutting down"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
