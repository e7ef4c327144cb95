//! How long the steps of one call take: `cargo run --release -p exchange --example speed`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring tool")]

use std::{hint::black_box, time::Instant};

use exchange::{Credentials, Exchanges, Incoming, Method, Options, PRODUCTION, Stamp, Typed};
use serde_json::Value;

const ROUNDS: u32 = 20_000;

fn main() {
    let exchanges = Exchanges::builtin();
    for id in ["sv-binance-default-03", "sv-binance-ed25519-02", "sv-binance-rsa-02", "sv-coinone-default-02"]
    {
        measure(&exchanges, id);
    }
    let binance = exchanges.get("binance").unwrap();
    time("classify", "GET /api/v3/account", || binance.classify(Method::Get, "/api/v3/account"));
}

fn measure(exchanges: &Exchanges, id: &str) {
    let definition = exchanges.get(id.split('-').nth(1).unwrap()).unwrap();
    let file = format!("{}/exchanges/{}/vectors.json", env!("CARGO_MANIFEST_DIR"), definition.id());
    let vectors: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let vector = vectors.as_array().unwrap().iter().find(|vector| vector["id"] == id).unwrap();
    let sent = &vector["signed"];
    let headers: Vec<_> = sent["headers"].as_object().unwrap().iter().collect();
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes())).collect();
    let incoming = Incoming {
        method: sent["method"].as_str().unwrap(),
        target: sent["url"]
            .as_str()
            .unwrap()
            .splitn(4, '/')
            .nth(3)
            .map(|rest| format!("/{rest}"))
            .unwrap()
            .leak(),
        headers: &headers,
        called: "",
        body: sent["body"].as_str().unwrap_or_default().as_bytes(),
        group: None,
    };
    let options: Options = serde_json::from_value(vector["params"].clone()).unwrap();
    let pair = &vector["credentials"];
    let secret = match pair["secret"]["body"].as_str() {
        Some(body) => {
            format!("-----BEGIN {0}-----\n{body}\n-----END {0}-----", pair["secret"]["pem"].as_str().unwrap())
        }
        None => pair["secret"].as_str().unwrap().to_owned(),
    };
    let key = Credentials::parse(
        definition,
        Typed::new(pair["api_key"].as_str().unwrap(), &secret.into()),
        options,
    )
    .unwrap();
    let request = definition.request(incoming).unwrap();
    let upstream = definition.upstream(PRODUCTION, &request).unwrap();
    let now_ms = vector["now_ms"].as_u64().unwrap();
    let stamp = Stamp { now_ms, nonce: vector["nonce"].as_str().map(str::to_owned) };
    time("request", id, || definition.request(incoming));
    time("verify", id, || definition.verify(&request, &key, now_ms));
    time("sign", id, || definition.sign(&request, &upstream, &key, &stamp).map(|signed| signed.body.len()));
}

fn time<T>(step: &str, of: &str, work: impl Fn() -> T) {
    let rounds = if of.contains("rsa") { ROUNDS / 20 } else { ROUNDS };
    let start = Instant::now();
    for _ in 0..rounds {
        black_box(work());
    }
    println!("{step:<10}{of:<28}{:>10.0} ns", start.elapsed().as_nanos() as f64 / f64::from(rounds));
}
