//! What the environment says: plain settings, secrets that were taken out of it at the start of the program, and
//! secrets in files that it names.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    providers::Env,
    util::nest,
    value::{Dict, Map, Value},
};
use seal::SecretText;

use super::{
    HELP, RESERVED,
    origin::{self, SECRETS},
};
use crate::error::Fatal;

/// One setting, and where it was found.
struct Given {
    key: String,
    text: String,
    source: String,
}

/// Whether a variable may hold a secret: a secret setting, the section around one, the older name of the master key,
/// or the command line's credential.
pub fn is_secret(name: &str) -> bool {
    let holds = |key: String| SECRETS.iter().any(|s| *s == key || s.starts_with(&format!("{key}.")));
    name == ALIAS || name == TOKEN || key(name).is_some_and(holds)
}

/// Of the secret variables those that held one: the address of a database is one only with a password.
pub(super) fn exposed(secrets: &[(String, SecretText)]) -> Vec<String> {
    let holds = |name: &str, value: &str| match key(name) {
        Some(key) if key.starts_with("database") => has_password(value),
        Some(key) => !RESERVED.contains(&key.as_str()),
        None => true,
    };
    let held = secrets.iter().filter(|(name, value)| holds(name, value.expose()));
    held.map(|(name, _)| name.clone()).collect()
}

/// Adds everything of the environment: plain variables, then the secret ones, then files.
pub(super) fn layers(figment: Figment, secrets: &[(String, SecretText)]) -> Result<Figment, Fatal> {
    let plain = Env::prefixed(PREFIX).ignore(&RESERVED).filter(|key| {
        let key = key.as_str().to_lowercase().replace("__", ".");
        !key.ends_with("_file") && is_meant(&key)
    });
    let mut given: Vec<Given> = secrets.iter().filter_map(|(name, value)| setting(name, value)).collect();
    given.extend(named_files()?);
    given.extend(credentials()?);
    given.extend(secrets.iter().find(|(name, _)| name == ALIAS).into_iter().flat_map(|(_, value)| {
        master_key(value.expose().to_owned(), format!("environment variable {ALIAS}"))
    }));
    Ok(given.into_iter().fold(figment.merge(plain.split("__")), Figment::merge))
}

/// Variables that begin like ours and are no settings: somebody else's, such as a bot's, or a mistake.
pub(super) fn unknown() -> Vec<String> {
    let ours = |name: &String| {
        key(name).is_some_and(|key| !RESERVED.contains(&&*key) && !is_meant(key.trim_end_matches("_file")))
    };
    env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(ours).collect()
}

/// Is a variable with this key meant for us? One of a section is, also where it is mistyped.
fn is_meant(key: &str) -> bool {
    key.contains('.') || origin::is_known(key)
}

/// The setting a variable stands for: `KEYGATE_A__B` is `a.b`.
fn key(name: &str) -> Option<String> {
    let (prefix, rest) = name.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then(|| rest.trim().to_lowercase().replace("__", "."))
}

fn setting(name: &str, value: &SecretText) -> Option<Given> {
    let key = key(name).filter(|key| !RESERVED.contains(&key.as_str()))?;
    Some(Given { key, text: value.expose().to_owned(), source: format!("environment variable {name}") })
}

/// `KEYGATE_A__B_FILE=/path`
fn named_files() -> Result<Vec<Given>, Fatal> {
    let mut found = Vec::new();
    for (name, path) in env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        let key = key(name).filter(|key| !RESERVED.contains(&key.as_str()));
        let key = key.as_deref().and_then(|key| key.strip_suffix("_file"));
        if let Some(key) = key.filter(|key| is_meant(key)) {
            found.push(Given::read(key, Path::new(&path))?);
        }
    }
    Ok(found)
}

/// What systemd hands over.
fn credentials() -> Result<Vec<Given>, Fatal> {
    let Some(directory) = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (file, key) in [("database-url", "database.url"), ("master-key", MASTER_KEY)] {
        let path = directory.join(file);
        if path.is_file() {
            let given = Given::read(key, &path)?;
            match key {
                MASTER_KEY => found.extend(master_key(given.text, given.source)),
                _ => found.push(given),
            }
        }
    }
    Ok(found)
}

/// A master key that was given without its `source`.
fn master_key(text: String, source: String) -> [Given; 2] {
    let kind = Given { key: "master_key.source".to_owned(), text: "env".to_owned(), source: source.clone() };
    [Given { key: MASTER_KEY.to_owned(), text, source }, kind]
}

fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))
}

impl Given {
    fn read(key: &str, path: &Path) -> Result<Given, Fatal> {
        let text = fs::read_to_string(path).map_err(|error| {
            Fatal::new(format!("cannot read the secret file {}: {error}", path.display()), HELP)
        })?;
        let text = text.trim_end_matches(['\r', '\n']).to_owned();
        Ok(Given { key: key.to_owned(), text, source: format!("file {}", path.display()) })
    }

    /// A section is written as a table, `{url = "…"}`; a secret is always text.
    fn value(&self) -> Value {
        let text = || Value::from(self.text.as_str());
        match self.text.parse() {
            Ok(value @ Value::String(..)) => value,
            Ok(value) if !SECRETS.contains(&self.key.as_str()) => value,
            _ => text(),
        }
    }
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(nest(&self.key, self.value()).into_dict().unwrap_or_default()))
    }
}

/// The command line's credential for the API; not a setting.
pub const TOKEN: &str = "KEYGATE_TOKEN";
const PREFIX: &str = "KEYGATE_";
/// What earlier installations call the master key.
const ALIAS: &str = "PLATFORM_MASTER_KEY";
const MASTER_KEY: &str = "master_key.value";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_secret_is_known() {
        let secret = [
            "KEYGATE_MASTER_KEY__VALUE",
            "keygate_master_key__value",
            "KEYGATE_MASTER_KEY.VALUE",
            "KEYGATE_MASTER_KEY",
            "KEYGATE_DATABASE",
            "KEYGATE_DATABASE__URL",
            "PLATFORM_MASTER_KEY",
            "KEYGATE_TOKEN",
        ];
        let plain =
            ["KEYGATE_", "KEYGATE_DATABASE__URL_FILE", "KEYGATE_LOG__LEVEL", "KEYGATE_URL", "PATH", ""];
        for name in secret {
            assert!(is_secret(name), "{name}");
        }
        for name in plain {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn an_address_without_a_password_is_no_secret() {
        let given = |url: &str| vec![("KEYGATE_DATABASE__URL".to_owned(), url.to_owned().into())];
        assert!(exposed(&given("postgres://localhost:5432/keygate")).is_empty());
        assert!(exposed(&given("postgres://somebody@localhost/keygate")).is_empty());
        assert_eq!(exposed(&given("postgres://u:p@localhost/keygate")), ["KEYGATE_DATABASE__URL"]);
    }
}
