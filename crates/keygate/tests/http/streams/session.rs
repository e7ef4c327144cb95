//! Sessions: a pair that logged on speaks for frames without a key, at the gate alone.

use serde_json::{Value, json};

use super::{PLACE, granted, refused};
use crate::{
    bot::now,
    stream::{SUBSCRIBE, Stream, buy, signed},
    world::{World, key},
};

#[tokio::test]
async fn pair_that_logged_on_speaks_for_frames_without_a_key() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.demo.forget_requests();
    let mut stream = Stream::open(&bot).await;
    let session = granted(&stream.ask("session.logon", json!({})).await);
    assert_eq!(session["apiKey"], json!(bot.key), "{session}");
    assert_eq!(granted(&stream.ask_plain("session.status", json!({})).await)["apiKey"], json!(bot.key));
    assert!(world.demo.requests().is_empty(), "the exchange heard of the session");
    let mut order = buy();
    order["timestamp"] = json!(now());
    granted(&stream.ask_plain("order.place", order).await);
    granted(&stream.ask_plain("account.status", json!({})).await);
    granted(&stream.ask_plain("userDataStream.subscribe", json!({})).await);
    for request in world.demo.requests() {
        assert_eq!(request.signed_by.as_ref().unwrap().key, "trade", "{}", request.target);
        assert!(
            request.body.contains(&key("binance", "trade").api_key) && request.body.contains("\"signature\"")
        );
    }
    assert_eq!(world.asked(&format!("/ws-api/v3/{SUBSCRIBE}")), 1);
    bot.order().await.is(200);
    assert_eq!(stream.report().await["x"], "NEW");
    assert_eq!(granted(&stream.ask_plain("session.logout", json!({})).await)["apiKey"], Value::Null);
    refused(&stream.ask_plain("order.place", buy()).await, 401, -2014, "unknown-key");
    assert_eq!(world.asked(PLACE), 1);
}

#[tokio::test]
async fn log_on_is_good_for_one_use_and_on_record() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let logon = signed(&bot, json!({}), now());
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask_plain("session.logon", logon.clone()).await);
    let mut thief = Stream::open(&bot).await;
    refused(&thief.ask_plain("session.logon", logon).await, 403, -1002, "replay");
    refused(&thief.ask_plain("account.status", json!({})).await, 401, -2014, "unknown-key");
    let recorded =
        "api_key_usage_audit where endpoint = '/ws-api/v3/session.logon' and decision = 'allow' and success";
    assert_eq!(world.count(recorded).await, 1);
    let unsigned = json!({"apiKey": bot.key, "timestamp": now()});
    refused(&thief.ask_plain("session.logon", unsigned).await, 400, -1130, "bad-request");
}

#[tokio::test]
async fn frame_of_a_session_that_waited_too_long_is_refused() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("session.logon", json!({})).await);
    let mut old = buy();
    old["timestamp"] = json!(now() - 6000);
    refused(&stream.ask_plain("order.place", old).await, 400, -1021, "stale");
    assert_eq!(world.asked(PLACE), 0);
}

#[tokio::test]
async fn order_of_a_session_is_decided_as_every_other() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let bot = crate::bot::Bot::make(&world.api, &connection, json!("BTC/USDT")).await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("session.logon", json!({})).await);
    let mut other = buy();
    other["symbol"] = json!("ETHUSDT");
    refused(&stream.ask_plain("order.place", other).await, 403, -1002, "symbol");
    granted(&stream.ask_plain("order.place", buy()).await);
    assert_eq!(world.count("api_key_usage_audit where phase = 'intent'").await, 1);
}
