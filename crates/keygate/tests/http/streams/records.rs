//! The record of frames: what moves money is written down before the exchange hears of it; what is not known is not
//! claimed.

use std::time::Duration;

use demo_exchange::Fault;
use serde_json::json;
use sqlx::Connection;

use super::{PLACE, granted, refused};
use crate::{
    bot::now,
    stream::{Stream, buy, signed},
    world::World,
};

const INTENTS: &str = "api_key_usage_audit where phase = 'intent'";
const OUTCOMES: &str = "api_key_usage_audit where phase = 'outcome'";

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Waits until the record is there.
async fn comes(world: &World, from: &str) {
    for _ in 0..200 {
        if world.count(from).await > 0 {
            return;
        }
        pause(50).await;
    }
    panic!("never recorded: {from}");
}

#[tokio::test]
async fn order_frame_leaves_intent_and_outcome_in_both_logs() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("order.place", buy()).await);
    for log in ["api_key_usage_audit", "exchange_api_calls"] {
        let both = format!(
            "{log} i join {log} o on o.request_id = i.request_id and o.id <> i.id
            where i.phase = 'intent' and i.success is null and i.status_code is null
            and o.phase = 'outcome' and o.success and o.status_code = 200"
        );
        assert_eq!(world.count(&both).await, 1, "{log}");
    }
    let told = "api_key_usage_audit where class = 'trade' and symbol = 'BTCUSDT' and decision = 'allow'
        and endpoint = '/api/v3/order' and http_method = 'POST' and exchange = 'binance' and bot_id is not null";
    assert_eq!(world.count(told).await, 2);
    let mut huge = buy();
    huge["quantity"] = json!("100");
    let refused = stream.ask("order.place", huge).await;
    assert_eq!((&refused["status"], &refused["error"]["code"]), (&json!(400), &json!(-2010)), "{refused}");
    let failed = format!("{OUTCOMES} and success = false and status_code = 400 and error_message = '-2010'");
    assert_eq!(world.count(&failed).await, 1);
    granted(&stream.ask("account.status", json!({})).await);
    world.flush().await;
    let read = "api_key_usage_audit where phase = 'event' and class = 'read' and success and endpoint = '/api/v3/account'";
    assert_eq!(world.count(read).await, 1);
}

#[tokio::test]
async fn order_frame_waits_for_its_record() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("account.status", json!({})).await);
    world.flush().await;
    let mut superuser = world.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    sqlx::query("lock table api_key_usage_audit in access exclusive mode").execute(&mut *lock).await.unwrap();
    let (answer, ()) = tokio::join!(stream.ask("order.place", buy()), async {
        pause(700).await;
        assert_eq!(world.asked(PLACE), 0, "sent before it was recorded");
        lock.rollback().await.unwrap();
    });
    granted(&answer);
    assert_eq!(world.asked(PLACE), 1);
}

#[tokio::test]
async fn order_frame_that_cannot_be_recorded_is_not_sent() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("account.status", json!({})).await);
    world.flush().await;
    world.execute("alter table api_key_usage_audit rename to put_away").await;
    refused(&stream.ask("order.place", buy()).await, 502, -1001, "unavailable");
    world.execute("alter table put_away rename to api_key_usage_audit").await;
    assert_eq!(world.asked(PLACE), 0);
}

#[tokio::test]
async fn stream_that_breaks_with_an_order_under_way_says_unknown_and_records_it() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    world.fault(Fault::DropAfter, PLACE);
    let answer = stream.ask("order.place", buy()).await;
    refused(&answer, 504, -1007, "outcome-unknown");
    let reason = stream.ends_with(1012).await;
    assert!(reason.contains("exchange-closed"), "{reason}");
    comes(&world, &format!("{OUTCOMES} and success is null and error_message = 'outcome unknown'")).await;
    assert_eq!(world.asked(PLACE), 1, "never sent again");
}

#[tokio::test]
async fn order_frame_that_was_lost_is_named_and_asked_about_until_it_is_settled() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_daily_trade_volume_usd": "1000000"})).await.is(200);
    let mut stream = Stream::open(&bot).await;
    world.fault(Fault::DropAfter, PLACE);
    let answer = stream.ask("order.place", buy()).await;
    refused(&answer, 504, -1007, "outcome-unknown");
    let told = answer["error"]["msg"].as_str().unwrap();
    let id = told.split("its client order id is ").nth(1).unwrap().split(' ').next().unwrap();
    comes(&world, "keygate.reservation where state = 'unknown'").await;
    let named = format!("keygate.reservation where client_order_id = '{id}'");
    assert_eq!(world.count(&named).await, 1, "{told}");
    world.advance(time::Duration::seconds(10));
    keygate::gateway::reconcile::round(&world.server.app).await.unwrap();
    comes(&world, &format!("{named} and state = 'confirmed'")).await;
    assert_eq!(world.asked(PLACE), 1, "never sent again");
}

#[tokio::test]
async fn answer_that_takes_too_long_is_unknown() {
    let world = World::with(|config| config.gateway.timeout_ms = 1000).await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("account.status", json!({})).await);
    world.fault(Fault::Delay { ms: 8000 }, PLACE);
    refused(&stream.ask("order.place", buy()).await, 504, -1007, "outcome-unknown");
    stream.ends_with(1012).await;
    comes(&world, &format!("{OUTCOMES} and success is null")).await;
}

#[tokio::test]
async fn client_that_leaves_does_not_take_the_outcome_along() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    world.fault(Fault::Delay { ms: 1000 }, PLACE);
    let order = json!({"id": 1, "method": "order.place", "params": signed(&bot, buy(), now())});
    stream.say(order.to_string()).await;
    comes(&world, INTENTS).await;
    while world.asked(PLACE) == 0 {
        pause(5).await;
    }
    drop(stream);
    comes(&world, &format!("{OUTCOMES} and success and status_code = 200")).await;
}

#[tokio::test]
async fn exchange_that_cannot_be_reached_got_nothing_and_the_record_says_so() {
    let world = World::with(|config| config.gateway.connect_timeout_ms = 500).await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    world.demo.stop();
    refused(&stream.ask("order.place", buy()).await, 502, -1001, "exchange-unreachable");
    let not_sent = format!("{OUTCOMES} and success = false and error_message like 'not sent:%'");
    assert_eq!((world.count(INTENTS).await, world.count(&not_sent).await), (1, 1));
}
