//! `/x/bybit/v5/private` and `/x/bybit/v5/trade`: log-ins with an end of their life, topics as plain texts, orders by frame
//! with the headers of requests.

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use demo_exchange::{Fault, Permission};
use serde_json::{Value, json};
use sqlx::Connection;

use crate::{
    bot::{Bot, now},
    stream::Stream,
    world::{World, key, secret},
};

const PRIVATE: &str = "/x/bybit/v5/private";
const TRADE: &str = "/x/bybit/v5/trade";
const CREATE: &str = "/v5/trade/order.create";
const LOGINS: [&str; 2] = ["/v5/private/auth", "/v5/trade/auth"];

/// The pair's log-in until a moment, as ccxt writes it. Two with one end are the same, so tests that log in twice take two.
fn log_in(bot: &Bot, expires: i64) -> Value {
    let mac = hmac::Key::new(hmac::HMAC_SHA256, bot.secret.as_bytes());
    let signature = HEXLOWER.encode(hmac::sign(&mac, format!("GET/realtime{expires}").as_bytes()).as_ref());
    json!({"op": "auth", "args": [bot.key, expires.to_string(), signature]})
}

/// When a log-in of now ends.
fn soon() -> i64 {
    now() + 10_000
}

async fn ask(stream: &mut Stream, frame: Value) -> Value {
    stream.say(frame.to_string()).await;
    stream.hear().await
}

/// Whether a log-in or a subscription was taken, on either stream.
fn taken(answer: &Value) -> bool {
    answer["success"] == true || answer["retCode"] == 0
}

async fn logged_in(bot: &Bot, path: &str) -> Stream {
    let mut stream = Stream::at(bot, path).await.unwrap();
    let told = ask(&mut stream, log_in(bot, soon())).await;
    assert!(taken(&told) && told["op"] == "auth", "{told}");
    stream
}

fn order(symbol: &str) -> Value {
    json!({"category": "spot", "symbol": symbol, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "2000",
           "timeInForce": "GTC"})
}

fn call(id: &str, op: &str, arg: &Value) -> Value {
    let header = json!({"X-BAPI-TIMESTAMP": now().to_string(), "X-BAPI-RECV-WINDOW": "5000"});
    json!({"reqId": id, "op": op, "args": [arg], "header": header})
}

fn create(id: &str, symbol: &str) -> Value {
    call(id, "order.create", &order(symbol))
}

/// The answer with this id.
async fn answer(stream: &mut Stream, frame: Value) -> Value {
    stream.say(frame.to_string()).await;
    loop {
        let said = stream.hear().await;
        if said["reqId"] == frame["reqId"] {
            return said;
        }
    }
}

/// The next event of a topic.
async fn event(stream: &mut Stream, topic: &str) -> Value {
    loop {
        let said = stream.hear().await;
        if said["topic"] == topic {
            return said["data"][0].clone();
        }
    }
}

#[track_caller]
fn done(answer: &Value) -> Value {
    assert_eq!((&answer["retCode"], &answer["retMsg"]), (&json!(0), &json!("OK")), "{answer}");
    answer["data"]["orderId"].clone()
}

#[track_caller]
fn refused(answer: &Value, code: i64, rule: &str) {
    let (code_at, text_at) = match answer.get("success") {
        Some(success) => {
            assert_eq!(success, false, "{answer}");
            ("ret_code", "ret_msg")
        }
        None => ("retCode", "retMsg"),
    };
    let text = answer[text_at].as_str().unwrap_or_default();
    assert_eq!(answer[code_at], code, "{answer}");
    assert!(text.starts_with("Keygate:") && text.contains(&format!("[{rule}]")), "{text}");
}

#[tokio::test]
async fn sessions_are_opened_with_the_real_key_and_orders_and_events_go_through_them() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    world.demo.forget_requests();
    let (mut private, mut trade) = (logged_in(&bot, PRIVATE).await, logged_in(&bot, TRADE).await);
    let topics = json!({"req_id": 1, "op": "subscribe", "args": ["order", "execution.fast", "wallet"]});
    let subscribed = ask(&mut private, topics).await;
    assert_eq!((&subscribed["success"], &subscribed["req_id"]), (&json!(true), &json!("1")), "{subscribed}");
    let placed = done(&answer(&mut trade, create("a-1", "ETHUSDT")).await);
    let told = event(&mut private, "order").await;
    assert_eq!((&told["orderId"], &told["orderStatus"]), (&placed, &json!("New")), "{told}");
    let coins = event(&mut private, "wallet").await["coin"].clone();
    let usdt = coins.as_array().unwrap().iter().find(|coin| coin["coin"] == "USDT").unwrap();
    assert_eq!(usdt["locked"], "20", "{usdt}");
    let cancel = json!({"category": "spot", "symbol": "ETHUSDT", "orderId": placed});
    done(&answer(&mut trade, call("a-2", "order.cancel", &cancel)).await);
    assert_eq!(event(&mut private, "order").await["orderStatus"], "Cancelled");
    let market = json!({"category": "spot", "symbol": "ETHUSDT", "side": "Sell", "orderType": "Market", "qty": "0.01"});
    let sold = done(&answer(&mut trade, call("a-3", "order.create", &market)).await);
    let fill = event(&mut private, "execution.fast").await;
    assert_eq!((&fill["orderId"], &fill["execQty"]), (&sold, &json!("0.01")), "{fill}");
    let frames: Vec<_> =
        world.demo.requests().into_iter().filter(|one| one.body.contains("\"op\"")).collect();
    assert_eq!(frames.len(), 6, "two log-ins, a subscription and three orders");
    for frame in &frames {
        assert_eq!(frame.signed_by.as_ref().unwrap().account, "trade", "{}", frame.target);
    }
    let seen = serde_json::to_string(&world.demo.requests()).unwrap();
    for private in [&bot.key, &bot.secret, &bot.token] {
        assert!(!seen.contains(private.as_str()), "{private} reached the exchange");
    }
    assert!(!seen.contains("kg_") && !seen.to_lowercase().contains("keygate"), "{seen}");
}

#[tokio::test]
async fn private_key_opens_sessions_as_well() {
    let world = World::new().await;
    let bot = world.bot("bybit", "rsa").await;
    let (mut private, mut trade) = (logged_in(&bot, PRIVATE).await, logged_in(&bot, TRADE).await);
    assert!(taken(&ask(&mut private, json!({"op": "subscribe", "args": ["order"]})).await));
    let placed = done(&answer(&mut trade, create("a-1", "BTCUSDT")).await);
    assert_eq!(event(&mut private, "order").await["orderId"], placed);
}

#[tokio::test]
async fn wrong_expired_and_too_long_log_ins_are_refused_and_the_exchange_hears_of_none() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    world.demo.forget_requests();
    for path in [PRIVATE, TRADE] {
        let mut stream = Stream::at(&bot, path).await.unwrap();
        let wrong = [
            Bot { secret: "0".repeat(36), ..bot.clone() },
            Bot { secret: secret(&key("bybit", "trade")), ..bot.clone() },
        ];
        for bot in wrong {
            refused(&ask(&mut stream, log_in(&bot, soon())).await, 10004, "bad-signature");
        }
        for expires in [now() - 1, now() - 60_000, now() + 40_000, now() * 1000] {
            refused(&ask(&mut stream, log_in(&bot, expires)).await, 10002, "stale");
        }
        let mut moved = log_in(&bot, soon());
        moved["args"][1] = json!((soon() + 5000).to_string());
        refused(&ask(&mut stream, moved).await, 10004, "bad-signature");
        let real = Bot { key: key("bybit", "trade").api_key, ..bot.clone() };
        refused(&ask(&mut stream, log_in(&real, soon())).await, 10003, "unknown-key");
        for args in [
            json!([bot.key]),
            json!([[bot.key], soon(), "ab"]),
            json!([{"apiKey": bot.key}]),
            json!({"0": bot.key}),
        ] {
            refused(&ask(&mut stream, json!({"op": "auth", "args": args})).await, 10001, "bad-request");
        }
    }
    assert_eq!(world.demo.requests().len(), 0);
    assert_eq!(world.count("api_key_usage_audit where phase = 'intent'").await, 0);
}

#[tokio::test]
async fn log_in_is_good_for_one_use_on_any_stream_however_it_is_written_and_on_record() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    let expires = soon();
    let login = log_in(&bot, expires);
    let mut as_number = login.clone();
    as_number["args"][1] = json!(expires);
    let mut stream = Stream::at(&bot, PRIVATE).await.unwrap();
    assert!(taken(&ask(&mut stream, as_number.clone()).await));
    for path in [PRIVATE, TRADE] {
        let mut thief = Stream::at(&bot, path).await.unwrap();
        for login in [&login, &as_number] {
            refused(&ask(&mut thief, login.clone()).await, 10005, "replay");
        }
    }
    refused(&ask(&mut stream, login).await, 10005, "replay");
    assert_eq!(LOGINS.map(|path| world.asked(path)), [1, 0]);
    let recorded =
        "api_key_usage_audit where endpoint = '/v5/private/auth' and decision = 'allow' and success";
    assert_eq!(world.count(recorded).await, 1);
}

#[tokio::test]
async fn before_the_log_in_only_a_ping_is_answered() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    world.demo.forget_requests();
    let mut private = Stream::at(&bot, PRIVATE).await.unwrap();
    let pong = ask(&mut private, json!({"req_id": "p", "op": "ping"})).await;
    assert_eq!((&pong["op"], &pong["req_id"]), (&json!("pong"), &json!("p")));
    private.say("{\"op\":\"ping\"}").await;
    assert_eq!(private.hear().await["req_id"], Value::Null);
    refused(&ask(&mut private, json!({"op": "subscribe", "args": ["order"]})).await, 10003, "unknown-key");
    let mut trade = Stream::at(&bot, TRADE).await.unwrap();
    let pong = ask(&mut trade, json!({"op": "ping"})).await;
    assert_eq!((&pong["op"], &pong["retCode"]), (&json!("pong"), &json!(0)));
    let early = answer(&mut trade, create("a-1", "BTCUSDT")).await;
    refused(&early, 10003, "unknown-key");
    assert_eq!(early["op"], "order.create");
    assert_eq!(world.demo.requests().len(), 0);
}

#[tokio::test]
async fn ops_topics_and_members_that_are_not_listed_are_refused_and_the_stream_goes_on() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    let (mut private, mut trade) = (logged_in(&bot, PRIVATE).await, logged_in(&bot, TRADE).await);
    world.demo.forget_requests();
    for topic in ["dcp", "dcp.spot", "Order", "tickers.BTCUSDT", "*"] {
        let told = ask(&mut private, json!({"req_id": 5, "op": "subscribe", "args": ["order", topic]})).await;
        refused(&told, 10001, "bad-request");
        assert_eq!((&told["req_id"], &told["op"]), (&json!(5), &json!("subscribe")));
    }
    refused(&ask(&mut private, create("a-1", "BTCUSDT")).await, 10005, "unknown-method");
    for text in [
        "",
        "PING",
        "[]",
        "{\"op\":\"subscribe\",\"args\":\"order\"}",
        "{\"op\":\"subscribe\",\"op\":\"ping\",\"args\":[]}",
    ] {
        private.say(text).await;
        refused(&private.hear().await, 10001, "bad-request");
    }
    for op in ["order.cancel-all", "order.pre-check", "asset.withdraw", "Order.create", "order.create "] {
        refused(&answer(&mut trade, call("a-1", op, &order("BTCUSDT"))).await, 10005, "unknown-method");
    }
    let changed = |name: &str, value: Value| {
        let mut frame = create("a-1", "BTCUSDT");
        match name {
            "args" => frame["args"][0]["qty"] = value,
            "header" => frame["header"]["X-BAPI-API-KEY"] = value,
            name => frame[name] = value,
        }
        frame
    };
    for (name, value) in
        [("args", json!(["0.01"])), ("header", json!("x")), ("expTime", json!("1")), ("more", json!({}))]
    {
        refused(&answer(&mut trade, changed(name, value)).await, 10001, "bad-request");
    }
    assert_eq!(world.demo.requests().len(), 0);
    done(&answer(&mut trade, create("a-2", "BTCUSDT")).await);
    for path in [
        "/x/bybit/v5/public/spot",
        "/x/bybit/v5/private/",
        "/x/bybit/realtime",
        "/x/bybit/v5/trade?max_active_time=1m",
    ] {
        assert!(Stream::at(&bot, path).await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn order_that_is_too_old_is_refused_like_a_request() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    let mut stream = logged_in(&bot, TRADE).await;
    for header in [
        json!({}),
        json!({"X-BAPI-TIMESTAMP": (now() - 6000).to_string()}),
        json!({"X-BAPI-TIMESTAMP": now() + 60_000}),
    ] {
        let mut frame = create("a-1", "BTCUSDT");
        frame["header"] = header;
        refused(&answer(&mut stream, frame).await, 10002, "stale");
    }
    assert_eq!(world.asked(CREATE), 0);
    let mut frame = create("a-2", "BTCUSDT");
    frame["header"] =
        json!({"X-BAPI-TIMESTAMP": now() - 6000, "X-BAPI-RECV-WINDOW": 20_000, "Referer": "broker"});
    done(&answer(&mut stream, frame).await);
}

#[tokio::test]
async fn scope_and_permission_hold_for_every_frame_of_a_session() {
    let world = World::new().await;
    let connection = world.connect("bybit", "trade").await;
    let made = Bot::make(&world.api, &connection, Value::Null).await;
    let path = format!("/api/v1/bots/{}/access-keys", made.id);
    let issued = world.api.post(&path, json!({"scopes": ["read"]})).await.is(201);
    let reader = Bot::of(&world.api, &json!({"id": made.id, "connection_id": made.connection}), &issued);
    refused(&answer(&mut logged_in(&reader, TRADE).await, create("a-1", "BTCUSDT")).await, 10005, "scope");
    let mut private = logged_in(&reader, PRIVATE).await;
    assert!(taken(&ask(&mut private, json!({"op": "subscribe", "args": ["wallet"]})).await));
    let mut trader = logged_in(&made, TRADE).await;
    done(&answer(&mut trader, create("a-1", "BTCUSDT")).await);
    let limits = format!("/api/v1/connections/{}/limits", made.connection);
    world.api.patch(&limits, json!({"limits": {"can_trade": false}})).await.is(200);
    refused(&answer(&mut trader, create("a-2", "BTCUSDT")).await, 10005, "permission");
    assert_eq!(world.asked(CREATE), 1);
}

#[tokio::test]
async fn bot_with_a_symbol_trades_no_other_by_frame() {
    let world = World::new().await;
    let connection = world.connect("bybit", "trade").await;
    let bot = Bot::make(&world.api, &connection, json!("BTC/USDT")).await;
    let mut stream = logged_in(&bot, TRADE).await;
    refused(&answer(&mut stream, create("a-1", "ETHUSDT")).await, 10005, "symbol");
    let mut both = json!({"category": "spot", "request": [order("BTCUSDT"), order("ETHUSDT")]});
    for one in both["request"].as_array_mut().unwrap() {
        one.as_object_mut().unwrap().remove("category");
    }
    refused(&answer(&mut stream, call("a-2", "order.create-batch", &both)).await, 10005, "symbol");
    let unread = json!({"category": "spot", "symbol": "BTCUSDT", "orderId": "1", "qty": "1"});
    refused(&answer(&mut stream, call("a-3", "order.amend", &unread)).await, 10005, "symbol");
    assert_eq!(world.asked("/v5/trade/order."), 0);
    done(&answer(&mut stream, create("a-4", "BTCUSDT")).await);
    let intent = "api_key_usage_audit where phase = 'intent' and endpoint = '/v5/order/create'";
    assert_eq!(world.count(intent).await, 1);
    let named = "api_key_usage_audit where phase = 'outcome' and success and symbol = 'BTCUSDT'";
    assert_eq!(world.count(named).await, 1);
}

#[tokio::test]
async fn order_by_frame_is_recorded_before_it_is_sent_and_not_sent_if_it_cannot_be() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    let mut stream = logged_in(&bot, TRADE).await;
    done(&answer(&mut stream, create("a-0", "BTCUSDT")).await);
    world.flush().await;
    let mut superuser = world.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    sqlx::query("lock table api_key_usage_audit in access exclusive mode").execute(&mut *lock).await.unwrap();
    let (placed, ()) = tokio::join!(answer(&mut stream, create("a-1", "BTCUSDT")), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(world.asked(CREATE), 1, "sent before it was recorded");
        lock.rollback().await.unwrap();
    });
    done(&placed);
    world.flush().await;
    world.execute("alter table api_key_usage_audit rename to put_away").await;
    refused(&answer(&mut stream, create("a-2", "BTCUSDT")).await, 10016, "unavailable");
    world.execute("alter table put_away rename to api_key_usage_audit").await;
    assert_eq!(world.asked(CREATE), 2);
}

#[tokio::test]
async fn stream_that_breaks_with_an_order_under_way_says_unknown_records_it_and_sends_nothing_twice() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    let mut stream = logged_in(&bot, TRADE).await;
    world.fault(Fault::DropAfter, CREATE);
    let lost = answer(&mut stream, create("a-1", "BTCUSDT")).await;
    refused(&lost, 170_007, "outcome-unknown");
    assert_eq!(lost["op"], "order.create");
    let reason = stream.ends_with(1012).await;
    assert!(reason.contains("exchange-closed"), "{reason}");
    let unknown = "api_key_usage_audit where phase = 'outcome' and success is null and error_message = 'outcome unknown'";
    let started = Instant::now();
    while world.count(unknown).await == 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "never recorded");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.asked(CREATE), 1, "never sent again");
}

#[tokio::test]
async fn refusal_without_an_id_settles_the_one_order_it_can_mean() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    let mut stream = logged_in(&bot, TRADE).await;
    world.demo.change_key("bybit", &key("bybit", "trade").api_key, |key| {
        key.permissions.retain(|one| *one == Permission::Read)
    });
    let told = ask(&mut stream, create("a-1", "BTCUSDT")).await;
    assert_eq!((&told["retCode"], told.get("reqId")), (&json!(10005), None), "{told}");
    world.flush().await;
    let known = "api_key_usage_audit where phase = 'outcome' and success = false and error_message = '10005'";
    assert_eq!(world.count(known).await, 1);
    let again = ask(&mut stream, create("a-1", "BTCUSDT")).await;
    assert_eq!(again["retMsg"], told["retMsg"], "its id is free again: {again}");
}

#[tokio::test]
async fn both_streams_of_a_revoked_key_end_within_two_seconds() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    let (mut private, mut trade) = (logged_in(&bot, PRIVATE).await, logged_in(&bot, TRADE).await);
    assert!(taken(&ask(&mut private, json!({"op": "subscribe", "args": ["order"]})).await));
    world.api.delete(&format!("/api/v1/access-keys/{}", bot.access_key)).await.is(204);
    let started = Instant::now();
    for stream in [&mut private, &mut trade] {
        let reason = stream.ends_with(1008).await;
        assert!(reason.contains("revoked") && started.elapsed() < Duration::from_secs(2), "{reason}");
    }
}

#[tokio::test]
async fn log_in_that_the_exchange_refuses_or_does_not_answer_opens_nothing() {
    let world = World::with(|config| config.gateway.timeout_ms = 1000).await;
    let bot = world.bot("bybit", "trade").await;
    for ((path, login), words) in [PRIVATE, TRADE].into_iter().zip(LOGINS).zip(["Params Error", "10001"]) {
        let mut stream = Stream::at(&bot, path).await.unwrap();
        world.fault(Fault::Skew { ms: 60_000 }, login);
        let told = ask(&mut stream, log_in(&bot, soon())).await;
        refused(&told, 10005, "exchange-login");
        assert!(told.to_string().contains(words), "{told}");
        refused(
            &ask(
                &mut stream,
                if path == TRADE {
                    create("a-1", "BTCUSDT")
                } else {
                    json!({"op": "subscribe", "args": ["order"]})
                },
            )
            .await,
            10003,
            "unknown-key",
        );
        for fault in [Fault::DropBefore, Fault::Delay { ms: 3000 }] {
            world.fault(fault, login);
            refused(&ask(&mut stream, log_in(&bot, soon())).await, 10016, "exchange-unreachable");
        }
        assert!(taken(&ask(&mut stream, log_in(&bot, soon())).await));
    }
}

#[tokio::test]
async fn one_session_belongs_to_one_access_key() {
    let world = World::new().await;
    let connection = world.connect("bybit", "trade").await;
    let (first, second) = (
        Bot::make(&world.api, &connection, Value::Null).await,
        Bot::make(&world.api, &connection, Value::Null).await,
    );
    let mut stream = logged_in(&first, TRADE).await;
    refused(&ask(&mut stream, log_in(&second, soon())).await, 10005, "one-credential");
    assert!(taken(&ask(&mut stream, log_in(&first, soon() + 1)).await));
    assert_eq!(world.asked(LOGINS[1]), 1, "the session at the exchange is opened once");
}

#[tokio::test]
async fn real_key_does_not_come_back_from_a_session_even_if_the_exchange_repeats_it() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    let real = key("bybit", "trade").api_key;
    let mut stream = logged_in(&bot, TRADE).await;
    world.fault(Fault::EchoKey, CREATE);
    let told = answer(&mut stream, create("a-1", "BTCUSDT")).await;
    let echo = told["echo"].as_str().unwrap();
    assert!(!echo.contains(&real) && echo.contains("****"), "{echo}");
}

#[tokio::test]
async fn stream_is_kept_open_with_the_exchanges_own_heartbeat_and_its_answers_stay_here() {
    let world = World::with(|config| config.gateway.stream_idle_ms = 3000).await;
    let bot = world.bot("bybit", "trade").await;
    for path in [PRIVATE, TRADE] {
        world.demo.forget_requests();
        let mut stream = logged_in(&bot, path).await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert!(
            world.demo.requests().iter().any(|one| one.body == "{\"op\":\"ping\"}"),
            "the exchange heard no ping"
        );
        let told = ask(&mut stream, json!({"op": "auth", "args": ["kg_", "1", "ab"]})).await;
        assert_ne!(told["op"], "pong", "{told}");
    }
}
