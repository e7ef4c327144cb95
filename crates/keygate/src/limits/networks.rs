//! Networks as texts: `10.0.0.5`, `10.0.0.0/24`, `2001:db8::/32`.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use sqlx::types::ipnetwork::IpNetwork;

pub fn serialize<S: Serializer>(list: &Option<Vec<IpNetwork>>, to: S) -> Result<S::Ok, S::Error> {
    match list {
        Some(list) => to.collect_seq(list.iter().map(text)),
        None => to.serialize_none(),
    }
}

pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<IpNetwork>>, D::Error> {
    let Some(texts) = Option::<Vec<String>>::deserialize(from)? else { return Ok(None) };
    texts
        .iter()
        .map(|text| parse(text).ok_or_else(|| D::Error::custom("not a network")))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// A single address without its length.
pub fn text(network: &IpNetwork) -> String {
    let whole = if network.is_ipv4() { 32 } else { 128 };
    match network.prefix() == whole {
        true => network.ip().to_string(),
        false => network.to_string(),
    }
}

/// Addresses of IPv4 inside IPv6 are IPv4 addresses, as callers' addresses are; bits behind the length are dropped.
pub fn parse(text: &str) -> Option<IpNetwork> {
    let network: IpNetwork = text.trim().parse().ok()?;
    let (ip, prefix) = match (network.ip().to_canonical(), network.ip()) {
        (ip, own) if ip == own => (ip, network.prefix()),
        (ip, _) => (ip, network.prefix().checked_sub(96)?),
    };
    let network = IpNetwork::new(ip, prefix).ok()?;
    IpNetwork::new(network.network(), prefix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_one_spelling() {
        for (given, kept) in [
            ("10.0.0.5", "10.0.0.5"),
            (" 10.0.0.5/24", "10.0.0.0/24"),
            ("::ffff:10.0.0.5", "10.0.0.5"),
            ("::ffff:10.0.0.0/120", "10.0.0.0/24"),
            ("2001:DB8::1/32", "2001:db8::/32"),
        ] {
            assert_eq!(parse(given).map(|network| text(&network)).as_deref(), Some(kept), "{given}");
        }
        assert_eq!(parse("::ffff:0:0/64"), None);
    }
}
