//! What the gate computes for one call, scheme by scheme: reading the request, opening the virtual pair, checking
//! its signature, opening the real key, signing. Everything between the socket of the bot and that of the exchange
//! but the look-ups. The keys and requests are those of `crates/exchange/exchanges/*/vectors.json`.
//!
//! `cargo run --release -p bench --bin signing` prints a Markdown table in nanoseconds and judges the HMAC schemes.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring tool")]

use std::{hint::black_box, path::Path, process::ExitCode, sync::Arc, time::Instant};

use exchange::{
    Credentials, Definition, Exchanges, Incoming, KeyKind, Options, PRODUCTION, Request, Signed, Stamp,
    Typed, VirtualPair,
};
use keygate::connection::{
    ExchangeKey,
    secrets::{self, SealedConnection},
};
use seal::{Context, Keyring, MasterKey, SecretBytes, SecretText, UserKey, field, keyring::Wrapped};
use serde_json::Value;
use uuid::Uuid;

/// What an HMAC scheme may take for one request.
const LIMIT_NS: f64 = 3000.0;
const BATCHES: usize = 15;
const BATCH_NS: f64 = 2_000_000.0;
const USER: Uuid = Uuid::from_u128(1);
const ROW: Uuid = Uuid::from_u128(2);
const VIRTUAL_KEY: &str = "kg_0123456789abcdef";

/// A call as a bot sends it, with its pair and the real key as the database keeps them.
struct Call {
    definition: Arc<Definition>,
    sent: Signed,
    stamp: Stamp,
    kind: KeyKind,
    keyring: Keyring,
    user_key: Wrapped,
    virtual_secret: Option<String>,
    virtual_passphrase: Option<String>,
    public_key_pem: Option<String>,
    connection: SealedConnection,
}

/// Nanoseconds of the steps, and of all of them one after the other.
#[derive(Clone, Copy)]
struct Times {
    read: f64,
    open: f64,
    verify: f64,
    sign: f64,
    request: f64,
}

fn main() -> ExitCode {
    let exchanges = Exchanges::builtin();
    let mut slowest: (String, f64) = (String::new(), 0.0);
    println!("| scheme | key | read | open | verify | sign | **whole request** |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for (scheme, vectors) in schemes() {
        let calls: Vec<Call> = vectors.iter().map(|vector| Call::new(&exchanges, vector)).collect();
        let kind = calls[0].kind;
        // the slowest vector stands for its scheme
        let times = calls.iter().map(Call::measure).max_by(|a, b| a.request.total_cmp(&b.request)).unwrap();
        let Times { read, open, verify, sign, request } = times;
        let kind_name = kind.as_str();
        println!(
            "| {scheme} | {kind_name} | {read:.0} | {open:.0} | {verify:.0} | {sign:.0} | **{request:.0}** |"
        );
        if kind == KeyKind::Hmac && request > slowest.1 {
            slowest = (scheme, request);
        }
    }
    let passed = slowest.1 <= LIMIT_NS;
    let verdict = if passed { "PASS" } else { "FAIL" };
    println!(
        "\n{verdict}: HMAC schemes take at most {:.0} ns per request ({}); the limit is {LIMIT_NS:.0}",
        slowest.1, slowest.0
    );
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The vectors by scheme: `binance-rsa` of `sv-binance-rsa-02`.
fn schemes() -> Vec<(String, Vec<Value>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/exchange/exchanges");
    let mut folders: Vec<_> = std::fs::read_dir(root).unwrap().map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    let mut schemes: Vec<(String, Vec<Value>)> = Vec::new();
    for folder in folders {
        let vectors = std::fs::read(folder.join("vectors.json")).unwrap();
        for vector in serde_json::from_slice::<Vec<Value>>(&vectors).unwrap() {
            let id = vector["id"].as_str().unwrap();
            let scheme = id.strip_prefix("sv-").unwrap().rsplit_once('-').unwrap().0.to_owned();
            match schemes.iter_mut().find(|(name, _)| *name == scheme) {
                Some((_, vectors)) => vectors.push(vector),
                None => schemes.push((scheme, vec![vector])),
            }
        }
    }
    schemes
}

impl Call {
    /// Seals the vector's key, makes a virtual pair of the exchange's form and signs the vector's request with it.
    fn new(exchanges: &Exchanges, vector: &Value) -> Call {
        let definition = exchanges.get(vector["exchange"].as_str().unwrap()).unwrap().clone();
        let keyring = Keyring::new(MasterKey::generate(1));
        let (opened, user_key) = UserKey::create(&keyring, USER, 1);
        let key = real_key(vector);
        let kind = key.credentials(&definition).unwrap().kind();
        let connection = secrets::seal_connection(&opened, ROW, &key);
        let VirtualPair { secret, passphrase, public_key_pem } =
            definition.virtual_pair(&seal::random::key());
        let typed = Typed { api_key: VIRTUAL_KEY, secret: &secret, passphrase: passphrase.as_ref() };
        let pair = Credentials::parse(&definition, typed, Options::default()).unwrap();
        let request = read_vector(&definition, vector);
        let now_ms = vector["now_ms"].as_u64().unwrap();
        let nonce = definition.nonce_kind(&request, &key.options);
        let stamp = Stamp { now_ms, nonce: nonce.map(|kind| kind.text(now_ms, seal::random::array())) };
        let upstream = definition.upstream(PRODUCTION, &request).unwrap();
        let sent = definition.sign(&request, &upstream, &pair, &stamp).unwrap();
        let seal = |column, text: &SecretText| field::seal(&opened, &place(column), text.expose().as_bytes());
        Call {
            virtual_secret: public_key_pem.is_none().then(|| seal("secret", &secret)),
            virtual_passphrase: passphrase.as_ref().map(|text| seal("passphrase", text)),
            public_key_pem,
            definition,
            sent,
            stamp,
            kind,
            keyring,
            user_key,
            connection,
        }
    }

    fn measure(&self) -> Times {
        let (request, pair) = (self.read(), self.pair());
        let key = self.key();
        Times {
            read: median(|| self.read()),
            open: median(|| (self.pair(), self.key())),
            verify: median(|| self.verify(&request, &pair)),
            sign: median(|| self.sign(&request, &key)),
            request: median(|| {
                let request = self.read();
                self.verify(&request, &self.pair());
                self.sign(&request, &self.key())
            }),
        }
    }

    fn read(&self) -> Request {
        let headers: Vec<_> =
            self.sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let incoming = Incoming {
            method: self.sent.method.as_str(),
            group: None,
            target: &self.sent.target,
            headers: &headers,
            body: &self.sent.body,
            called: &self.sent.origin,
        };
        self.definition.request(incoming).unwrap()
    }

    /// The virtual pair, opened as `gateway/account.rs` opens it.
    fn pair(&self) -> Credentials {
        let user_key = UserKey::open(&self.keyring, USER, 1, &self.user_key).unwrap();
        let open = |column, sealed: &Option<String>| {
            let open = |sealed: &str| {
                field::open(&user_key, &place(column), sealed).and_then(SecretBytes::into_text)
            };
            sealed.as_deref().map(|sealed| open(sealed).unwrap())
        };
        let secret = open("secret", &self.virtual_secret).unwrap_or_else(|| String::new().into());
        let passphrase = open("passphrase", &self.virtual_passphrase);
        let typed = Typed { api_key: VIRTUAL_KEY, secret: &secret, passphrase: passphrase.as_ref() };
        Credentials::kept(&self.definition, typed, self.public_key_pem.as_deref()).unwrap()
    }

    /// The real key, opened for one signature.
    fn key(&self) -> Credentials {
        let user_key = UserKey::open(&self.keyring, USER, 1, &self.user_key).unwrap();
        let key = secrets::open_with(&user_key, ROW, &self.connection).unwrap();
        key.credentials(&self.definition).unwrap()
    }

    fn verify(&self, request: &Request, pair: &Credentials) {
        black_box(self.definition.verify(request, pair, self.stamp.now_ms).unwrap());
    }

    fn sign(&self, request: &Request, key: &Credentials) -> Signed {
        let upstream = self.definition.upstream(PRODUCTION, request).unwrap();
        self.definition.sign(request, &upstream, key, &self.stamp).unwrap()
    }
}

fn place(column: &'static str) -> Context {
    Context { table: "virtual_key", column, row: ROW }
}

/// The key of a vector; a private key stands there as label and body of its PEM.
fn real_key(vector: &Value) -> ExchangeKey {
    let pair = &vector["credentials"];
    let secret = match pair["secret"]["body"].as_str() {
        Some(body) => {
            let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
            let label = pair["secret"]["pem"].as_str().unwrap();
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
        }
        None => pair["secret"].as_str().unwrap().to_owned(),
    };
    ExchangeKey {
        api_key: pair["api_key"].as_str().unwrap().to_owned(),
        secret: secret.into(),
        passphrase: pair["passphrase"].as_str().map(|text| text.to_owned().into()),
        options: serde_json::from_value(vector["params"].clone()).unwrap(),
    }
}

/// The vector's request with the vector's own key and signature, which the virtual pair's replace.
fn read_vector(definition: &Definition, vector: &Value) -> Request {
    let sent = &vector["signed"];
    let headers: Vec<_> = sent["headers"].as_object().unwrap().iter().collect();
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes())).collect();
    let url = sent["url"].as_str().unwrap();
    let host = url.find("://").unwrap() + 3;
    let path = host + url[host..].find('/').unwrap();
    let incoming = Incoming {
        method: sent["method"].as_str().unwrap(),
        group: None,
        target: &url[path..],
        headers: &headers,
        body: sent["body"].as_str().unwrap_or_default().as_bytes(),
        called: "",
    };
    definition.request(incoming).unwrap()
}

/// The median of batches, in nanoseconds for one.
fn median<T>(work: impl Fn() -> T) -> f64 {
    let rounds = (BATCH_NS / batch(1, &work).min(batch(1, &work)).max(1.0)).clamp(3.0, 5000.0) as u32;
    let mut times: Vec<f64> = (0..BATCHES).map(|_| batch(rounds, &work)).collect();
    times.sort_by(f64::total_cmp);
    times[BATCHES / 2]
}

fn batch<T>(rounds: u32, work: &impl Fn() -> T) -> f64 {
    let started = Instant::now();
    for _ in 0..rounds {
        black_box(work());
    }
    started.elapsed().as_nanos() as f64 / f64::from(rounds)
}
