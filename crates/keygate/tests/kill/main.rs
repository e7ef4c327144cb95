//! `kill -9` in the middle of a stream of orders: of the service, of one of two replicas, of PostgreSQL. Afterwards the books
//! of the bots, of the service and of the exchange are compared.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod books;
mod bots;
mod database;
mod replicas;
mod settling;
mod single;
#[allow(dead_code, reason = "shared with the search for leaks, which uses the rest")]
mod spawned_keygate;

use std::{path::Path, process::Command, time::Duration};

use demo_exchange::{Config, DemoExchange, Running};
use keygate::clock::Clock;
use serde_json::{Value, json};
use spawned_keygate::{PASSWORD, Service};

/// Where money is no object, no requests are counted, and the time is that of this clock.
async fn rich_exchange(clock: &Clock) -> Running {
    let mut config = Config::demo().unlimited();
    for account in config.exchanges.values_mut().flat_map(|venue| &mut venue.accounts) {
        account.balances.values_mut().for_each(|balance| *balance = 1_000_000_000_000_i64.into());
    }
    let hand = clock.clone();
    let time = demo_exchange::Clock::new(move || hand.now_ms());
    DemoExchange::new(config, time).start().await.unwrap()
}

/// A bot whose orders are set aside in dollars, and whose requests are not counted. Gives public half and secret.
async fn bot(service: &Service, token: &str) -> (String, String) {
    let (status, made) = service.post("/api/v1/connections", token, connection()).await;
    assert_eq!(status, 201, "{made}");
    let limits = json!({"max_daily_trade_volume_usd": "1000000000", "max_requests_per_minute": null,
        "max_requests_per_hour": null, "max_requests_per_day": null});
    let path = format!("/api/v1/connections/{}/limits", made["id"].as_str().unwrap());
    let (status, set) = service.patch(&path, token, json!({"limits": limits, "password": PASSWORD})).await;
    assert_eq!(status, 200, "{set}");
    let (key, secret, _) = service.pair(token, &made).await;
    (key, secret)
}

/// Every record is a link of its chain, and every checkpoint was true, whatever moment it ended in.
fn the_record_is_whole(data_dir: &Path, environment: &[(&'static str, String)]) {
    let mut verify = Command::new(env!("CARGO_BIN_EXE_keygate"));
    verify.envs(environment.iter().cloned());
    let verified = verify.arg("--data-dir").arg(data_dir).args(["audit", "verify"]).output().unwrap();
    println!("{}", String::from_utf8_lossy(&verified.stderr));
    assert!(verified.status.success(), "{verified:?}");
}

fn connection() -> Value {
    json!({"exchange": "binance", "environment": "practice", "name": "Main", "permissions": {"trade": true},
           "api_key": "DemoTradeKey0000000000000000000000000000000000000000000000000002",
           "secret": "DemoTradeSecret0000000000000000000000000000000000000000000000002"})
}

/// So many cycles as `PROOF_KILLS` says, or a few.
fn cycles(few: usize) -> usize {
    std::env::var("PROOF_KILLS").map_or(few, |count| count.parse().unwrap())
}

/// Between a tenth and a third of a second.
async fn a_moment() {
    let moment = u64::from(seal::random::array::<1>()[0]);
    tokio::time::sleep(Duration::from_millis(100 + moment)).await;
}
