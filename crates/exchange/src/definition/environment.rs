//! Where requests go: fixed hosts per environment, chosen by the longest path prefix.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

/// One environment: its hosts, the hosts of its groups, and headers that select it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// Path prefix (with both slashes) to origin.
    pub(crate) hosts: BTreeMap<Prefix, Origin>,
    /// The same for `/x/{exchange}.{group}/...`, where two hosts share paths.
    #[serde(default)]
    pub(crate) group: BTreeMap<String, BTreeMap<Prefix, Origin>>,
    /// Hosts of WebSockets alone, which may have a port: path prefix to origin.
    #[serde(default)]
    pub(crate) streams: BTreeMap<Prefix, StreamOrigin>,
    /// Headers set on every request, such as OKX's `x-simulated-trading`.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Whether it is a site of its own instead of a place to practise.
    #[serde(default)]
    pub(crate) real_money: bool,
}

/// The place a request is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub(crate) origin: Origin,
    pub(crate) headers: Vec<(String, String)>,
}

/// `https://host`, or for the built-in demo exchange `http://127.0.0.1:port`. No path, no user, no query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Origin(Arc<str>);

/// An origin with, if it has to be, a port: `https://ws.okx.com:8443`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct StreamOrigin(Origin);

/// A path prefix that ends at a segment: `/api/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Prefix(String);

impl Environment {
    /// The upstream of `path`, or `None` if this environment has no host for it.
    pub(crate) fn upstream(&self, group: Option<&str>, path: &str) -> Option<Upstream> {
        Some(self.at(self.origin(group, path)?))
    }

    /// The host of `path`, as it stands in the `Host` header.
    pub(crate) fn host(&self, group: Option<&str>, path: &str) -> Option<&str> {
        Some(self.origin(group, path)?.host())
    }

    fn origin(&self, group: Option<&str>, path: &str) -> Option<&Origin> {
        let hosts = match group {
            Some(group) => self.group.get(group)?,
            None => &self.hosts,
        };
        longest(hosts, path)
    }

    /// The upstream of a WebSocket: a host for these alone, or the one for all of `path`.
    pub(crate) fn stream_upstream(&self, path: &str) -> Option<Upstream> {
        match longest(&self.streams, path) {
            Some(own) => Some(self.at(&own.0)),
            None => self.upstream(None, path),
        }
    }

    fn at(&self, origin: &Origin) -> Upstream {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Upstream { origin: origin.clone(), headers }
    }

    /// The same prefixes and groups, all at one origin and without the selecting headers.
    pub(crate) fn moved_to(&self, origin: &Origin) -> Environment {
        let moved = |hosts: &BTreeMap<Prefix, Origin>| {
            hosts.keys().map(|prefix| (prefix.clone(), origin.clone())).collect()
        };
        Environment {
            hosts: moved(&self.hosts),
            group: self.group.iter().map(|(name, hosts)| (name.clone(), moved(hosts))).collect(),
            streams: self.streams.keys().map(|own| (own.clone(), StreamOrigin(origin.clone()))).collect(),
            headers: BTreeMap::new(),
            real_money: false,
        }
    }
}

/// What stands behind the longest prefix of a path.
fn longest<'a, T>(hosts: &'a BTreeMap<Prefix, T>, path: &str) -> Option<&'a T> {
    let fitting = hosts.iter().filter(|(prefix, _)| path.starts_with(prefix.0.as_str()));
    fitting.max_by_key(|(prefix, _)| prefix.0.len()).map(|(_, host)| host)
}

impl Upstream {
    /// Scheme, host and port: `https://api.binance.com`.
    pub fn origin(&self) -> &str {
        &self.origin.0
    }

    pub(crate) fn shared_origin(&self) -> Arc<str> {
        self.origin.0.clone()
    }

    /// The host as it stands in the `Host` header: with the port if it is not the scheme's own.
    pub fn host(&self) -> &str {
        self.origin.host()
    }

    /// Headers that select the environment. Already part of what [`Definition::sign`] returns.
    ///
    /// [`Definition::sign`]: crate::Definition::sign
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
}

impl Origin {
    fn host(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, host)| host)
    }

    /// An origin of a built-in definition: https on port 443, a lower-case DNS name with a dot, no literal
    /// address (its last label must have a letter, which also excludes `2130706433` and `127.1`).
    fn parse(text: &str) -> Result<Origin, &'static str> {
        let host = text.strip_prefix("https://").ok_or("a host is https://name")?;
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let name = host.rsplit_once('.').is_some_and(|(_, top)| top.bytes().all(|b| b.is_ascii_lowercase()));
        match name && host.len() <= 253 && host.split('.').all(label) {
            true => Ok(Origin(text.into())),
            false => Err("a host is a lower-case DNS name, without port, path, user or trailing dot"),
        }
    }

    /// An origin given by the operator: as above, or plain http on this machine with a port.
    pub(crate) fn parse_own(text: &str) -> Result<Origin, &'static str> {
        let port = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .filter(|port| port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0'))
            .and_then(|port| port.parse::<u16>().ok());
        match port {
            Some(_) => Ok(Origin(text.into())),
            None => Origin::parse(text),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Origin, &'static str> {
        Origin::parse(&text)
    }
}

impl TryFrom<String> for StreamOrigin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<StreamOrigin, &'static str> {
        let host = text.strip_prefix("https://").unwrap_or_default();
        let Some((name, port)) = host.split_once(':') else { return Origin::parse(&text).map(StreamOrigin) };
        Origin::parse(&format!("https://{name}"))?;
        let plain = port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0');
        match port.parse::<u16>() {
            Ok(port) if plain && port != 443 => Ok(StreamOrigin(Origin(text.into()))),
            _ => Err("the port of a stream's host is a number, and not https's own"),
        }
    }
}

impl TryFrom<String> for Prefix {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Prefix, &'static str> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-/".contains(&b);
        match text.starts_with('/') && text.ends_with('/') && text.bytes().all(plain) {
            true => Ok(Prefix(text)),
            false => Err("a path prefix starts and ends with /"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_of_a_path_wins() {
        let origin = |name: &str| Origin::parse(&format!("https://{name}.example.com")).unwrap();
        let prefixes = [("/", "all"), ("/api/", "api"), ("/api/data/", "data"), ("/zoo/", "zoo")];
        let hosts =
            prefixes.map(|(prefix, name)| (Prefix::try_from(prefix.to_owned()).unwrap(), origin(name)));
        let environment = Environment {
            hosts: hosts.into(),
            group: BTreeMap::new(),
            streams: BTreeMap::new(),
            headers: BTreeMap::new(),
            real_money: false,
        };
        let host = |path| environment.upstream(None, path).unwrap().origin;
        assert_eq!(host("/api/data/x"), origin("data"));
        assert_eq!(host("/api/datax"), origin("api"));
        assert_eq!(host("/apix"), origin("all"));
    }

    #[test]
    fn only_a_plain_https_name_is_a_host() {
        assert!(Origin::parse("https://api.binance.com").is_ok());
        for text in [
            "http://api.binance.com",
            "https://api.binance.com:443",
            "https://api.binance.com/",
            "https://user@api.binance.com",
            "https://API.binance.com",
            "https://api.binance.com.",
            "https://api..com",
            "https://localhost",
            "https://127.0.0.1",
            "https://2130706433",
            "https://0x7f.1",
            "https://[::1]",
            "https://-a.com",
            "https://",
            "//evil.com",
            "https://evil.com\\@api.binance.com",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_host_of_a_stream_may_have_a_port() {
        let parse = |text: &str| StreamOrigin::try_from(text.to_owned());
        assert!(parse("https://ws.okx.com:8443").is_ok() && parse("https://ws.okx.com").is_ok());
        for text in [
            "https://ws.okx.com:",
            "https://ws.okx.com:443",
            "https://ws.okx.com:0",
            "https://ws.okx.com:08443",
            "https://ws.okx.com:+8443",
            "https://ws.okx.com:65536",
            "https://ws.okx.com:8443/",
            "https://ws.okx.com:8443@evil.com",
            "https://127.0.0.1:8443",
            "http://ws.okx.com:8443",
            "wss://ws.okx.com:8443",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_own_origin_may_be_a_port_of_this_machine_and_nothing_else_plain() {
        assert!(Origin::parse_own("http://127.0.0.1:8081").is_ok());
        assert!(Origin::parse_own("http://[::1]:8081").is_ok());
        assert!(Origin::parse_own("https://sandbox.example").is_ok());
        for text in [
            "http://127.0.0.1",
            "http://127.0.0.1:",
            "http://127.0.0.1:0",
            "http://127.0.0.1:+80",
            "http://127.0.0.1:65536",
            "http://127.0.0.1:80/",
            "http://127.0.0.1:80@evil.com",
            "http://10.0.0.1:80",
            "http://sandbox.example",
        ] {
            assert!(Origin::parse_own(text).is_err(), "{text}");
        }
    }
}
