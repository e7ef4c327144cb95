//! `/x/binance/ws-api/v3` with an upgrade: frames are decided, recorded, signed and relayed as requests are, and a
//! stream lives no longer than its key.

use std::time::{Duration, Instant};

use demo_exchange::Fault;
use serde_json::{Value, json};

use crate::{
    api::Reply,
    bot::{Bot, now},
    stream::{SUBSCRIBE, Stream, buy, granted, refused, signed},
    world::{World, key, secret},
};

mod bybit;
mod ends;
mod kraken;
mod late;
mod okx;
mod places;
mod rates;
mod records;
mod session;

const PLACE: &str = "/ws-api/v3/order.place";

#[tokio::test]
async fn order_frame_goes_through_signed_with_the_real_key_and_without_a_trace_of_the_virtual_one() {
    let world = World::new().await;
    for name in ["trade", "ed25519", "rsa"] {
        let bot = world.bot("binance", name).await;
        world.demo.forget_requests();
        let mut stream = Stream::open(&bot).await;
        let placed = granted(&stream.ask("order.place", buy()).await);
        assert_eq!((&placed["symbol"], &placed["price"]), (&json!("BTCUSDT"), &json!("50000.00000000")));
        let requests = world.demo.requests();
        assert_eq!(requests.len(), 1, "sent once");
        assert_eq!(requests[0].signed_by.as_ref().unwrap().account, name);
        let seen = serde_json::to_string(&requests).unwrap();
        for private in [&bot.key, &bot.secret, &bot.token] {
            assert!(!seen.contains(private.as_str()), "{private} reached the exchange");
        }
        assert!(!seen.contains("kg_") && !seen.to_lowercase().contains("keygate"), "{seen}");
    }
}

#[tokio::test]
async fn events_of_orders_placed_by_any_way_reach_the_subscriber() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    let id = granted(&stream.ask(SUBSCRIBE, json!({})).await)["subscriptionId"].clone();
    let order = bot.order().await.is(200);
    let report = stream.report().await;
    assert_eq!((&report["x"], &report["i"]), (&json!("NEW"), &order["orderId"]));
    let cancel = json!({"symbol": "BTCUSDT", "orderId": order["orderId"]});
    granted(&stream.ask("order.cancel", cancel).await);
    assert_eq!(stream.report().await["x"], "CANCELED");
    granted(&stream.ask_plain("userDataStream.unsubscribe", json!({"subscriptionId": id})).await);
    bot.order().await.is(200);
    let answer = stream.ask_plain("ping", json!({})).await;
    assert_eq!(granted(&answer), json!({}));
}

#[tokio::test]
async fn wrong_stale_and_missing_signatures_are_refused_and_nothing_is_sent() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.demo.forget_requests();
    let mut stream = Stream::open(&bot).await;
    let others = [
        Bot { secret: "x".repeat(64), ..bot.clone() },
        Bot { secret: secret(&key("binance", "trade")), ..bot.clone() },
    ];
    for other in others {
        let answer = stream.ask_plain("order.place", signed(&other, buy(), now())).await;
        refused(&answer, 400, -1022, "bad-signature");
    }
    for shift in [-70_000, 70_000] {
        let answer = stream.ask_plain("order.place", signed(&bot, buy(), now() + shift)).await;
        refused(&answer, 400, -1021, "stale");
    }
    for (name, value) in [("quantity", "0.002"), ("side", "SELL"), ("price", "60000"), ("symbol", "ETHUSDT")]
    {
        let mut changed = signed(&bot, buy(), now());
        changed[name] = json!(value);
        refused(&stream.ask_plain("order.place", changed).await, 400, -1022, "bad-signature");
    }
    refused(&stream.ask_plain("order.place", buy()).await, 401, -2014, "unknown-key");
    let mut unsigned = signed(&bot, buy(), now());
    unsigned.as_object_mut().unwrap().remove("signature");
    refused(&stream.ask_plain("order.place", unsigned).await, 400, -1130, "bad-request");
    let real =
        Bot { key: key("binance", "trade").api_key, secret: secret(&key("binance", "trade")), ..bot.clone() };
    refused(&stream.ask_plain("order.place", signed(&real, buy(), now())).await, 401, -2014, "unknown-key");
    assert_eq!(world.demo.requests().len(), 0);
    assert!(world.count("api_key_usage_audit where phase = 'intent'").await == 0);
}

#[tokio::test]
async fn signed_order_frame_is_good_for_one_use_on_any_connection() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let order = signed(&bot, buy(), now());
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask_plain("order.place", order.clone()).await);
    refused(&stream.ask_plain("order.place", order.clone()).await, 403, -1002, "replay");
    let mut again = Stream::open(&bot).await;
    refused(&again.ask_plain("order.place", order.clone()).await, 403, -1002, "replay");
    refused(&again.ask_plain("order.test", order).await, 403, -1002, "replay");
    assert_eq!(world.asked(PLACE), 1);
}

#[tokio::test]
async fn bot_with_a_symbol_trades_no_other() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let bot = Bot::make(&world.api, &connection, json!("BTC/USDT")).await;
    let mut stream = Stream::open(&bot).await;
    let mut other = buy();
    other["symbol"] = json!("ETHUSDT");
    refused(&stream.ask("order.place", other).await, 403, -1002, "symbol");
    let unread = json!({"symbol": "BTCUSDT", "orderId": 1, "newQty": "1"});
    refused(&stream.ask("order.amend.keepPriority", unread).await, 403, -1002, "symbol");
    assert_eq!(world.asked("/ws-api/v3/order."), 0);
    granted(&stream.ask("order.place", buy()).await);
    world.flush().await;
    let denied =
        "api_key_usage_audit where decision = 'deny' and rule = 'symbol' and endpoint = '/api/v3/order'";
    assert_eq!(world.count(denied).await, 1);
}

#[tokio::test]
async fn scope_and_permission_hold_for_frames() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let made = Bot::make(&world.api, &connection, Value::Null).await;
    let path = format!("/api/v1/bots/{}/access-keys", made.id);
    let issued = world.api.post(&path, json!({"scopes": ["read"]})).await.is(201);
    let reader = Bot::of(&world.api, &json!({"id": made.id, "connection_id": made.connection}), &issued);
    let mut stream = Stream::open(&reader).await;
    refused(&stream.ask("order.place", buy()).await, 403, -1002, "scope");
    granted(&stream.ask("account.status", json!({})).await);
    world.flush().await;
    let limits = format!("/api/v1/connections/{}/limits", made.connection);
    world.api.patch(&limits, json!({"limits": {"can_trade": false}})).await.is(200);
    let mut stream = Stream::open(&made).await;
    refused(&stream.ask("order.place", buy()).await, 403, -1002, "permission");
    assert_eq!(world.asked(PLACE), 0);
}

#[tokio::test]
async fn what_is_not_listed_or_not_readable_is_refused_and_the_stream_goes_on() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.demo.forget_requests();
    let mut stream = Stream::open(&bot).await;
    for method in
        ["userDataStream.start", "userDataStream.subscribe.listenToken", "wallet.withdraw", "v3/order.place"]
    {
        refused(&stream.ask(method, json!({})).await, 403, -1002, "unknown-method");
    }
    for text in ["", "[]", "{\"id\":1,\"id\":2,\"method\":\"ping\"}", "{\"method\":\"ping\"}"] {
        stream.say(text).await;
        let answer = stream.hear().await;
        refused(&answer, 400, -1130, "bad-request");
        assert_eq!(answer["id"], Value::Null);
    }
    let mut unknown = buy();
    unknown["mystery"] = json!(1);
    refused(&stream.ask("order.place", unknown).await, 400, -1130, "bad-request");
    assert_eq!(world.demo.requests().len(), 0);
    granted(&stream.ask("account.status", json!({})).await);
}

#[tokio::test]
async fn frame_that_goes_no_further_is_on_record_where_it_shows_whose_it_is() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    let mut unknown = buy();
    unknown["mystery"] = json!(1);
    refused(&stream.ask("order.place", unknown).await, 400, -1130, "bad-request");
    refused(&stream.ask("wallet.withdraw", json!({})).await, 403, -1002, "unknown-method");
    // a frame without a key is nobody's, and one of the session is the session's
    refused(&stream.ask_plain("wallet.transfer", json!({})).await, 403, -1002, "unknown-method");
    granted(&stream.ask("session.logon", json!({})).await);
    refused(&stream.ask_plain("wallet.transfer", json!({})).await, 403, -1002, "unknown-method");
    world.flush().await;
    let of = |endpoint: &str| {
        format!(
            "api_key_usage_audit where decision = 'deny' and class = 'keyadmin' and endpoint = '/ws-api/v3/{endpoint}'"
        )
    };
    assert_eq!(world.count(&of("order.place")).await, 1);
    assert_eq!(world.count(&of("wallet.withdraw")).await, 1);
    assert_eq!(world.count(&of("wallet.transfer")).await, 1);
}

#[tokio::test]
async fn one_connection_belongs_to_one_access_key() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let (first, second) = (
        Bot::make(&world.api, &connection, Value::Null).await,
        Bot::make(&world.api, &connection, Value::Null).await,
    );
    let mut stream = Stream::open(&first).await;
    granted(&stream.ask("account.status", json!({})).await);
    let foreign = signed(&second, json!({}), now());
    refused(&stream.ask_plain("account.status", foreign).await, 403, -1002, "one-credential");
}

#[tokio::test]
async fn public_frames_need_no_key_and_their_number_is_limited() {
    let world = World::with(|config| config.gateway.public_per_minute = 3).await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    let price = granted(&stream.ask_plain("ticker.price", json!({"symbol": "BTCUSDT"})).await);
    assert_eq!(price["symbol"], "BTCUSDT");
    for _ in 0..2 {
        granted(&stream.ask_plain("time", json!({})).await);
    }
    refused(&stream.ask_plain("time", json!({})).await, 429, -1003, "rate");
    let with_key = json!({"symbol": "BTCUSDT", "apiKey": bot.key});
    refused(&stream.ask_plain("ticker.price", with_key).await, 400, -1130, "bad-request");
}

#[tokio::test]
async fn frames_under_way_are_told_apart_and_counted() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("account.status", json!({})).await);
    world.fault(Fault::Delay { ms: 1500 }, "/ws-api/v3/time");
    stream.say(json!({"id": 7, "method": "time"}).to_string()).await;
    stream.say(json!({"id": 7, "method": "time"}).to_string()).await;
    let twice = stream.answer(&json!(7)).await;
    refused(&twice, 400, -1130, "bad-request");
    for id in 100..163 {
        stream.say(json!({"id": id, "method": "time"}).to_string()).await;
    }
    stream.say(json!({"id": "over", "method": "time"}).to_string()).await;
    refused(&stream.answer(&json!("over")).await, 429, -1003, "in-flight");
    granted(&stream.answer(&json!(7)).await);
}

#[tokio::test]
async fn real_key_does_not_come_back_even_if_the_exchange_repeats_it() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    world.fault(Fault::EchoKey, "/ws-api/v3/account.status");
    let answer = stream.ask("account.status", json!({})).await;
    let echo = answer["echo"].as_str().unwrap();
    assert!(!echo.contains(&key("binance", "trade").api_key) && echo.contains("****"), "{echo}");
}

/// Some clients offer HTTP/2 on every connection that is not encrypted.
#[tokio::test]
async fn other_protocols_that_a_client_offers_are_left_aside() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let request = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now()));
    Reply::of(request.header("connection", "Upgrade, HTTP2-Settings").header("upgrade", "h2c")).await.is(200);
}

#[tokio::test]
async fn only_a_stream_is_upgraded_and_a_stream_is_nothing_else() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.demo.forget_requests();
    let plain = Reply::of(bot.api.request("GET", "/x/binance/ws-api/v3")).await;
    plain.binance(400, -1130, "bad-request");
    let upgrade = |path: &str| {
        let request =
            bot.api.request("GET", path).header("connection", "upgrade").header("upgrade", "websocket");
        request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    for path in ["/x/binance/api/v3/account", "/x/binance/ws-api/v3/", "/x/binance/stream?listenKey=x"] {
        Reply::of(upgrade(path)).await.binance(403, -1002, "no-stream");
    }
    Reply::of(upgrade("/x/coinone/ws-api/v3")).await.coinone("40", "no-stream");
    Reply::of(upgrade("/x/binance/ws-api/v3?responseFormat=sbe")).await.binance(400, -1130, "bad-request");
    let tokens = upgrade("/x/binance/ws-api/v3").header("x-keygate-key", &bot.token);
    Reply::of(tokens).await.binance(403, -1002, "stream-needs-pair");
    let old = upgrade("/x/binance/ws-api/v3").header("sec-websocket-version", "8");
    Reply::of(old).await.binance(400, -1130, "bad-request");
    let elsewhere = upgrade("/x/binance/ws-api/v3").header("host", "evil.example");
    assert_eq!(Reply::of(elsewhere).await.status, 421);
    assert_eq!(world.demo.requests().len(), 0);
    assert!(Stream::at(&bot, "/x/binance/ws-api/v3?returnRateLimits=false").await.is_ok());
}

#[tokio::test]
async fn open_streams_are_limited_and_a_closed_one_makes_room() {
    let world = World::with(|config| config.gateway.max_streams = 8).await;
    let bot = world.bot("binance", "trade").await;
    let first = Stream::open(&bot).await;
    assert!(Stream::at(&bot, crate::stream::WS).await.is_err(), "one address has an eighth");
    drop(first);
    let started = Instant::now();
    while Stream::at(&bot, crate::stream::WS).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(5), "a closed stream kept its place");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
