//! A running exchange with a clock that is moved by hand, and clients that sign for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use demo_exchange::{Clock, Config, Credential, DemoExchange, Key, Running};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

pub const NOW: i64 = 1_700_000_000_000;

pub struct World {
    pub exchange: Running,
    pub config: Config,
    hand: Arc<AtomicI64>,
    nonce: AtomicI64,
    pub http: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Config::demo()).await
    }

    pub async fn with(config: Config) -> Self {
        let hand = Arc::new(AtomicI64::new(NOW));
        let clock = Clock::by_hand(hand.clone());
        let exchange = DemoExchange::new(config.clone(), clock).start().await.unwrap();
        Self { exchange, config, hand, nonce: AtomicI64::new(0), http: http("127.0.0.1") }
    }

    pub fn advance(&self, ms: i64) {
        self.hand.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn now(&self) -> i64 {
        self.hand.load(Ordering::Relaxed)
    }

    pub fn binance_key(&self, name: &str) -> Key {
        key(&self.config.exchanges["binance"], name)
    }

    pub fn coinone_key(&self, name: &str) -> Key {
        key(&self.config.exchanges["coinone"], name)
    }

    /// A key with a shared secret, and that secret.
    pub fn shared(&self, exchange: &str, name: &str) -> (Key, String) {
        let key = key(&self.config.exchanges[exchange], name);
        let secret = secret(&key).to_owned();
        (key, secret)
    }

    /// At the page, or at the exchange whose paths begin like this.
    pub fn request(&self, method: &str, target: &str) -> RequestBuilder {
        let origin = match target.split('/').nth(1).unwrap_or_default() {
            "_demo" => self.exchange.url(),
            "public" | "v2" | "v2.1" | "nothing" => self.exchange.origin("coinone"),
            _ => self.exchange.origin("binance"),
        };
        self.http.request(method.parse::<Method>().unwrap(), format!("{origin}{target}"))
    }

    /// A call without a key.
    pub async fn public(&self, target: &str) -> Reply {
        Reply::of(self.request("GET", target)).await
    }

    /// A Binance call signed by the named key: parameters in the query, or in the body of a POST.
    pub async fn binance(&self, name: &str, method: &str, path: &str, params: &str) -> Reply {
        self.sealed(name, method, path, &self.timed(params)).await
    }

    /// The same with exactly these parameters; only the signature is added.
    pub async fn sealed(&self, name: &str, method: &str, path: &str, params: &str) -> Reply {
        let key = self.binance_key(name);
        let signed = format!("{params}&signature={}", sign(&key, params.as_bytes()));
        self.sent(&key.api_key, method, path, &signed).await
    }

    /// Sends these parameters as they are.
    pub async fn sent(&self, api_key: &str, method: &str, path: &str, params: &str) -> Reply {
        let request = match method {
            "POST" => {
                let form = self.request(method, path).header("content-type", FORM);
                form.body(params.to_owned())
            }
            _ => self.request(method, &format!("{path}?{params}")),
        };
        Reply::of(request.header("x-mbx-apikey", api_key)).await
    }

    /// Parameters with the time of now behind them.
    pub fn timed(&self, params: &str) -> String {
        let separator = if params.is_empty() { "" } else { "&" };
        format!("{params}{separator}timestamp={}", self.now())
    }

    /// A Coinone call signed by the named key, with a fresh nonce of the kind the path wants.
    pub async fn coinone(&self, name: &str, path: &str, fields: Value) -> Reply {
        let count = self.nonce.fetch_add(1, Ordering::Relaxed);
        let nonce = match path.starts_with("/v2/") {
            true => json!((NOW / 1000 + count).to_string()),
            false => json!(format!("00000000-0000-4000-8000-{count:012x}")),
        };
        let mut payload = json!({ "access_token": self.coinone_key(name).api_key, "nonce": nonce });
        payload.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.coinone_sealed(name, path, &payload).await
    }

    /// The same with exactly this payload.
    pub async fn coinone_sealed(&self, name: &str, path: &str, payload: &Value) -> Reply {
        let text = STANDARD.encode(payload.to_string());
        let signature = sign_coinone(&self.coinone_key(name), path, &text);
        self.coinone_sent(path, &text, &signature).await
    }

    pub async fn coinone_sent(&self, path: &str, payload: &str, signature: &str) -> Reply {
        let request = self.request("POST", path).header("x-coinone-payload", payload);
        Reply::of(request.header("x-coinone-signature", signature).body(payload.to_owned())).await
    }

    /// Free and locked amount of a Binance account.
    pub async fn balance(&self, name: &str, asset: &str) -> (String, String) {
        let account = self.binance(name, "GET", "/api/v3/account", "").await.ok();
        let balances = account["balances"].as_array().unwrap();
        let found = balances.iter().find(|balance| balance["asset"] == asset).unwrap();
        (text(&found["free"]), text(&found["locked"]))
    }
}

impl Reply {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let body = response.text().await.unwrap();
        Self { status, headers, body: serde_json::from_str(&body).unwrap_or(Value::String(body)) }
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{:?}", self.body);
        assert!(self.body["result"] != "error", "{:?}", self.body);
        self.body
    }

    /// Demands a Binance refusal with this status and code, and gives its text.
    #[track_caller]
    pub fn refused(self, status: u16, code: i64) -> String {
        assert_eq!((self.status, &self.body["code"]), (status, &json!(code)), "{:?}", self.body);
        text(&self.body["msg"])
    }

    /// Demands a Coinone refusal with this code.
    #[track_caller]
    pub fn failed(self, code: &str) {
        assert_eq!((self.status, &self.body["result"]), (200, &json!("error")), "{:?}", self.body);
        assert_eq!(self.body["error_code"], code, "{:?}", self.body);
    }
}

pub const FORM: &str = "application/x-www-form-urlencoded";

/// A client that calls from this address.
pub fn http(from: &str) -> reqwest::Client {
    reqwest::Client::builder().no_proxy().local_address(Some(from.parse().unwrap())).build().unwrap()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value:?}")).to_owned()
}

/// The shared secret of a key.
pub fn secret(key: &Key) -> &str {
    let Credential::Hmac(secret) = &key.credential else { panic!("no shared secret") };
    secret
}

/// A Binance signature, ready to stand in a query.
pub fn sign(key: &Key, message: &[u8]) -> String {
    let private = || key.private.as_ref().unwrap().der().unwrap();
    let signature = match &key.credential {
        Credential::Hmac(secret) | Credential::HmacUpper(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            return HEXLOWER.encode(hmac::sign(&key, message).as_ref());
        }
        Credential::Ec(_) => panic!("not a Binance key"),
        Credential::Ed25519(_) => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&private()).unwrap();
            pair.sign(message).as_ref().to_vec()
        }
        Credential::Rsa(_) => {
            let pair = RsaKeyPair::from_pkcs8(&private()).unwrap();
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        }
    };
    STANDARD.encode(signature).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn sign_coinone(key: &Key, path: &str, payload: &str) -> String {
    let secret = match &key.credential {
        Credential::Hmac(secret) if path.starts_with("/v2.1/") => secret.clone(),
        Credential::Hmac(secret) | Credential::HmacUpper(secret) => secret.to_uppercase(),
        Credential::Ec(_) | Credential::Ed25519(_) | Credential::Rsa(_) => panic!("not a Coinone key"),
    };
    let key = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
    HEXLOWER.encode(hmac::sign(&key, payload.as_bytes()).as_ref())
}

pub fn key(venue: &demo_exchange::Venue, name: &str) -> Key {
    let mut keys = venue.accounts.iter().flat_map(|account| &account.keys);
    keys.find(|key| key.name == name).unwrap_or_else(|| panic!("no key {name}")).clone()
}
