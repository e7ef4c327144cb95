//! The sign-in that `keygate login` leaves for later commands: a file only its owner can read.
//!
//! A refresh token is good for one use, and using it twice ends the sign-in. So whoever reads the file holds
//! its lock until a refreshed token is written: two commands at the same time take turns.

use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{clock::Clock, error::Fatal};

/// A sign-in at one server.
#[derive(Deserialize, Serialize)]
pub struct Session {
    pub url: String,
    pub access_token: String,
    /// Seconds since 1970.
    expires_at: i64,
    pub refresh_token: String,
}

/// The file, locked until this is dropped.
pub struct Locked {
    path: PathBuf,
    _lock: File,
}

impl Session {
    /// From the answer of login, setup or refresh.
    pub fn from_answer(url: &str, answer: &Value) -> Option<Session> {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Some(Session {
            url: url.to_owned(),
            access_token: text("access_token")?,
            expires_at: Clock::default().now().unix_timestamp() + answer["expires_in"].as_i64()?,
            refresh_token: text("refresh_token")?,
        })
    }

    /// Still good for the time one command takes.
    pub fn is_fresh(&self) -> bool {
        self.expires_at - Clock::default().now().unix_timestamp() > 30
    }
}

/// The server of the last sign-in, if there is one.
pub fn server() -> Option<String> {
    let path = directory()?.join(FILE);
    let session: Session = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    Some(session.url)
}

impl Locked {
    pub fn open() -> Result<Locked, Fatal> {
        let homeless = || Fatal::new("there is no home directory for the sign-in", "set XDG_STATE_HOME");
        let directory = directory().ok_or_else(homeless)?;
        let failed = |error: std::io::Error| unusable(&directory, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
        let lock = private().truncate(false).open(directory.join("session.lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Locked { path: directory.join(FILE), _lock: lock })
    }

    /// The sign-in, or none. A file that cannot be read as one counts as none.
    pub fn read(&self) -> Result<Option<Session>, Fatal> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&self.path, &error)),
        }
    }

    /// Complete or not at all: a half-written file would lose the only refresh token.
    pub fn write(&self, session: &Session) -> Result<(), Fatal> {
        let failed = |error: std::io::Error| unusable(&self.path, &error);
        let text = serde_json::to_vec(session).map_err(|error| Fatal::new(error.to_string(), ""))?;
        let new = self.path.with_extension("new");
        let mut file = private().truncate(true).open(&new).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, &self.path).map_err(failed)
    }

    pub fn remove(&self) -> Result<(), Fatal> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unusable(&self.path, &error)),
            _ => Ok(()),
        }
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).mode(0o600);
    options
}

/// `$XDG_STATE_HOME/keygate`, by default `~/.local/state/keygate`.
fn directory() -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
    let state = env::var_os("XDG_STATE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    Some(state.or_else(home)?.join("keygate"))
}

fn unusable(path: &Path, error: &std::io::Error) -> Fatal {
    Fatal::new(format!("cannot use {}: {error}", path.display()), "it has to be writable by you alone")
}

const FILE: &str = "session.json";
