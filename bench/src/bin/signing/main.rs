//! What the gate computes for one call, scheme by scheme: reading the request, opening the
//! virtual pair, checking its signature, opening the real key, signing. Everything between the socket of the bot and
//! that of the exchange but the look-ups. A call that shows an access key as a token instead of a pair takes the same but
//! opening and checking the pair. The keys and requests are those of `crates/exchange/exchanges/*/vectors.json`.
//!
//! `cargo run --release -p bench --bin signing` prints a Markdown table in nanoseconds and judges the HMAC schemes.
//! Behind it `okx` keeps to the schemes whose names start so, and `okx read 1000` does that one step of each of their
//! vectors a thousand times, for a profiler.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring tool")]

mod call;

use std::{env, hint::black_box, path::Path, process::ExitCode, time::Instant};

use exchange::{Exchanges, KeyKind};
use serde_json::Value;

use self::call::Call;

/// What an HMAC scheme may take for one request.
const LIMIT_NS: f64 = 3000.0;
const BATCHES: usize = 15;
const BATCH_NS: f64 = 2_000_000.0;

/// Nanoseconds of the steps, and of all of them one after the other: with a token, and with a pair.
#[derive(Clone, Copy)]
struct Times {
    read: f64,
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
    let arguments: Vec<String> = env::args().skip(1).collect();
    let schemes = schemes(arguments.first().map_or("", String::as_str));
    match arguments.as_slice() {
        [_, step, rounds] => repeat(&schemes, step, rounds.parse().unwrap()),
        _ => compare(schemes),
    }
}

/// One step of every vector.
fn repeat(schemes: &[(String, Vec<Value>)], step: &str, rounds: u32) -> ExitCode {
    let exchanges = Exchanges::builtin();
    for vector in schemes.iter().flat_map(|(_, vectors)| vectors) {
        Call::new(&exchanges, vector).repeat(step, rounds);
    }
    ExitCode::SUCCESS
}

/// The table, and whether the limits are kept.
fn compare(schemes: Vec<(String, Vec<Value>)>) -> ExitCode {
    let exchanges = Exchanges::builtin();
    let (mut by_token, mut by_pair) = (Slowest::default(), Slowest::default());
    println!("| scheme | pair, key | read | pair | verify | key | sign | **by token** | **by pair** |");
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|");
    for (scheme, vectors) in schemes {
        let calls: Vec<Call> = vectors.iter().map(|vector| Call::new(&exchanges, vector)).collect();
        let kinds = calls[0].kinds;
        // the slowest vector stands for its scheme
        let times = calls.iter().map(Times::of).max_by(|a, b| a.by_pair.total_cmp(&b.by_pair)).unwrap();
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
    fn of(call: &Call) -> Times {
        let (request, pair, key) = (call.read(), call.pair(), call.key());
        Times {
            read: median(|| call.read()),
            pair: median(|| call.pair()),
            verify: median(|| call.verify(&request, &pair)),
            key: median(|| call.key()),
            sign: median(|| call.sign(&request, &key)),
            by_token: median(|| {
                let request = call.read();
                call.sign(&request, &call.key())
            }),
            by_pair: median(|| {
                let request = call.read();
                call.verify(&request, &call.pair());
                call.sign(&request, &call.key())
            }),
        }
    }

    fn print(&self, scheme: &str, (pair, own): (KeyKind, KeyKind)) {
        let Times { read, pair: opened, verify, key, sign, by_token, by_pair } = self;
        let kinds = format!("{}, {}", pair.as_str(), own.as_str());
        println!(
            "| {scheme} | {kinds} | {read:.0} | {opened:.0} | {verify:.0} | {key:.0} | {sign:.0} \
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

/// The vectors by scheme: `binance-rsa` of `sv-binance-rsa-02`. Only schemes whose names start with `name`.
fn schemes(name: &str) -> Vec<(String, Vec<Value>)> {
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
    schemes.retain(|(own, _)| own.starts_with(name));
    schemes
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
