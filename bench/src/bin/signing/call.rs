//! One call of a test vector, with its pair and its real key sealed as the gate keeps them, and the steps it takes.

use std::{hint::black_box, sync::Arc};

use exchange::{
    Credentials, Definition, Exchanges, Incoming, KeyKind, Options, PRODUCTION, Request, Signed, Stamp,
    Typed, VirtualPair,
};
use keygate::{
    connection::{ExchangeKey, secrets},
    gateway::{KeptConnection, KeptPair, StoredPair},
};
use seal::{Context, Keyring, MasterKey, ProcessKey, SecretText, UserKey, field};
use serde_json::Value;
use uuid::Uuid;

const USER: Uuid = Uuid::from_u128(1);
const ROW: Uuid = Uuid::from_u128(2);
const VIRTUAL_KEY: &str = "kg_0123456789abcdef";

/// A call as a bot sends it, with its pair and the real key as the gate keeps them.
pub struct Call {
    definition: Arc<Definition>,
    sent: Signed,
    stamp: Stamp,
    /// Of the virtual pair and of the real key.
    pub kinds: (KeyKind, KeyKind),
    process: ProcessKey,
    pair: KeptPair,
    key: KeptConnection,
}

impl Call {
    /// Seals the vector's key, makes a virtual pair of the exchange's form and signs the vector's request with it.
    pub fn new(exchanges: &Exchanges, vector: &Value) -> Call {
        let definition = exchanges.get(vector["exchange"].as_str().unwrap()).unwrap().clone();
        let keyring = Keyring::new(MasterKey::generate(1));
        let (owner, _) = UserKey::create(&keyring, USER, 1);
        let process = ProcessKey::generate();
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
        let seal = |column, text: &SecretText| field::seal(&owner, &place(column), text.expose().as_bytes());
        let stored = StoredPair {
            secret: public_key_pem.is_none().then(|| seal("secret", &secret)),
            passphrase: passphrase.as_ref().map(|text| seal("passphrase", text)),
            public_key_pem,
        };
        let key = secrets::seal_connection(&owner, ROW, &real);
        let key = KeptConnection::read((&process, &owner), ROW, &key).unwrap();
        let kinds = (pair.kind(), key.open(&process, &definition).ok().unwrap().kind());
        Call {
            sent,
            stamp,
            kinds,
            pair: KeptPair::read((&process, &owner), ROW, VIRTUAL_KEY, stored).unwrap(),
            process,
            key,
            definition,
        }
    }

    /// One step, again and again.
    pub fn repeat(&self, step: &str, rounds: u32) {
        let (request, pair, key) = (self.read(), self.pair(), self.key());
        let times = |work: &dyn Fn()| times(rounds, work);
        match step {
            "read" => times(&|| drop(black_box(self.read()))),
            "pair" => times(&|| drop(black_box(self.pair()))),
            "verify" => times(&|| self.verify(&request, &pair)),
            "key" => times(&|| drop(black_box(self.key()))),
            "sign" => times(&|| drop(black_box(self.sign(&request, &key)))),
            _ => times(&|| ()),
        }
    }

    /// The request, and whose it is.
    pub fn read(&self) -> Request {
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

    /// The virtual pair, opened for one check.
    pub fn pair(&self) -> Credentials {
        self.pair.open(&self.process, &self.definition).ok().unwrap()
    }

    /// The real key, opened for one signature.
    pub fn key(&self) -> Credentials {
        self.key.open(&self.process, &self.definition).ok().unwrap()
    }

    pub fn verify(&self, request: &Request, pair: &Credentials) {
        black_box(self.definition.verify(request, pair, self.stamp.now_ms).unwrap());
    }

    pub fn sign(&self, request: &Request, key: &Credentials) -> Signed {
        let upstream = self.definition.upstream(PRODUCTION, request).unwrap();
        self.definition.sign(request, &upstream, key, &self.stamp).unwrap()
    }
}

/// On its own, so that a profiler finds the step in it.
#[inline(never)]
fn times(rounds: u32, work: &dyn Fn()) {
    (0..rounds).for_each(|_| work());
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
