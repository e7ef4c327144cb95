//! `/x/kraken/v2`: the gate gives out a token of its own, decides on every frame that carries it, and puts the exchange's
//! token into what leaves, which nobody but the exchange ever sees.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use aws_lc_rs::{digest, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use demo_exchange::Fault;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::{
    api::Reply,
    bot::{Bot, FORM, now},
    stream::Stream,
    world::{World, key},
};

mod token;

const PATH: &str = "/x/kraken/v2";
const TOKEN: &str = "/0/private/GetWebSocketsToken";
const ORDER: &str = "/v2/add_order";

fn next_nonce() -> i64 {
    static NONCE: AtomicI64 = AtomicI64::new(0);
    now() * 1000 + NONCE.fetch_add(1, Ordering::Relaxed)
}

/// A call signed with the pair, under this nonce.
fn call(bot: &Bot, path: &str, nonce: i64) -> RequestBuilder {
    let body = format!("nonce={nonce}");
    let hash = digest::digest(&digest::SHA256, format!("{nonce}{body}").as_bytes());
    let secret = hmac::Key::new(hmac::HMAC_SHA512, &STANDARD.decode(&bot.secret).unwrap());
    let signature = hmac::sign(&secret, &[path.as_bytes(), hash.as_ref()].concat());
    let request = bot.api.request("POST", &format!("/x/kraken{path}")).header("content-type", FORM);
    request.header("api-key", &bot.key).header("api-sign", STANDARD.encode(signature)).body(body)
}

async fn ask_for_token(bot: &Bot) -> Reply {
    Reply::of(call(bot, TOKEN, next_nonce())).await
}

async fn token(bot: &Bot) -> String {
    given(ask_for_token(bot).await)
}

#[track_caller]
fn given(reply: Reply) -> String {
    let told = reply.is(200);
    assert_eq!((&told["error"], &told["result"]["expires"]), (&json!([]), &json!(900)), "{told}");
    told["result"]["token"].as_str().unwrap().to_owned()
}

#[track_caller]
fn denied(reply: &Reply, code: &str, rule: &str) {
    assert_eq!(reply.body["error"][0], code, "{}", reply.text);
    assert!(reply.text.contains(&format!("[{rule}]")) && reply.body["result"].is_null(), "{}", reply.text);
}

/// A stream with a token of the pair's.
struct Talk {
    stream: Stream,
    token: String,
    asked: u64,
}

impl Talk {
    async fn of(bot: &Bot) -> Talk {
        Talk::with(bot, token(bot).await).await
    }

    async fn with(bot: &Bot, token: String) -> Talk {
        Talk { stream: Stream::at(bot, PATH).await.unwrap(), token, asked: 0 }
    }

    /// A frame with the token, and its answer; events before it are passed over.
    async fn ask(&mut self, method: &str, mut params: Value) -> Value {
        params["token"] = json!(self.token);
        self.asked += 1;
        let frame = json!({"method": method, "params": params, "req_id": self.asked});
        self.stream.say(frame.to_string()).await;
        loop {
            let said = self.stream.hear().await;
            if said["req_id"] == self.asked {
                assert_eq!(said["method"], method);
                return said;
            }
        }
    }

    /// The next event of an order.
    async fn event(&mut self) -> Value {
        loop {
            let said = self.stream.hear().await;
            if said["channel"] == "executions" && said["type"] == "update" {
                return said["data"][0].clone();
            }
        }
    }

    /// The answer to a frame as it is written.
    async fn raw(&mut self, frame: &str) -> Value {
        self.stream.say(frame).await;
        self.stream.hear().await
    }
}

fn buy(symbol: &str) -> Value {
    json!({"order_type": "limit", "side": "buy", "order_qty": 0.002, "symbol": symbol, "limit_price": 2000})
}

#[track_caller]
fn done(answer: &Value) -> Value {
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"].clone()
}

#[track_caller]
fn refused(answer: &Value, code: &str, rule: &str) {
    assert_eq!(answer["success"], false, "{answer}");
    let text = answer["error"].as_str().unwrap();
    assert!(
        text.starts_with(code) && text.contains("Keygate:") && text.contains(&format!("[{rule}]")),
        "{text}"
    );
}

const DENIED: &str = "EGeneral:Permission denied";
const SESSION: &str = "ESession:Invalid session";
const ARGUMENTS: &str = "EGeneral:Invalid arguments";

/// The tokens that the exchange has seen in frames.
fn real_tokens(world: &World) -> Vec<String> {
    let frames = world.demo.requests().into_iter().filter(|one| one.target.starts_with("/v2/"));
    let token =
        |body: &str| Some(serde_json::from_str::<Value>(body).ok()?["params"]["token"].as_str()?.to_owned());
    let mut tokens: Vec<_> = frames.filter_map(|one| token(&one.body)).collect();
    tokens.dedup();
    tokens
}

#[tokio::test]
async fn frames_leave_with_a_token_that_nobody_else_ever_sees() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    world.demo.forget_requests();
    let own = token(&bot).await;
    assert_eq!(world.demo.requests().len(), 0, "the exchange was asked for a token that might be given away");
    let mut talk = Talk::with(&bot, own.clone()).await;
    let mut heard = vec![done(&talk.ask("subscribe", json!({"channel": "executions"})).await)];
    let placed = talk.ask("add_order", buy("BTC/USD")).await;
    heard.push(placed.clone());
    let (pending, live) = (talk.event().await, talk.event().await);
    assert_eq!((&pending["exec_type"], &live["exec_type"]), (&json!("pending_new"), &json!("new")));
    assert_eq!(live["order_id"], done(&placed)["order_id"]);
    heard.push(talk.ask("cancel_order", json!({"order_id": [live["order_id"]]})).await);
    done(heard.last().unwrap());
    assert_eq!(talk.event().await["exec_type"], "canceled");
    let both = json!({"symbol": "ETH/USD", "orders": [
        {"order_type": "limit", "side": "buy", "order_qty": 0.01, "limit_price": 2000},
        {"order_type": "limit", "side": "buy", "order_qty": 1e-2, "limit_price": 2001}]});
    assert_eq!(done(&talk.ask("batch_add", both).await).as_array().unwrap().len(), 2);
    assert_eq!(done(&talk.ask("cancel_all", json!({})).await)["count"], 2);

    let requests = world.demo.requests();
    assert_eq!(requests.iter().filter(|one| one.target == TOKEN).count(), 1, "one for the connection");
    assert_eq!(requests.iter().filter(|one| one.target.starts_with("/v2/")).count(), 5);
    for request in &requests {
        assert_eq!(request.signed_by.as_ref().unwrap().account, "trade", "{}", request.target);
    }
    let seen = serde_json::to_string(&requests).unwrap();
    for private in [&bot.key, &bot.secret, &bot.token, &own] {
        assert!(!seen.contains(private.as_str()), "{private} reached the exchange");
    }
    assert!(
        !seen.contains("kg_") && !seen.contains("kgt_") && !seen.to_lowercase().contains("keygate"),
        "{seen}"
    );
    let [real] = &real_tokens(&world)[..] else { panic!("{:?}", real_tokens(&world)) };
    assert!(!json!(heard).to_string().contains(real.as_str()), "{heard:?}");
    world.flush().await;
    for log in ["api_key_usage_audit", "exchange_api_calls"] {
        assert!(world.count(log).await > 0);
        assert_eq!(
            world.count(&format!("{log} l where l::text like '%{real}%' or l::text like '%{own}%'")).await,
            0
        );
    }
}

#[tokio::test]
async fn bot_with_a_symbol_trades_no_other_by_frames() {
    let world = World::new().await;
    let connection = world.connect("kraken", "trade").await;
    let bot = Bot::make(&world.api, &connection, json!("BTC/USD")).await;
    let mut talk = Talk::of(&bot).await;
    refused(&talk.ask("add_order", buy("ETH/USD")).await, DENIED, "symbol");
    let mixed = json!({"symbol": "BTC/USD", "orders": [buy("BTC/USD"), buy("ETH/USD")]});
    refused(&talk.ask("batch_add", mixed).await, ARGUMENTS, "bad-request");
    let batch =
        json!({"symbol": "ETH/USD", "orders": [{"order_type": "market", "side": "buy", "order_qty": 1}]});
    refused(&talk.ask("batch_add", batch).await, DENIED, "symbol");
    refused(&talk.ask("amend_order", json!({"order_id": "O1", "order_qty": 1})).await, DENIED, "symbol");
    refused(
        &talk.ask("edit_order", json!({"order_id": "O1", "symbol": "BTC/USD", "order_qty": 1})).await,
        DENIED,
        "symbol",
    );
    let mut closing = buy("BTC/USD");
    closing["conditional"] = json!({"order_type": "limit", "limit_price": 1});
    refused(&talk.ask("add_order", closing).await, DENIED, "symbol");
    assert_eq!(world.asked("/v2/"), 0);
    let placed = done(&talk.ask("add_order", buy("BTC/USD")).await);
    done(&talk.ask("cancel_order", json!({"order_id": [placed["order_id"]]})).await);
    let intent = "api_key_usage_audit where phase = 'intent' and endpoint = '/0/private/AddOrder'";
    assert_eq!(world.count(intent).await, 1);
    let named = "api_key_usage_audit where phase = 'outcome' and success and symbol = 'BTC/USD'";
    assert_eq!(world.count(named).await, 1);
}

#[tokio::test]
async fn what_no_frame_may_be_is_refused_and_the_stream_goes_on() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    world.demo.forget_requests();
    for method in ["withdraw", "addOrder", "Add_order", "level3"] {
        refused(&talk.ask(method, buy("BTC/USD")).await, DENIED, "unknown-method");
    }
    for channel in ["ticker", "book", "level3", "Executions"] {
        let told = talk.ask("subscribe", json!({"channel": channel, "symbol": ["BTC/USD"]})).await;
        refused(&told, ARGUMENTS, "bad-request");
    }
    let told = talk.ask("subscribe", json!({"channel": "ticker"})).await;
    refused(&told, ARGUMENTS, "bad-request");
    assert!(told["error"].as_str().unwrap().contains("market data needs no key"), "{told}");
    for (name, value) in [
        ("mystery", json!(1)),
        ("side", json!(["buy"])),
        ("symbol", json!({"a": "BTC/USD"})),
        ("order_qty", Value::Null),
        ("order_qty", json!(-1)),
        ("limit_price_type", json!("pct")),
    ] {
        let mut order = buy("BTC/USD");
        order[name] = value;
        refused(&talk.ask("add_order", order).await, ARGUMENTS, "bad-request");
    }
    let token = talk.token.clone();
    let order =
        r#""order_type":"limit","side":"buy","order_qty":0.002,"symbol":"BTC/USD","limit_price":2000"#;
    for params in [
        order.to_owned(),
        format!(r#""token":"{token}","token":"{token}",{order}"#),
        format!(r#""token":["{token}"],{order}"#),
        format!(r#""token":"{token}",{order},"side":"sell""#),
        format!(r#""token":"{token}",{order},"SYMBOL":"ETH/USD""#),
    ] {
        let frame = format!(r#"{{"method":"add_order","req_id":9,"params":{{{params}}}}}"#);
        refused(&talk.raw(&frame).await, ARGUMENTS, "bad-request");
    }
    for text in ["", "[]", "ping", r#"{"event":"ping"}"#, r#"{"method":"ping","params":{"a":1}}"#] {
        refused(&talk.raw(text).await, ARGUMENTS, "bad-request");
    }
    assert_eq!(world.demo.requests().len(), 0);
    assert_eq!(world.count("api_key_usage_audit where phase = 'intent'").await, 0);
    done(&talk.ask("add_order", buy("BTC/USD")).await);
    assert!(Stream::at(&bot, "/x/kraken/").await.is_err(), "version 1 is not spoken");
}

#[tokio::test]
async fn ping_is_answered_by_the_gate() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    world.demo.forget_requests();
    let mut stream = Stream::at(&bot, PATH).await.unwrap();
    stream.say(r#"{"method":"ping","req_id":101}"#).await;
    let pong = stream.hear().await;
    assert_eq!((&pong["method"], &pong["req_id"]), (&json!("pong"), &json!(101)));
    assert!(pong["time_in"].as_str().unwrap().ends_with('Z'), "{pong}");
    stream.say(r#"{"method":"ping"}"#).await;
    assert!(stream.hear().await.get("req_id").is_none());
    assert_eq!(world.demo.requests().len(), 0);
}

#[tokio::test]
async fn stream_is_kept_open_with_krakens_own_ping_which_the_client_does_not_hear() {
    let world = World::with(|config| config.gateway.stream_idle_ms = 8000).await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    done(&talk.ask("cancel_all", json!({})).await);
    let heard = tokio::time::timeout(Duration::from_secs(6), async {
        while world.asked("/v2/ping") == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    heard.await.expect("the exchange heard no ping");
    let frame = json!({"method": "cancel_all", "params": {"token": talk.token}});
    let first = talk.raw(&frame.to_string()).await;
    assert_eq!((&first["method"], done(&first)), (&json!("cancel_all"), json!({"count": 0})));
}

#[tokio::test]
async fn order_with_a_token_is_recorded_before_it_is_sent_and_not_sent_if_it_cannot_be() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    done(&talk.ask("add_order", buy("BTC/USD")).await);
    world.flush().await;
    let mut superuser = world.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    sqlx::query("lock table api_key_usage_audit in access exclusive mode").execute(&mut *lock).await.unwrap();
    let (placed, ()) = tokio::join!(talk.ask("add_order", buy("BTC/USD")), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(world.asked(ORDER), 1, "sent before it was recorded");
        lock.rollback().await.unwrap();
    });
    done(&placed);
    world.flush().await;
    world.execute("alter table api_key_usage_audit rename to put_away").await;
    refused(&talk.ask("add_order", buy("BTC/USD")).await, "EService:Unavailable", "unavailable");
    let mut fresh =
        Talk { stream: Stream::at(&bot, PATH).await.unwrap(), token: talk.token.clone(), asked: 0 };
    refused(
        &fresh.ask("subscribe", json!({"channel": "executions"})).await,
        "EService:Unavailable",
        "unavailable",
    );
    world.execute("alter table put_away rename to api_key_usage_audit").await;
    assert_eq!((world.asked(ORDER), world.asked(TOKEN)), (2, 1), "a token was asked for off the record");
}

#[tokio::test]
async fn stream_that_breaks_with_an_order_under_way_says_unknown_and_sends_nothing_again() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    world.fault(Fault::DropAfter, ORDER);
    refused(&talk.ask("add_order", buy("BTC/USD")).await, "Keygate:", "outcome-unknown");
    let reason = talk.stream.ends_with(1012).await;
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
async fn stream_of_a_revoked_key_with_a_token_ends_within_two_seconds() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    done(&talk.ask("subscribe", json!({"channel": "executions"})).await);
    world.api.delete(&format!("/api/v1/access-keys/{}", bot.access_key)).await.is(204);
    let started = Instant::now();
    let reason = talk.stream.ends_with(1008).await;
    assert!(reason.contains("revoked") && started.elapsed() < Duration::from_secs(2), "{reason}");
}

#[tokio::test]
async fn real_token_and_key_do_not_come_back_even_if_the_exchange_repeats_them() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    world.fault(Fault::EchoKey, ORDER);
    let told = talk.ask("add_order", buy("BTC/USD")).await;
    let [real] = &real_tokens(&world)[..] else { panic!("{:?}", real_tokens(&world)) };
    let echo = told["echo"].as_str().unwrap();
    assert!(!echo.contains(real.as_str()) && echo.contains("****"), "{echo}");
    assert!(!told.to_string().contains(&key("kraken", "trade").api_key));
}

#[tokio::test]
async fn tokens_count_as_requests() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    bot.limited(&world, json!({"max_requests_per_minute": 2})).await.is(200);
    token(&bot).await;
    token(&bot).await;
    let refused = ask_for_token(&bot).await;
    assert_eq!(refused.header("keygate-problem"), Some("rate"), "{}", refused.text);
}

#[tokio::test]
async fn batch_frame_of_which_an_order_is_refused_is_asked_about() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    bot.limited(&world, json!({"max_daily_trade_volume_usd": "1000000000"})).await.is(200);
    let mut talk = Talk::of(&bot).await;
    let both = json!({"symbol": "ETH/USD", "orders": [
        {"order_type": "limit", "side": "buy", "order_qty": 0.01, "limit_price": 2000},
        {"order_type": "limit", "side": "buy", "order_qty": 900, "limit_price": 2001}]});
    let answer = talk.ask("batch_add", both).await;
    assert!(done(&answer)[1]["error"].is_string(), "{answer}");
    world.flush().await;
    assert_eq!(world.count("keygate.reservation where state = 'unknown'").await, 2);
}
