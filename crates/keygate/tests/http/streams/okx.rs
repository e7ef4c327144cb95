//! `/x/okx/ws/v5/private`: the session at the exchange is opened with the real key once a virtual pair has logged on, and
//! every frame after it is decided, recorded and relayed as requests are.

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use demo_exchange::Fault;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::{
    bot::{Bot, now},
    stream::Stream,
    world::{World, key, secret},
};

const PATH: &str = "/x/okx/ws/v5/private";
const ORDER: &str = "/ws/v5/private/order";
const LOGIN: &str = "/ws/v5/private/login";
const BTC: u64 = 1;
const ETH: u64 = 2;

async fn open(bot: &Bot) -> Stream {
    Stream::at(bot, PATH).await.unwrap()
}

/// The pair's log-in of a second. Two of the same second are the same, so tests that log in twice take two.
fn log_in(bot: &Bot, at_s: i64) -> Value {
    let mac = hmac::Key::new(hmac::HMAC_SHA256, bot.secret.as_bytes());
    let sign = STANDARD.encode(hmac::sign(&mac, format!("{at_s}GET/users/self/verify").as_bytes()));
    let login =
        json!({"apiKey": bot.key, "passphrase": bot.passphrase, "timestamp": at_s.to_string(), "sign": sign});
    json!({"op": "login", "args": [login]})
}

async fn ask(stream: &mut Stream, frame: Value) -> Value {
    stream.say(frame.to_string()).await;
    stream.hear().await
}

async fn logged_in(bot: &Bot) -> Stream {
    let mut stream = open(bot).await;
    let told = ask(&mut stream, log_in(bot, now() / 1000)).await;
    assert_eq!((&told["event"], &told["code"]), (&json!("login"), &json!("0")), "{told}");
    stream
}

fn order(id: &str, market: u64) -> Value {
    let order = json!({"instIdCode": market, "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01",
                       "px": "2000"});
    json!({"id": id, "op": "order", "args": [order]})
}

fn to(op: &str, channel: &str) -> Value {
    json!({"op": op, "args": [{"channel": channel, "instType": "ANY"}]})
}

/// The answer with this id; events before it are passed over.
async fn answer(stream: &mut Stream, frame: Value) -> Value {
    stream.say(frame.to_string()).await;
    stream.answer(&frame["id"]).await
}

#[track_caller]
fn done(answer: &Value) -> Value {
    assert_eq!((&answer["code"], &answer["data"][0]["sCode"]), (&json!("0"), &json!("0")), "{answer}");
    answer["data"][0]["ordId"].clone()
}

#[track_caller]
fn refused(answer: &Value, code: &str, rule: &str) {
    assert_eq!((&answer["event"], &answer["code"]), (&json!("error"), &json!(code)), "{answer}");
    let text = answer["msg"].as_str().unwrap();
    assert!(text.starts_with("Keygate:") && text.contains(&format!("[{rule}]")), "{text}");
}

#[tokio::test]
async fn session_is_opened_with_the_real_key_and_orders_and_events_go_through_it() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    world.demo.forget_requests();
    let mut stream = logged_in(&bot).await;
    let subscribed = ask(&mut stream, to("subscribe", "orders")).await;
    assert_eq!(
        (&subscribed["event"], &subscribed["arg"]["channel"]),
        (&json!("subscribe"), &json!("orders"))
    );
    let placed = done(&answer(&mut stream, order("a1", BTC)).await);
    let event = stream.hear().await;
    assert_eq!(
        (&event["data"][0]["ordId"], &event["data"][0]["state"]),
        (&placed, &json!("live")),
        "{event}"
    );
    let cancel = json!({"id": "a2", "op": "cancel-order", "args": [{"instIdCode": BTC, "ordId": placed}]});
    done(&answer(&mut stream, cancel).await);
    assert_eq!(stream.hear().await["data"][0]["state"], "canceled");
    let both = json!([order("", BTC)["args"][0], order("", ETH)["args"][0]]);
    let batch = answer(&mut stream, json!({"id": "a3", "op": "batch-orders", "args": both})).await;
    assert_eq!(
        (&batch["data"][0]["sCode"], &batch["data"][1]["sCode"]),
        (&json!("0"), &json!("0")),
        "{batch}"
    );
    let frames: Vec<_> =
        world.demo.requests().into_iter().filter(|one| one.target.starts_with("/ws/")).collect();
    assert_eq!(frames.len(), 5, "the log-in, a subscription and three orders");
    for frame in &frames {
        assert_eq!(frame.signed_by.as_ref().unwrap().account, "trade", "{}", frame.target);
    }
    let seen = serde_json::to_string(&world.demo.requests()).unwrap();
    for private in [&bot.key, &bot.secret, &bot.token, &bot.passphrase] {
        assert!(!seen.contains(private.as_str()), "{private} reached the exchange");
    }
    assert!(!seen.contains("kg_") && !seen.to_lowercase().contains("keygate"), "{seen}");
}

#[tokio::test]
async fn wrong_stale_and_foreign_log_ins_are_refused_and_the_exchange_hears_of_none() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    world.demo.forget_requests();
    let mut stream = open(&bot).await;
    let own = now() / 1000;
    let wrong = [
        Bot { secret: "0".repeat(32), ..bot.clone() },
        Bot { secret: secret(&key("okx", "trade")), ..bot.clone() },
        Bot { passphrase: "demo trade".to_owned(), ..bot.clone() },
    ];
    for bot in wrong {
        refused(&ask(&mut stream, log_in(&bot, own)).await, "50113", "bad-signature");
    }
    for shift in [-40, 40] {
        refused(&ask(&mut stream, log_in(&bot, own + shift)).await, "50102", "stale");
    }
    let mut moved = log_in(&bot, own);
    moved["args"][0]["timestamp"] = json!((own + 1).to_string());
    refused(&ask(&mut stream, moved).await, "50113", "bad-signature");
    let real = Bot { key: key("okx", "trade").api_key, ..bot.clone() };
    refused(&ask(&mut stream, log_in(&real, own)).await, "50111", "unknown-key");
    let mut more = log_in(&bot, own);
    more["args"][0]["more"] = json!("x");
    refused(&ask(&mut stream, more).await, "51000", "bad-request");
    refused(&ask(&mut stream, order("a1", BTC)).await, "51000", "bad-request");
    assert_eq!(world.demo.requests().len(), 0);
    assert_eq!(world.count("api_key_usage_audit where phase = 'intent'").await, 0);
}

#[tokio::test]
async fn log_in_is_good_for_one_use_on_any_connection_and_on_record() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    let login = log_in(&bot, now() / 1000);
    let mut stream = open(&bot).await;
    assert_eq!(ask(&mut stream, login.clone()).await["code"], "0");
    let mut thief = open(&bot).await;
    refused(&ask(&mut thief, login.clone()).await, "50027", "replay");
    refused(&ask(&mut thief, to("subscribe", "orders")).await, "50111", "unknown-key");
    refused(&ask(&mut stream, login).await, "50027", "replay");
    assert_eq!(world.asked(LOGIN), 1);
    let recorded =
        format!("api_key_usage_audit where endpoint = '{LOGIN}' and decision = 'allow' and success");
    assert_eq!(world.count(&recorded).await, 1);
}

#[tokio::test]
async fn before_the_log_in_only_a_ping_is_answered() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    world.demo.forget_requests();
    let mut stream = open(&bot).await;
    stream.say("ping").await;
    assert_eq!(stream.hear_text().await, "pong");
    refused(&ask(&mut stream, to("subscribe", "account")).await, "50111", "unknown-key");
    let by_name = json!({"id": "a1", "op": "order", "args": [{"instId": "BTC-USDT", "tdMode": "cash", "side": "buy",
                         "ordType": "limit", "sz": "0.01", "px": "2000"}]});
    refused(&ask(&mut stream, by_name).await, "50111", "unknown-key");
    assert_eq!(world.demo.requests().len(), 0);
}

#[tokio::test]
async fn methods_and_channels_that_are_not_listed_are_refused_and_the_stream_goes_on() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = logged_in(&bot).await;
    world.demo.forget_requests();
    for op in ["mass-cancel", "withdrawal", "sprd-order", "Order", "order "] {
        let frame = json!({"id": "a1", "op": op, "args": [{"instId": "BTC-USDT"}]});
        refused(&ask(&mut stream, frame).await, "50027", "unknown-method");
    }
    for channel in ["deposit-info", "withdrawal-info", "tickers", "Orders", "rfqs"] {
        refused(&ask(&mut stream, to("subscribe", channel)).await, "51000", "bad-request");
    }
    for text in ["", "PING", "[]", "{\"op\":\"order\"}", "{\"op\":\"order\",\"op\":\"x\",\"args\":[{}]}"] {
        stream.say(text).await;
        refused(&stream.hear().await, "51000", "bad-request");
    }
    assert_eq!(world.demo.requests().len(), 0);
    done(&answer(&mut stream, order("a2", BTC)).await);
    assert!(Stream::at(&bot, "/x/okx/ws/v5/business").await.is_err());
    assert!(Stream::at(&bot, "/x/okx/ws/v5/public").await.is_err());
}

#[tokio::test]
async fn scope_holds_for_every_frame_of_a_session() {
    let world = World::new().await;
    let connection = world.connect("okx", "trade").await;
    let made = Bot::make(&world.api, &connection, Value::Null).await;
    let path = format!("/api/v1/bots/{}/access-keys", made.id);
    let issued = world.api.post(&path, json!({"scopes": ["read"]})).await.is(201);
    let reader = Bot::of(&world.api, &json!({"id": made.id, "connection_id": made.connection}), &issued);
    let mut stream = logged_in(&reader).await;
    refused(&answer(&mut stream, order("a1", BTC)).await, "50027", "scope");
    assert_eq!(ask(&mut stream, to("subscribe", "account")).await["event"], "subscribe");
    let limits = format!("/api/v1/connections/{}/limits", made.connection);
    let mut trader = logged_in(&made).await;
    done(&answer(&mut trader, order("a1", BTC)).await);
    world.api.patch(&limits, json!({"limits": {"can_trade": false}})).await.is(200);
    refused(&answer(&mut trader, order("a2", BTC)).await, "50027", "permission");
    assert_eq!(world.asked(ORDER), 1);
}

#[tokio::test]
async fn bot_with_a_symbol_trades_no_other_by_name_or_by_number() {
    let world = World::new().await;
    let connection = world.connect("okx", "trade").await;
    let bot = Bot::make(&world.api, &connection, json!("BTC/USDT")).await;
    let mut stream = logged_in(&bot).await;
    refused(&answer(&mut stream, order("a1", ETH)).await, "50027", "symbol");
    refused(&answer(&mut stream, order("a2", 99)).await, "51000", "bad-request");
    let mut both = order("a3", ETH);
    both["args"][0]["instId"] = json!("BTC-USDT");
    refused(&answer(&mut stream, both).await, "51000", "bad-request");
    let mut mixed = order("a4", BTC);
    mixed["op"] = json!("batch-orders");
    mixed["args"].as_array_mut().unwrap().push(order("", ETH)["args"][0].clone());
    refused(&answer(&mut stream, mixed).await, "50027", "symbol");
    assert_eq!(world.asked(ORDER) + world.asked("/ws/v5/private/batch"), 0);
    done(&answer(&mut stream, order("a5", BTC)).await);
    let intent = "api_key_usage_audit where phase = 'intent' and endpoint = '/api/v5/trade/order'";
    assert_eq!(world.count(intent).await, 1);
    let named = "api_key_usage_audit where phase = 'outcome' and success and symbol = 'BTC-USDT'";
    assert_eq!(world.count(named).await, 1);
}

#[tokio::test]
async fn order_of_a_session_is_recorded_before_it_is_sent_and_not_sent_if_it_cannot_be() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = logged_in(&bot).await;
    done(&answer(&mut stream, order("a0", BTC)).await);
    world.flush().await;
    let mut superuser = world.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    sqlx::query("lock table api_key_usage_audit in access exclusive mode").execute(&mut *lock).await.unwrap();
    let (placed, ()) = tokio::join!(answer(&mut stream, order("a1", BTC)), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(world.asked(ORDER), 1, "sent before it was recorded");
        lock.rollback().await.unwrap();
    });
    done(&placed);
    world.flush().await;
    world.execute("alter table api_key_usage_audit rename to put_away").await;
    refused(&answer(&mut stream, order("a2", BTC)).await, "50001", "unavailable");
    world.execute("alter table put_away rename to api_key_usage_audit").await;
    assert_eq!(world.asked(ORDER), 2);
}

#[tokio::test]
async fn session_that_breaks_with_an_order_under_way_says_unknown_and_records_it() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = logged_in(&bot).await;
    world.fault(Fault::DropAfter, ORDER);
    refused(&answer(&mut stream, order("a1", BTC)).await, "50004", "outcome-unknown");
    let reason = stream.ends_with(1012).await;
    assert!(reason.contains("exchange-closed"), "{reason}");
    let unknown = "api_key_usage_audit where phase = 'outcome' and success is null and error_message = 'outcome unknown'";
    let started = Instant::now();
    while world.count(unknown).await == 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "never recorded");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.asked(ORDER), 1, "never sent again");
}

#[tokio::test]
async fn refusal_that_names_no_operation_is_that_of_the_frame_with_its_id() {
    let world = World::with(|config| config.gateway.timeout_ms = 1500).await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = logged_in(&bot).await;
    // the pretend exchange does not know it, and says so in an event
    let change = json!({"instIdCode": BTC, "ordId": "1", "newSz": "1"});
    let told = answer(&mut stream, json!({"id": "a1", "op": "amend-order", "args": [change]})).await;
    assert_eq!((&told["event"], &told["code"]), (&json!("error"), &json!("60012")), "{told}");
    tokio::time::sleep(Duration::from_millis(3000)).await;
    done(&answer(&mut stream, order("a1", BTC)).await);
    let refused =
        "api_key_usage_audit where phase = 'outcome' and success = false and error_message like '%60012%'";
    assert_eq!(world.count(refused).await, 1);
}

#[tokio::test]
async fn refusal_of_a_subscription_settles_no_order_with_its_id() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = logged_in(&bot).await;
    world.fault(Fault::Delay { ms: 500 }, "/ws/v5/private/subscribe");
    // a channel that the pretend exchange does not have
    let mut listen = to("subscribe", "account-greeks");
    listen["id"] = json!("a1");
    stream.say(listen.to_string()).await;
    stream.say(order("a1", BTC).to_string()).await;
    assert_eq!(stream.answer(&json!("a1")).await["event"], "error");
    done(&stream.answer(&json!("a1")).await);
    let outcome = |success: &str| {
        format!(
            "api_key_usage_audit where phase = 'outcome' and endpoint = '/api/v5/trade/order' and {success}"
        )
    };
    assert_eq!(world.count(&outcome("success")).await, 1);
    assert_eq!(world.count(&outcome("not success")).await, 0);
}

#[tokio::test]
async fn session_of_a_revoked_key_ends_within_two_seconds() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = logged_in(&bot).await;
    assert_eq!(ask(&mut stream, to("subscribe", "orders")).await["event"], "subscribe");
    world.api.delete(&format!("/api/v1/access-keys/{}", bot.access_key)).await.is(204);
    let started = Instant::now();
    let reason = stream.ends_with(1008).await;
    assert!(reason.contains("revoked") && started.elapsed() < Duration::from_secs(2), "{reason}");
}

#[tokio::test]
async fn log_in_that_the_exchange_refuses_or_does_not_answer_opens_nothing() {
    let world = World::with(|config| config.gateway.timeout_ms = 1000).await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = open(&bot).await;
    world.fault(Fault::Skew { ms: 60_000 }, LOGIN);
    let told = ask(&mut stream, log_in(&bot, now() / 1000)).await;
    // for its time: the clock is asked for anew, and it may be tried again
    refused(&told, "50001", "exchange-login");
    assert!(told["msg"].as_str().unwrap().contains("60006"), "{told}");
    refused(&ask(&mut stream, to("subscribe", "orders")).await, "50111", "unknown-key");
    for (fault, at) in [(Fault::DropBefore, 1), (Fault::Delay { ms: 3000 }, 2)] {
        world.fault(fault, LOGIN);
        let told = ask(&mut stream, log_in(&bot, now() / 1000 + at)).await;
        refused(&told, "50001", "exchange-unreachable");
    }
    assert_eq!(ask(&mut stream, log_in(&bot, now() / 1000 + 3)).await["event"], "login");
    done(&answer(&mut stream, order("a1", BTC)).await);
}

#[tokio::test]
async fn one_session_belongs_to_one_access_key() {
    let world = World::new().await;
    let connection = world.connect("okx", "trade").await;
    let (first, second) = (
        Bot::make(&world.api, &connection, Value::Null).await,
        Bot::make(&world.api, &connection, Value::Null).await,
    );
    let mut stream = logged_in(&first).await;
    refused(&ask(&mut stream, log_in(&second, now() / 1000)).await, "50027", "one-credential");
    assert_eq!(ask(&mut stream, log_in(&first, now() / 1000 + 2)).await["event"], "login");
    assert_eq!(world.asked(LOGIN), 1, "the session at the exchange is opened once");
}

#[tokio::test]
async fn real_key_does_not_come_back_from_a_session_even_if_the_exchange_repeats_it() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = logged_in(&bot).await;
    world.fault(Fault::EchoKey, ORDER);
    let told = answer(&mut stream, order("a1", BTC)).await;
    let echo = told["echo"].as_str().unwrap();
    assert!(!echo.contains(&key("okx", "trade").api_key) && echo.contains("****"), "{echo}");
}

#[tokio::test]
async fn session_is_kept_open_with_the_exchanges_own_heartbeat() {
    let world = World::with(|config| config.gateway.stream_idle_ms = 3000).await;
    let bot = world.bot("okx", "trade").await;
    let mut stream = logged_in(&bot).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(world.demo.requests().iter().any(|request| request.body == "ping"), "the exchange heard no ping");
    let placed = answer(&mut stream, order("a1", BTC)).await;
    done(&placed);
}
