//! The recorded requests of real clients, as the gateway must send them: each one's signature holds here. Only
//! the data is read from the crate that signs; the judgement is this crate's own.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use demo_exchange::{Account, Clock, Config, Credential, DemoExchange, Key, Pem, Record};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::caller::{http, text};

#[tokio::test]
async fn every_recorded_binance_request_is_signed_rightly() {
    let vectors = read("binance");
    assert!(vectors.len() >= 22, "{}", vectors.len());
    for vector in &vectors {
        let record = send(vector, false).await;
        assert!(record.signed_by.is_some(), "{}", vector["id"]);
        assert_ne!(record.error.as_deref(), Some("-1021"), "{}", vector["id"]);
        assert!(send(vector, true).await.signed_by.is_none(), "{} altered", vector["id"]);
    }
}

#[tokio::test]
async fn every_recorded_coinone_request_is_signed_rightly() {
    let vectors = read("coinone");
    assert!(vectors.len() >= 13, "{}", vectors.len());
    for vector in &vectors {
        let record = send(vector, false).await;
        assert!(record.signed_by.is_some(), "{} {:?}", vector["id"], record.error);
        assert!(send(vector, true).await.signed_by.is_none(), "{} altered", vector["id"]);
    }
}

/// With its own key a request holds, with another one it does not.
async fn own_key_and_no_other(exchange: &str) {
    let vectors = read(exchange);
    assert!(vectors.len() >= 8, "{}", vectors.len());
    for vector in &vectors {
        let own = key(vector);
        let other = Key { credential: another(&own.credential), ..own.clone() };
        let record = sent(vector, own, |text| text.to_owned()).await;
        assert!(record.signed_by.is_some(), "{} {:?}", vector["id"], record.error);
        let record = sent(vector, other, |text| text.to_owned()).await;
        assert!(record.signed_by.is_none(), "{} by another key", vector["id"]);
    }
}

macro_rules! recorded {
    ($($exchange:ident),*) => {$(
        #[tokio::test]
        async fn $exchange() {
            own_key_and_no_other(stringify!($exchange)).await;
        }
    )*};
}

mod every_recorded_request_holds_with_its_own_key_alone {
    use super::own_key_and_no_other;

    recorded!(
        bitfinex,
        bitget,
        bithumb,
        bitstamp,
        bybit,
        coinbase,
        coinbaseexchange,
        cryptocom,
        gate,
        htx,
        kraken,
        kucoin,
        mexc,
        okx,
        upbit
    );
}

/// A credential of the same form that is another one.
fn another(credential: &Credential) -> Credential {
    let demo = Config::demo();
    let ready = |exchange: &str, name: &str| {
        let accounts = &demo.exchanges[exchange].accounts;
        let key = accounts.iter().flat_map(|account| &account.keys).find(|key| key.name == name);
        key.unwrap().credential.clone()
    };
    match credential {
        Credential::Ec(_) => ready("coinbase", "trade"),
        Credential::Ed25519(_) => ready("binance", "ed25519"),
        Credential::Rsa(_) => ready("binance", "rsa"),
        Credential::Hmac(text) | Credential::HmacUpper(text) => {
            let at = text.len() / 2;
            let sign = if &text[at..=at] == "A" { "B" } else { "A" };
            Credential::Hmac(format!("{}{sign}{}", &text[..at], &text[at + 1..]))
        }
    }
}

pub fn read(exchange: &str) -> Vec<Value> {
    let file = format!("../exchange/exchanges/{exchange}/vectors.json");
    let json = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let told: Value = serde_json::from_str(&json).unwrap();
    let list = told.as_array().or_else(|| told["vectors"].as_array());
    list.unwrap().clone()
}

/// Sends the signed form at its own time; altered, one sign of what is signed is another.
async fn send(vector: &Value, altered: bool) -> Record {
    sent(vector, key(vector), |text| if altered { flip(text) } else { text.to_owned() }).await
}

async fn sent(vector: &Value, key: Key, alter: impl Fn(&str) -> String) -> Record {
    let now = vector["now_ms"].as_i64().unwrap();
    let exchange = DemoExchange::new(config(vector, key), Clock::new(move || now)).start().await.unwrap();
    let request = request(vector, &exchange.origin(vector["exchange"].as_str().unwrap()), alter);
    request.send().await.unwrap();
    exchange.requests().pop().unwrap()
}

/// The signed form of a recorded request.
pub fn request(vector: &Value, origin: &str, alter: impl Fn(&str) -> String) -> RequestBuilder {
    let signed = &vector["signed"];
    let target = text(&signed["url"]).splitn(4, '/').nth(3).unwrap().to_owned();
    let body = signed["body"].as_str().map(&alter);
    let target = if body.is_none() { alter(&target) } else { target };
    let method = text(&signed["method"]).parse().unwrap();
    let mut request = http("127.0.0.1").request(method, format!("{origin}/{target}"));
    for (name, value) in signed["headers"].as_object().unwrap() {
        let value = text(value);
        let value = if name.ends_with("PAYLOAD") { alter(&value) } else { value };
        request = request.header(name, value);
    }
    request.body(body.unwrap_or_default())
}

/// Changes a digit of the time, which every Binance request signs, or a sign within a Coinone payload.
fn flip(text: &str) -> String {
    match text.find("timestamp=") {
        Some(at) => {
            let digit = at + "timestamp=".len() + 12;
            let other = if &text[digit..=digit] == "0" { "1" } else { "0" };
            format!("{}{other}{}", &text[..digit], &text[digit + 1..])
        }
        None => {
            let json = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
            STANDARD.encode(json.replacen("nonce", "nonse", 1))
        }
    }
}

/// An exchange that knows one customer: the vector's.
fn config(vector: &Value, key: Key) -> Config {
    let mut config = Config::demo();
    let account = Account {
        name: "vector".to_owned(),
        balances: BTreeMap::new(),
        keys: vec![key],
        addresses: Vec::new(),
    };
    let exchange = vector["exchange"].as_str().unwrap();
    config.exchanges.get_mut(exchange).unwrap().accounts = vec![account];
    config
}

fn key(vector: &Value) -> Key {
    let credentials = &vector["credentials"];
    let secret = &credentials["secret"];
    let given = |pem: &Value| Pem { pem: text(&pem["pem"]), body: text(&pem["body"]) };
    let credential = match (vector["profile"].as_str().unwrap(), &vector["params"]["secret_transform"]) {
        ("cdp_es256" | "cdp_es256_pkcs8", _) => Credential::Ec(given(&credentials["public_key_pem"])),
        ("cdp_ed25519", _) => Credential::Ed25519(given(&credentials["public_key_pem"])),
        ("ed25519", _) => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der(secret)).unwrap();
            Credential::Ed25519(public(pair.public_key().as_ref()))
        }
        ("rsa", _) => {
            let pair = RsaKeyPair::from_pkcs8(&der(secret)).unwrap();
            Credential::Rsa(public(pair.public_key().as_ref()))
        }
        (_, Value::String(transform)) if transform == "upper" => Credential::HmacUpper(text(secret)),
        _ => Credential::Hmac(text(secret)),
    };
    let api_key = text(&credentials["api_key"]);
    let name = "vector".to_owned();
    let passphrase = credentials["passphrase"].as_str().map(str::to_owned);
    Key { name, api_key, credential, passphrase, permissions: Vec::new(), ips: Vec::new(), private: None }
}

fn der(private: &Value) -> Vec<u8> {
    STANDARD.decode(text(&private["body"])).unwrap()
}

fn public(key: &[u8]) -> Pem {
    Pem { pem: "PUBLIC KEY".to_owned(), body: STANDARD.encode(key) }
}
