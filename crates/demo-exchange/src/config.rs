//! What the pretend exchanges start with: pairs, accounts, keys, limits. [`Config::demo`] is compiled in, one file
//! in `venues/` per exchange, with keys that are obviously fake.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::spoken::SPOKEN;

/// Everything an exchange knows before its first request.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub limits: Limits,
    /// By the exchange's id; those that are missing here do not run.
    pub exchanges: BTreeMap<String, Venue>,
}

/// One of the exchanges.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Venue {
    /// Share of what a trade brings in, taken from both sides.
    pub fee_rate: Decimal,
    pub pairs: Vec<Pair>,
    pub accounts: Vec<Account>,
}

/// A traded pair, its filters and the ladder of the resident maker.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub base: String,
    pub quote: String,
    /// Middle of the ladder; no order rests there.
    pub price: Decimal,
    /// Distance between two rungs, and from the middle to the first.
    pub rung: Decimal,
    /// Quantity of `base` on each rung.
    pub depth: Decimal,
    pub tick: Decimal,
    pub step: Decimal,
    pub min_quantity: Decimal,
    pub max_quantity: Decimal,
    pub min_notional: Decimal,
}

/// One customer: balances, and any number of keys to them.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub name: String,
    pub balances: BTreeMap<String, Decimal>,
    #[serde(default)]
    pub keys: Vec<Key>,
    /// Where Coinone lets this customer withdraw to.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// An API key as the exchange stores it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub name: String,
    pub api_key: String,
    pub credential: Credential,
    /// The third part, at exchanges where keys have one.
    #[serde(default)]
    pub passphrase: Option<String>,
    pub permissions: Vec<Permission>,
    /// Addresses the key may be used from; empty means any.
    #[serde(default)]
    pub ips: Vec<IpAddr>,
    /// The other half of a ready-made RSA, Ed25519 or EC key, for whoever wants to sign with it.
    #[serde(default)]
    pub private: Option<Pem>,
}

/// What a request's signature is checked with.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// EC P-256.
    Ec(Pem),
    Ed25519(Pem),
    /// A shared secret, used as it is. Coinone's old `/v2` API upper-cases it all the same.
    Hmac(String),
    /// A Coinone secret that is upper-cased on `/v2.1` too, as ccxt does.
    HmacUpper(String),
    Rsa(Pem),
}

/// A PEM text without its armour lines.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pem {
    pub pem: String,
    pub body: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    Read,
    Trade,
    Transfer,
    Withdraw,
}

/// Request budgets; `null` means none.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Binance: weight per minute and address.
    pub weight_1m: Option<u32>,
    /// Binance: new orders per ten seconds and account.
    pub orders_10s: Option<u32>,
    /// Coinone: requests per minute and address.
    pub requests_1m: Option<u32>,
    /// How long the maker waits before it fills its ladder up again.
    pub restock_ms: i64,
}

impl Config {
    /// The ready-made pairs and accounts (`venues/*.json`).
    pub fn demo() -> Self {
        #[expect(clippy::expect_used, reason = "the files are compiled in and parsed by every test")]
        let venue = |text| serde_json::from_str(text).expect("a built-in venue is valid");
        let exchanges = SPOKEN.iter().map(|one| (one.id.to_owned(), venue(one.venue))).collect();
        Config { limits: Limits::default(), exchanges }
    }

    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// What this exchange starts with.
    pub fn venue(&self, exchange: &str) -> Option<&Venue> {
        self.exchanges.get(exchange)
    }

    /// Without budgets, for load tests.
    pub fn unlimited(mut self) -> Self {
        self.limits = Limits { weight_1m: None, orders_10s: None, requests_1m: None, ..self.limits };
        self
    }
}

impl Default for Limits {
    /// Those of the real Binance and Coinone.
    fn default() -> Self {
        Self { weight_1m: Some(6000), orders_10s: Some(100), requests_1m: Some(300), restock_ms: 1000 }
    }
}

impl Venue {
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == name)
    }
}

impl Pair {
    /// `BTCUSDT`
    pub fn symbol(&self) -> String {
        format!("{}{}", self.base, self.quote)
    }
}

impl Pem {
    /// From the text with its armour lines; `None` if it is not one.
    pub fn from_text(text: &str) -> Option<Self> {
        let (label, rest) = text.trim().strip_prefix("-----BEGIN ")?.split_once("-----")?;
        let body = rest.strip_suffix(&format!("-----END {label}-----"))?;
        Some(Self { pem: label.to_owned(), body: body.split_ascii_whitespace().collect() })
    }

    /// The text with its armour lines.
    pub fn to_text(&self) -> String {
        let mut text = format!("-----BEGIN {}-----\n", self.pem);
        for line in self.body.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text + &format!("-----END {}-----\n", self.pem)
    }

    /// The DER inside; `None` if the body is not base64.
    pub fn der(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_configuration_parses() {
        let config = Config::demo();
        assert!(config.exchanges["binance"].account("trade").is_some());
        assert!(config.exchanges["coinone"].account("raw").is_some());
    }

    #[test]
    fn pem_text_and_body_are_the_same_key() {
        let config = Config::demo();
        let key = &config.exchanges["binance"].account("rsa").unwrap().keys[0];
        let Credential::Rsa(public) = &key.credential else { panic!("not an RSA key") };
        let again = Pem::from_text(&public.to_text()).unwrap();
        assert_eq!(again.der().unwrap(), public.der().unwrap());
        assert_eq!(again.pem, "PUBLIC KEY");
    }
}
