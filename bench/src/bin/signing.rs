//! What the gate computes for one call, scheme by scheme: reading the request, opening its owner's key, opening the
//! virtual pair, checking its signature, opening the real key, signing. Everything between the socket of the bot and
//! that of the exchange but the look-ups. A call that shows an access key as a token instead of a pair takes the same but
//! opening and checking the pair. The keys and requests are those of `crates/exchange/exchanges/*/vectors.json`.
//!
//! `cargo run --release -p bench --bin signing` prints a Markdown table in nanoseconds and judges the HMAC schemes.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring tool")]

use std::{hint::black_box, path::Path, process::ExitCode, sync::Arc, time::Instant};

use exchange::{
    Credentials, Definition, Exchanges, Incoming, KeyKind, Options, PRODUCTION, Request, Signed, Stamp,
    Typed, VirtualPair,
};
use keygate::{
    connection::{ExchangeKey, secrets},
    gateway::{KeptConnection, KeptPair, StoredPair},
};
use seal::{ClosedUserKey, Context, Keyring, MasterKey, SecretText, UserKey, field};
use serde_json::Value;
use uuid::Uuid;

/// What an HMAC scheme may take for one request.
const LIMIT_NS: f64 = 3000.0;
const BATCHES: usize = 15;
const BATCH_NS: f64 = 2_000_000.0;
const USER: Uuid = Uuid::from_u128(1);
const ROW: Uuid = Uuid::from_u128(2);
const VIRTUAL_KEY: &str = "kg_0123456789abcdef";

/// A call as a bot sends it, with its pair and the real key as the gate keeps them.
struct Call {
    definition: Arc<Definition>,
    sent: Signed,
    stamp: Stamp,
    /// Of the virtual pair and of the real key.
    kinds: (KeyKind, KeyKind),
    keyring: Keyring,
    user_key: ClosedUserKey,
    pair: KeptPair,
    key: KeptConnection,
}

/// Nanoseconds of the steps, and of all of them one after the other: with a token, and with a pair.
#[derive(Clone, Copy)]
struct Times {
    read: f64,
    user_key: f64,
    pair: f64,
    verify: f64,
    key: f64,
    sign: f64,
    by_token: f64,
    by_pair: f64,
}

/// The slowest of the schemes whose pair and key are shared secrets.
#[derive(Default)]
struct Slowest {
    scheme: String,
    ns: f64,
}

fn main() -> ExitCode {
    let exchanges = Exchanges::builtin();
    let (mut by_token, mut by_pair) = (Slowest::default(), Slowest::default());
    println!(
        "| scheme | pair, key | read | user key | pair | verify | key | sign | **by token** | **by pair** |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (scheme, vectors) in schemes() {
        let calls: Vec<Call> = vectors.iter().map(|vector| Call::new(&exchanges, vector)).collect();
        let kinds = calls[0].kinds;
        // the slowest vector stands for its scheme
        let times = calls.iter().map(Call::measure).max_by(|a, b| a.by_pair.total_cmp(&b.by_pair)).unwrap();
        times.print(&scheme, kinds);
        if kinds == (KeyKind::Hmac, KeyKind::Hmac) {
            by_token.meet(&scheme, times.by_token);
            by_pair.meet(&scheme, times.by_pair);
        }
    }
    println!();
    let passed = [by_token.judge("a token"), by_pair.judge("a pair, whose signature is checked")];
    if passed == [true; 2] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Times {
    fn print(&self, scheme: &str, (pair, own): (KeyKind, KeyKind)) {
        let Times { read, user_key, pair: opened, verify, key, sign, by_token, by_pair } = self;
        let kinds = format!("{}, {}", pair.as_str(), own.as_str());
        println!(
            "| {scheme} | {kinds} | {read:.0} | {user_key:.0} | {opened:.0} | {verify:.0} | {key:.0} | {sign:.0} \
             | **{by_token:.0}** | **{by_pair:.0}** |"
        );
    }
}

impl Slowest {
    fn meet(&mut self, scheme: &str, ns: f64) {
        if ns > self.ns {
            *self = Slowest { scheme: scheme.to_owned(), ns };
        }
    }

    fn judge(&self, credential: &str) -> bool {
        let Slowest { scheme, ns } = self;
        let passed = *ns <= LIMIT_NS;
        let verdict = if passed { "PASS" } else { "FAIL" };
        println!(
            "- {verdict}: HMAC schemes with {credential}: at most {ns:.0} ns a request ({scheme}); the limit is {LIMIT_NS:.0}"
        );
        passed
    }
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
        let (opened, wrapped) = UserKey::create(&keyring, USER, 1);
        let real = real_key(vector);
        let VirtualPair { secret, passphrase, public_key_pem } =
            definition.virtual_pair(&seal::random::key());
        let typed = Typed { api_key: VIRTUAL_KEY, secret: &secret, passphrase: passphrase.as_ref() };
        let pair = Credentials::parse(&definition, typed, Options::default()).unwrap();
        let request = read_vector(&definition, vector);
        let now_ms = vector["now_ms"].as_u64().unwrap();
        let nonce = definition.nonce_kind(&request, &real.options);
        let stamp = Stamp { now_ms, nonce: nonce.map(|kind| kind.text(now_ms, seal::random::array())) };
        let upstream = definition.upstream(PRODUCTION, &request).unwrap();
        let sent = definition.sign(&request, &upstream, &pair, &stamp).unwrap();
        let seal = |column, text: &SecretText| field::seal(&opened, &place(column), text.expose().as_bytes());
        let stored = StoredPair {
            secret: public_key_pem.is_none().then(|| seal("secret", &secret)),
            passphrase: passphrase.as_ref().map(|text| seal("passphrase", text)),
            public_key_pem,
        };
        let key = secrets::seal_connection(&opened, ROW, &real);
        let key = KeptConnection::read(&opened, ROW, &key).unwrap();
        let kinds = (pair.kind(), key.open(&opened, &definition).ok().unwrap().kind());
        Call {
            sent,
            stamp,
            kinds,
            keyring,
            user_key: ClosedUserKey::read(USER, 1, &wrapped).unwrap(),
            pair: KeptPair::read(USER, ROW, VIRTUAL_KEY, stored).unwrap(),
            key,
            definition,
        }
    }

    fn measure(&self) -> Times {
        let (request, user_key) = (self.read(), self.user_key());
        let (pair, key) = (self.pair(&user_key), self.key(&user_key));
        Times {
            read: median(|| self.read()),
            user_key: median(|| self.user_key()),
            pair: median(|| self.pair(&user_key)),
            verify: median(|| self.verify(&request, &pair)),
            key: median(|| self.key(&user_key)),
            sign: median(|| self.sign(&request, &key)),
            by_token: median(|| {
                let request = self.read();
                self.sign(&request, &self.key(&self.user_key()))
            }),
            by_pair: median(|| {
                let request = self.read();
                let user_key = self.user_key();
                self.verify(&request, &self.pair(&user_key));
                self.sign(&request, &self.key(&user_key))
            }),
        }
    }

    /// The request, and whose it is.
    fn read(&self) -> Request {
        let headers: Vec<_> =
            self.sent.headers.iter().map(|(name, value)| (name.as_ref(), value.as_bytes())).collect();
        let incoming = Incoming {
            method: self.sent.method.as_str(),
            group: None,
            target: &self.sent.target,
            headers: &headers,
            body: &self.sent.body,
            called: &self.sent.origin,
        };
        let request = self.definition.request(incoming).unwrap();
        black_box(self.definition.presented_key(&request));
        request
    }

    fn user_key(&self) -> UserKey {
        self.user_key.open(&self.keyring).unwrap()
    }

    /// The virtual pair, opened for one check.
    fn pair(&self, user_key: &UserKey) -> Credentials {
        self.pair.open(user_key, &self.definition).ok().unwrap()
    }

    /// The real key, opened for one signature.
    fn key(&self, user_key: &UserKey) -> Credentials {
        self.key.open(user_key, &self.definition).ok().unwrap()
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
