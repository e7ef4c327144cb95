//! The root key: a file that is made on the first start, or a value from the environment.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use seal::root::{LocalRoot, Root};

use crate::{
    config::{Config, MasterKeySource},
    error::Fatal,
};

/// Loads the root key. A file that is not there is made, but only for a database that has no keys yet:
/// a lost key must never be replaced in silence.
pub fn load(config: &Config, database_is_new: bool) -> Result<Box<dyn Root>, Fatal> {
    match config.master_key.source {
        MasterKeySource::Env => parse(&config.master_key.value, "KEYGATE_MASTER_KEY__VALUE"),
        MasterKeySource::File => {
            let path = config.master_key_path();
            match read(&path)? {
                Some(text) => parse(&text, &path.display().to_string()),
                None if database_is_new => make(&path),
                None => Err(Fatal::new(
                    format!(
                        "the master key file {} is missing, and the database has keys under it",
                        path.display()
                    ),
                    "put the file back from where you keep it; without it the stored keys cannot be opened",
                )),
            }
        }
    }
}

fn parse(text: &str, place: &str) -> Result<Box<dyn Root>, Fatal> {
    let root = LocalRoot::parse(text).map_err(|error| {
        Fatal::new(
            format!("the master key in {place} cannot be read: {error}"),
            "`openssl rand -base64 32` makes one",
        )
    })?;
    Ok(Box::new(root))
}

/// The file's text, or nothing when there is no file. Refuses links and files others may read.
fn read(path: &Path) -> Result<Option<String>, Fatal> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    if !meta.is_file() || meta.mode() & 0o077 != 0 || meta.uid() != crate::cluster::own_uid() {
        return Err(Fatal::new(
            format!(
                "the master key file {} must be a plain file of this user with mode 0400",
                path.display()
            ),
            format!("chown and chmod 0400 {}", path.display()),
        ));
    }
    fs::read_to_string(path).map(Some).map_err(|error| unreadable(path, &error))
}

fn make(path: &Path) -> Result<Box<dyn Root>, Fatal> {
    let (root, text) = LocalRoot::generate();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(path)
        .map_err(|error| unreadable(path, &error))?;
    file.write_all(text.expose().as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| unreadable(path, &error))?;
    Ok(Box::new(root))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fatal {
    Fatal::new(
        format!("the master key file {}: {error}", path.display()),
        "check the path and its permissions",
    )
}
