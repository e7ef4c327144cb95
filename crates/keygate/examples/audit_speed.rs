//! How fast chains are made and verified: `cargo run --release -p keygate --example audit_speed [ROWS]`. It fails where that is
//! too slow.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::time::Instant;

use keygate::{
    audit::{self, Form, Head, Keys, Log, Scope, UseRow},
    clock::Clock,
    db::Scratch,
};
use seal::{ServiceKey, SigningKey};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rows = std::env::args().nth(1).map_or(500_000, |rows| rows.parse().unwrap());
    let clock = Clock::default();
    let scratch = Scratch::new().await.unwrap();
    let keys = Keys::new(vec![ServiceKey::generate(1)], vec![SigningKey::generate("speed")]);
    let user = clock.id();
    let (copy, made) = chain(&keys, &clock, user, rows);
    println!("made:     {made:.0} rows/s");
    fill(&scratch, user, &copy).await;
    let report = audit::verify(&scratch.settings(), &keys, "/nonexistent".as_ref(), &Scope::default()).await;
    let report = report.map_err(|fatal| fatal.what).unwrap();
    let speed = report.rows as f64 / report.took.as_secs_f64();
    println!("verified: {speed:.0} rows/s");
    let texts: Vec<_> = report.findings.iter().map(|finding| &finding.text).collect();
    assert!(report.rows == rows && texts.len() == 1, "only the checkpoints are missing: {texts:?}");
    assert!(cfg!(debug_assertions) || speed >= FAST, "{speed:.0} rows a second are too few");
}

/// A binary COPY of rows as the gateway makes them, and how many of these it made in a second.
fn chain(keys: &Keys, clock: &Clock, user: Uuid, rows: u64) -> (Vec<u8>, f64) {
    let mut copy = b"PGCOPY\n\xff\r\n\0".to_vec();
    copy.extend_from_slice(&[0; 8]);
    let mut chain = keys.chain(user, Log::Use, Head::default());
    let begin = Instant::now();
    for _ in 0..rows {
        let row = row(clock, user);
        let link = chain.append(|form| row.write(form));
        copy.extend_from_slice(&30i16.to_be_bytes());
        row.write(&mut Form::new(&mut copy));
        for field in [&link.seq.to_be_bytes()[..], &link.key.to_be_bytes(), &link.mac] {
            copy.extend_from_slice(&(field.len() as i32).to_be_bytes());
            copy.extend_from_slice(field);
        }
    }
    let took = begin.elapsed();
    copy.extend_from_slice(&(-1i16).to_be_bytes());
    (copy, rows as f64 / took.as_secs_f64())
}

fn row(clock: &Clock, user: Uuid) -> UseRow<'static> {
    UseRow {
        id: clock.id(),
        api_key: user,
        user,
        operation: "use",
        endpoint: "/api/v3/order",
        method: Some("POST"),
        ip: Some("10.1.2.3".parse().unwrap()),
        agent: Some("ccxt/4.5 (python)"),
        status: Some(200),
        success: Some(true),
        request: Some(clock.id()),
        phase: "outcome",
        access_key: Some(user),
        bot: Some(user),
        exchange: Some("binance"),
        symbol: Some("BTCUSDT"),
        class: Some("trade"),
        decision: Some("allow"),
        ..UseRow::at(clock.now())
    }
}

/// Rows and head, past the triggers.
async fn fill(scratch: &Scratch, user: Uuid, copy: &[u8]) {
    let mut superuser = scratch.superuser().await.unwrap();
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut superuser).await.unwrap();
    let statement = format!(
        "copy api_key_usage_audit ({}, chain_seq, chain_key, chain_mac) from stdin (format binary)",
        Log::Use.columns()
    );
    let mut sink = superuser.copy_in_raw(&statement).await.unwrap();
    for chunk in copy.chunks(1 << 20) {
        sink.send(chunk).await.unwrap();
    }
    sink.finish().await.unwrap();
    let head = format!(
        "insert into keygate.audit_head select user_id, 'api_key_usage_audit', chain_seq, chain_mac
         from api_key_usage_audit where user_id = '{user}' order by chain_seq desc limit 1;
         vacuum analyze api_key_usage_audit"
    );
    for statement in head.split(';') {
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut superuser).await.unwrap();
    }
}

/// Rows a second that are verified at least.
const FAST: f64 = 100_000.0;
