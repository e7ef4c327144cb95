//! Settings, in one order: flag > environment `KEYGATE_SECTION__KEY` > `keygate.toml` > default.
//!
//! The default file is compiled in and is the documentation. Nothing in the database shadows a setting,
//! an unknown key is an error that names the nearest known one, and the origin of every value is kept.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use figment::value::Value;
use seal::SecretText;
use serde::{Deserialize, Deserializer};
use sqlx::types::ipnetwork::IpNetwork;

use crate::error::Fatal;

mod environment;
mod layers;
mod origin;
pub use environment::{TOKEN, is_secret};
use layers::default_data_dir;
pub use layers::figment;
pub use origin::{Setting, settings};

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(deserialize_with = "list")]
    pub listen: Vec<SocketAddr>,
    pub public_url: String,
    #[serde(deserialize_with = "list")]
    pub host_names: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<IpNetwork>,
    pub plain_http: bool,
    pub max_connections: u32,
    pub data_dir: PathBuf,
    pub database: Database,
    pub master_key: MasterKey,
    pub registration: Registration,
    pub log: Log,
    pub gateway: Gateway,
    pub audit: Audit,
    pub geoip: GeoIp,
    pub demo: Demo,
    /// The variables of the environment that held a secret.
    #[serde(skip)]
    pub exposed: Vec<String>,
    /// Variables that begin like ours and are no settings.
    #[serde(skip)]
    pub unknown: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: String,
    pub app_connections: u32,
    pub gateway_connections: u32,
    pub job_connections: u32,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MasterKey {
    pub source: MasterKeySource,
    pub path: PathBuf,
    pub value: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MasterKeySource {
    File,
    Env,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    pub open: bool,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Auto,
    Json,
    Text,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    pub connect_timeout_ms: u64,
    pub timeout_ms: u64,
    pub max_body: usize,
    pub max_answer: usize,
    pub public_per_minute: u32,
    pub public_fresh_ms: u64,
    pub public_slow_ms: u64,
    pub queue_wait_ms: u64,
    pub max_streams: usize,
    pub stream_idle_ms: u64,
    pub stream_write_ms: u64,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub checkpoints: PathBuf,
}

/// Files in MaxMind's format; empty where there is none.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeoIp {
    pub city: PathBuf,
    pub asn: PathBuf,
    pub anonymous: PathBuf,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    pub origin: String,
}

/// What the command line may say, the highest in the order; and what was taken out of the environment.
#[derive(Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub data_dir: Option<PathBuf>,
    pub listen: Vec<SocketAddr>,
    pub public_url: Option<String>,
    /// The variables that [`is_secret`] names, which are no longer in the environment.
    pub secrets: Vec<(String, SecretText)>,
}

impl Config {
    pub fn load(flags: &Flags) -> Result<Self, Fatal> {
        let figment = figment(flags)?;
        origin::refuse_unknown(&figment)?;
        let mut config: Config = figment.extract().map_err(|error| Fatal::new(explain(&error), HELP))?;
        if config.data_dir.as_os_str().is_empty() {
            config.data_dir = default_data_dir();
        }
        config.exposed = environment::exposed(&flags.secrets);
        config.unknown = environment::unknown();
        let port = config.listen.first().map_or(0, SocketAddr::port);
        config.name_itself(port);
        config.check()
    }

    /// Without a configured address it is this machine, at the port that listens. `localhost`, not the number:
    /// browsers keep secure cookies and passkeys for names.
    pub fn name_itself(&mut self, port: u16) {
        if self.public_url.is_empty() && port != 0 {
            self.public_url = format!("http://localhost:{port}");
        }
    }

    fn check(self) -> Result<Self, Fatal> {
        let exposed = self.listen.iter().find(|address| !address.ip().is_loopback());
        if let Some(address) = exposed.filter(|_| self.trusted_proxies.is_empty() && !self.plain_http) {
            return Err(Fatal::new(
                format!("refusing to speak plain HTTP on {address}"),
                "set trusted_proxies to your TLS proxy, or plain_http = true inside a container",
            ));
        }
        if self.gateway.timeout_ms > LONGEST_CALL_MS {
            return Err(Fatal::new(
                format!(
                    "gateway.timeout_ms is {}, and {LONGEST_CALL_MS} is the most",
                    self.gateway.timeout_ms
                ),
                "two minutes after its record an order that the exchange does not know counts as never sent",
            ));
        }
        let named = !self.public_url.is_empty();
        if named && !self.public_url.starts_with("http://") && !self.public_url.starts_with("https://") {
            return Err(Fatal::new(
                format!("public_url '{}' is not an http(s) address", self.public_url),
                HELP,
            ));
        }
        Ok(self)
    }

    /// The names a client may put into `Host`: the public one, the listening ones, and those configured.
    pub fn accepted_hosts(&self, listening: &[SocketAddr]) -> Vec<String> {
        let mut hosts = self.host_names.clone();
        hosts.push(self.public_authority().to_owned());
        for address in listening {
            hosts.push(address.to_string());
            if address.ip().is_loopback() {
                hosts.push(format!("localhost:{}", address.port()));
            }
        }
        hosts.sort();
        hosts.dedup();
        hosts
    }

    pub fn public_authority(&self) -> &str {
        let rest = self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    pub fn master_key_path(&self) -> PathBuf {
        match self.master_key.path.as_os_str().is_empty() {
            true => self.data_dir.join("master.key"),
            false => self.master_key.path.clone(),
        }
    }

    pub fn checkpoints_path(&self) -> PathBuf {
        match self.audit.checkpoints.as_os_str().is_empty() {
            true => self.data_dir.join("audit/checkpoints.jsonl"),
            false => self.audit.checkpoints.clone(),
        }
    }

    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }
}

/// A list, or one text with commas, so that lists can come from the environment.
fn list<'de, D: Deserializer<'de>, T: std::str::FromStr>(input: D) -> Result<Vec<T>, D::Error>
where
    T::Err: std::fmt::Display,
{
    let texts: Vec<String> = match <Value as Deserialize>::deserialize(input)? {
        Value::String(_, text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        Value::Array(_, items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => return Err(serde::de::Error::custom("expected a list")),
    };
    let parse =
        |text: &String| text.parse().map_err(|error| serde::de::Error::custom(format!("'{text}': {error}")));
    texts.iter().filter(|text: &&String| !text.is_empty()).map(parse).collect()
}

fn explain(error: &figment::Error) -> String {
    let origin = error.metadata.as_ref().map_or_else(String::new, |data| format!(" (from {})", data.name));
    format!("setting '{}': {}{origin}", error.path.join("."), error.kind)
}

/// The client's own variables; not settings of the server.
const RESERVED: [&str; 7] = ["url", "token", "token_file", "output", "config", "no_input", "password_file"];
/// Within the time in which an order counts although nobody has heard of it.
const LONGEST_CALL_MS: u64 = 75_000;
const HELP: &str = "`keygate config show --sources` prints every setting and where it comes from";
pub const DEFAULTS: &str = include_str!("../keygate.default.toml");
