//! One queue per account: nonces that rise whatever happens, the exchange's clock, its budget, and its public lists.

use std::collections::BTreeSet;

use demo_exchange::{Fault, Switch};
use exchange::Options;
use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::{
    api::{Api, Reply},
    bot::{Bot, now},
    world::{World, connect},
};

const OLD_BALANCE: &str = "/v2/account/balance";

/// A call of Coinone's old API, whose nonce is a number of seconds that must rise.
async fn old_balance(bot: &Bot) -> Reply {
    let reply = bot.coinone(OLD_BALANCE, json!({"nonce": now() / 1000})).await;
    assert!(reply.status != 200 || reply.body["result"] == "success", "{}", reply.text);
    reply
}

/// The nonces the exchange saw, in the order of their arrival.
fn nonces(world: &World) -> Vec<u64> {
    let requests = world.demo.requests();
    let old = requests.iter().filter(|request| request.target == OLD_BALANCE);
    old.map(|request| {
        assert_eq!(request.error, None, "the exchange took every nonce");
        let payload = request.header("x-coinone-payload").unwrap();
        let payload = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, payload).unwrap();
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        payload["nonce"].as_u64().or_else(|| payload["nonce"].as_str()?.parse().ok()).unwrap()
    })
    .collect()
}

fn rise(nonces: &[u64]) -> bool {
    nonces.windows(2).all(|pair| pair[0] < pair[1])
}

#[tokio::test]
async fn nonces_rise_in_the_order_of_arrival_on_all_replicas_together() {
    let world = World::new().await;
    let first = world.bot("coinone", "raw").await;
    let other = world.second_server().await;
    let second = first.moved_to(&Api::new(&other));
    world.demo.forget_requests();
    let calls = (0..24).map(|n| old_balance(if n % 2 == 0 { &first } else { &second }));
    for reply in join_all(calls).await {
        reply.is(200);
    }
    let nonces = nonces(&world);
    assert_eq!(nonces.len(), 24);
    assert!(rise(&nonces), "{nonces:?}");
}

#[tokio::test]
async fn nonces_rise_across_a_restart_even_if_the_clock_went_back() {
    let world = World::new().await;
    let bot = world.bot("coinone", "raw").await;
    world.demo.forget_requests();
    for _ in 0..5 {
        old_balance(&bot).await.is(200);
    }
    world.clock.advance(Duration::seconds(-3));
    let other = world.second_server().await;
    let restarted = bot.moved_to(&Api::new(&other));
    for _ in 0..3 {
        old_balance(&restarted).await.is(200);
    }
    assert!(rise(&nonces(&world)), "{:?}", nonces(&world));
}

#[tokio::test]
async fn a_call_that_waits_too_long_for_its_turn_is_told_to_come_back_and_sends_nothing() {
    let world = World::with(|config| config.gateway.queue_wait_ms = 50).await;
    let bot = world.bot("coinone", "raw").await;
    old_balance(&bot).await.is(200);
    world.demo.forget_requests();
    world.fault(Fault::Delay { ms: 600 }, OLD_BALANCE);
    let other = bot.clone();
    let slow = tokio::spawn(async move { old_balance(&other).await });
    while world.asked(OLD_BALANCE) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let refused = old_balance(&bot).await;
    assert_eq!((refused.status, refused.header("keygate-problem")), (429, Some("queue")), "{}", refused.text);
    slow.await.unwrap().is(200);
    assert_eq!(world.asked(OLD_BALANCE), 1);
    old_balance(&bot).await.is(200);
}

#[tokio::test]
async fn a_key_counts_its_nonces_in_its_own_unit() {
    let world = World::new().await;
    let bot = world.bot("coinone", "raw").await;
    let options =
        serde_json::to_value(Options { nonce_unit: Some(exchange::NonceUnit::Micros), ..Options::default() });
    let statement = format!("update exchange_connections set connection_metadata = '{}'", options.unwrap());
    world.execute(&statement).await;
    world.server.app.gate.accounts.forget_all();
    world.demo.forget_requests();
    old_balance(&bot).await.is(200);
    assert!(nonces(&world)[0] > 1_000_000_000_000_000);
}

#[tokio::test]
async fn an_exchange_whose_clock_differs_from_ours_is_signed_for_by_its_own() {
    let world = World::new().await;
    let skew = |ms| Switch { fault: Fault::Skew { ms }, count: 1000, path: String::new(), exchange: None };
    world.demo.fault(skew(120_000));
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    // its clock is put right again: one call is refused in the exchange's words, and the next one is not
    world.demo.clear_faults();
    world.clock.advance(Duration::seconds(3));
    let refused = bot_at(&world, &bot).await;
    assert_eq!(refused.body["code"], -1021, "{}", refused.text);
    bot_at(&world, &bot).await.is(200);
}

/// A call of a bot that goes by the world's clock.
async fn bot_at(world: &World, bot: &Bot) -> Reply {
    let signed = bot.signed("", world.clock.now_ms());
    Reply::of(bot.binance_request("GET", "/api/v3/account", &signed)).await
}

#[tokio::test]
async fn after_a_rate_limit_answer_no_bot_of_any_account_asks_again_before_its_time() {
    let world = World::new().await;
    let (limited, other) = (world.bot("binance", "trade").await, world.bot("binance", "read-only").await);
    world.fault(Fault::RateLimited { retry_after_s: 7 }, "/api/v3/account");
    assert_eq!(limited.account().await.header("retry-after"), Some("7"));
    world.demo.forget_requests();
    for refused in [other.account().await, limited.order().await] {
        refused.binance(429, -1003, "queue");
    }
    assert!(world.demo.requests().is_empty(), "nothing was sent");
    world.flush().await;
    let recorded = "api_key_usage_audit where decision = 'deny' and rule = 'queue' and not success";
    assert_eq!(
        world.count(&format!("{recorded} and class = 'read'")).await,
        1,
        "a refused read is on record"
    );
    assert_eq!(world.count(recorded).await, 2);
    world.clock.advance(Duration::seconds(8));
    bot_at(&world, &other).await.is(200);
}

#[tokio::test]
async fn account_with_too_many_orders_silences_its_own_orders_and_nobody_else() {
    let world = World::where_exchanges(|exchanges| exchanges.limits.orders_10s = Some(2)).await;
    let (busy, other) = (world.bot("binance", "trade").await, world.bot("binance", "ed25519").await);
    while now() % 10_000 > 5000 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let order = busy.order().await.is(200);
    busy.order().await.is(200);
    let limited = busy.order().await;
    assert_eq!((limited.status, &limited.body["code"]), (429, &json!(-1015)), "{}", limited.text);
    assert_eq!(limited.header("keygate-problem"), None, "the exchange's own answer");
    let sent = world.asked("/api/v3/order");
    busy.order().await.binance(429, -1003, "queue");
    assert_eq!(world.asked("/api/v3/order"), sent, "nothing was sent");
    other.order().await.is(200);
    busy.account().await.is(200);
    let cancel = format!("symbol=BTCUSDT&orderId={}", order["orderId"]);
    busy.binance("DELETE", "/api/v3/order", &cancel).await.is(200);
}

#[tokio::test]
async fn reads_leave_the_rest_of_the_budget_to_orders_and_cancels() {
    let world = World::with(|config| config.gateway.queue_wait_ms = 0).await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_requests_per_minute": null})).await;
    // weight 40 each, of 6000 a minute: reads may use 4800
    let mut reads = 0;
    while bot.binance("GET", "/api/v3/rateLimit/order", "").await.status == 200 {
        reads += 1;
        assert!(reads < 125, "reads used up what belongs to orders");
    }
    assert!(reads >= 115, "{reads}");
    bot.account().await.binance(429, -1003, "queue");
    let order = bot.order().await.is(200);
    let cancel = format!("symbol=BTCUSDT&orderId={}", order["orderId"]);
    bot.binance("DELETE", "/api/v3/order", &cancel).await.is(200);
}

#[tokio::test]
async fn public_lists_are_asked_for_once_and_the_time_every_time() {
    let world = World::new().await;
    let info = || Reply::of(world.api.nobody().request("GET", "/x/binance/api/v3/exchangeInfo"));
    let answers = join_all((0..20).map(|_| info())).await;
    let different: BTreeSet<String> = answers.into_iter().map(|reply| reply.text).collect();
    assert_eq!((different.len(), world.asked("/api/v3/exchangeInfo")), (1, 1));
    let again = info().await;
    assert!(again.header("age").is_some(), "{:?}", again.headers);
    let asked = world.asked("/api/v3/time");
    for _ in 0..3 {
        Reply::of(world.api.nobody().request("GET", "/x/binance/api/v3/time")).await.is(200);
    }
    assert_eq!(world.asked("/api/v3/time"), asked + 3);
}

#[tokio::test]
async fn an_error_of_a_public_call_is_not_kept() {
    let world = World::new().await;
    let prices = || Reply::of(world.api.nobody().request("GET", "/x/binance/api/v3/ticker/price"));
    world.fault(Fault::Status { status: 503 }, "/api/v3/ticker/price");
    assert_eq!(prices().await.status, 503);
    prices().await.is(200);
    prices().await.is(200);
    assert_eq!(world.asked("/api/v3/ticker/price"), 2);
}

#[tokio::test]
async fn an_error_that_comes_with_status_200_is_not_kept_either() {
    let world = World::new().await;
    let assets = || Reply::of(world.api.nobody().request("GET", "/x/kraken/0/public/Assets"));
    world.fault(Fault::RateLimited { retry_after_s: 1 }, "/0/public/Assets");
    let limited = assets().await;
    assert_eq!((limited.status, &limited.body["error"][0]), (200, &json!("EAPI:Rate limit exceeded")));
    let list = assets().await.is(200);
    assert!(list["result"]["XXBT"].is_object(), "{list}");
    assert_eq!(world.asked("/0/public/Assets"), 2);
}

#[tokio::test]
async fn nonces_belong_to_a_key_and_go_with_it() {
    let world = World::new().await;
    let connection = connect(&world.api, "coinone", "raw").await;
    let bot = Bot::make(&world.api, &connection, Value::Null).await;
    old_balance(&bot).await.is(200);
    assert_eq!(world.count("keygate.nonce").await, 1);
    let id: Uuid = connection["id"].as_str().unwrap().parse().unwrap();
    world.api.delete(&format!("/api/v1/connections/{id}")).await.is(200);
    world.clock.advance(Duration::days(8));
    keygate::job::round(&world.server.app).await;
    assert_eq!((world.count("exchange_connections").await, world.count("api_keys").await), (0, 0));
    assert_eq!(world.count("keygate.nonce").await, 0);
}
