//! The two tokens: who gets one of the gate's and what it opens, and when the exchange's is fetched.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use demo_exchange::Fault;
use serde_json::{Value, json};

use super::{
    DENIED, ORDER, SESSION, TOKEN, Talk, ask_for_token, buy, call, denied, done, given, next_nonce, refused,
    token,
};
use crate::{
    api::Reply,
    bot::{Bot, FORM},
    world::{World, key},
};

#[tokio::test]
async fn token_is_given_once_for_a_signature_of_the_pair_and_on_record() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    world.demo.forget_requests();
    let nonce = next_nonce();
    Reply::of(call(&bot, TOKEN, nonce)).await.is(200);
    denied(&Reply::of(call(&bot, TOKEN, nonce)).await, DENIED, "replay");
    let wrong = Bot { secret: STANDARD.encode([7; 66]), ..bot.clone() };
    denied(&ask_for_token(&wrong).await, "EAPI:Invalid signature", "bad-signature");
    let bearer = bot.api.request("POST", &format!("/x/kraken{TOKEN}")).header("x-keygate-key", &bot.token);
    let bearer = bearer.header("content-type", FORM).body("nonce=1");
    denied(&Reply::of(bearer).await, DENIED, "stream-needs-pair");
    let nobody =
        bot.api.request("POST", &format!("/x/kraken{TOKEN}")).header("content-type", FORM).body("nonce=1");
    denied(&Reply::of(nobody).await, "EAPI:Invalid key", "unknown-key");
    let record = format!("api_key_usage_audit where endpoint = '{TOKEN}' and decision = 'allow' and success");
    assert_eq!(world.count(&record).await, 1);
    assert_eq!(world.demo.requests().len(), 0);
}

#[tokio::test]
async fn token_is_for_reading_and_each_frame_for_what_it_does() {
    let world = World::new().await;
    let connection = world.connect("kraken", "trade").await;
    let made = Bot::make(&world.api, &connection, Value::Null).await;
    let path = format!("/api/v1/bots/{}/access-keys", made.id);
    let issued = world.api.post(&path, json!({"scopes": ["read"]})).await.is(201);
    let reader = Bot::of(&world.api, &json!({"id": made.id, "connection_id": made.connection}), &issued);
    let mut talk = Talk::of(&reader).await;
    done(&talk.ask("subscribe", json!({"channel": "balances"})).await);
    refused(&talk.ask("add_order", buy("BTC/USD")).await, DENIED, "scope");
    refused(&talk.ask("cancel_all", json!({})).await, DENIED, "scope");
    let mut trader = Talk::of(&made).await;
    done(&trader.ask("add_order", buy("BTC/USD")).await);
    let limits = format!("/api/v1/connections/{}/limits", made.connection);
    world.api.patch(&limits, json!({"limits": {"can_trade": false}})).await.is(200);
    refused(&trader.ask("add_order", buy("BTC/USD")).await, DENIED, "permission");
    assert_eq!(world.asked(ORDER), 1);
}

#[tokio::test]
async fn old_token_opens_nothing_but_stays_good_where_it_is_used() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    done(&talk.ask("subscribe", json!({"channel": "executions"})).await);
    world.advance(time::Duration::seconds(901));
    done(&talk.ask("add_order", buy("BTC/USD")).await);
    let mut late = Talk::with(&bot, talk.token.clone()).await;
    refused(&late.ask("add_order", buy("BTC/USD")).await, SESSION, "token-expired");
    let now = next_nonce() + 901_000_000; // in microseconds
    late.token = given(Reply::of(call(&bot, TOKEN, now)).await);
    done(&late.ask("add_order", buy("BTC/USD")).await);
}

#[tokio::test]
async fn token_is_of_no_use_to_others_and_after_its_key() {
    let world = World::new().await;
    let connection = world.connect("kraken", "trade").await;
    let first = Bot::make(&world.api, &connection, Value::Null).await;
    let second = Bot::make(&world.api, &connection, Value::Null).await;
    world.demo.forget_requests();
    let (own, foreign) = (token(&first).await, token(&second).await);
    let mut talk = Talk::with(&first, own.clone()).await;
    let bytes = URL_SAFE_NO_PAD.decode(own.strip_prefix("kgt_").unwrap()).unwrap();
    let forged = |bytes: &[u8]| format!("kgt_{}", URL_SAFE_NO_PAD.encode(bytes));
    let behind = bytes.strip_suffix(first.key.as_bytes()).unwrap();
    let anothers = forged(&[behind, second.key.as_bytes()].concat());
    let endless = forged(&[&[1; 8], &bytes[8..]].concat());
    for wrong in [
        anothers.as_str(),
        endless.as_str(),
        "kgt_",
        "kgt_AAAA",
        first.key.as_str(),
        first.token.as_str(),
        "xeAQRCChBYNVh53sTv1y",
    ] {
        wrong.clone_into(&mut talk.token);
        refused(&talk.ask("add_order", buy("BTC/USD")).await, SESSION, "bad-token");
    }
    assert_eq!(world.demo.requests().len(), 0);
    talk.token.clone_from(&own);
    done(&talk.ask("add_order", buy("BTC/USD")).await);
    talk.token = foreign;
    refused(&talk.ask("add_order", buy("BTC/USD")).await, DENIED, "one-credential");
    let late = token(&second).await;
    world.api.delete(&format!("/api/v1/access-keys/{}", second.access_key)).await.is(204);
    let mut talk = Talk::with(&second, late).await;
    refused(&talk.ask("add_order", buy("BTC/USD")).await, DENIED, "revoked");
    denied(&ask_for_token(&second).await, DENIED, "revoked");
    assert_eq!(world.asked(ORDER), 1);
}

#[tokio::test]
async fn every_instance_takes_the_tokens_of_the_others() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let own = token(&bot).await;
    let second = world.second_server().await;
    let mut talk = Talk::with(&bot.moved_to(&world.api.moved_to(&second)), own).await;
    done(&talk.ask("add_order", buy("BTC/USD")).await);
}

#[tokio::test]
async fn without_a_token_from_the_exchange_no_frame_is_sent_and_the_next_one_asks_again() {
    let world = World::with(|config| config.gateway.timeout_ms = 1000).await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    for (fault, code, rule) in [
        (Fault::DropBefore, "EService:Unavailable", "exchange-unreachable"),
        (Fault::DropAfter, "EService:Unavailable", "exchange-unreachable"),
        (Fault::Garbage, "EService:Unavailable", "unavailable"),
        (Fault::RateLimited { retry_after_s: 1 }, "EOrder:Rate limit exceeded", "exchange-token"),
        (Fault::EchoKey, DENIED, "exchange-token"),
    ] {
        world.fault(fault, TOKEN);
        let told = talk.ask("add_order", buy("BTC/USD")).await;
        refused(&told, code, rule);
        assert!(!told.to_string().contains(&key("kraken", "trade").api_key), "{told}");
    }
    assert_eq!(world.asked(ORDER), 0);
    let not_sent = "api_key_usage_audit where phase = 'outcome' and endpoint = '/0/private/AddOrder'
        and success = false and error_message like 'not sent:%'";
    assert_eq!(world.count(not_sent).await, 5);
    done(&talk.ask("add_order", buy("BTC/USD")).await);
    let asked =
        format!("api_key_usage_audit where endpoint = '{TOKEN}' and phase = 'intent' and class = 'session'");
    assert_eq!(world.count(&asked).await, 6);
}

#[tokio::test]
async fn token_that_the_exchange_does_not_take_is_replaced_for_the_next_frame() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let mut talk = Talk::of(&bot).await;
    world.fault(Fault::Skew { ms: 901_000 }, ORDER);
    let told = talk.ask("add_order", buy("BTC/USD")).await;
    assert_eq!((&told["success"], &told["error"]), (&json!(false), &json!("ESession:Invalid session")));
    done(&talk.ask("add_order", buy("BTC/USD")).await);
    assert_eq!((world.asked(TOKEN), world.asked(ORDER)), (2, 2));
}

/// The demo exchange refuses every nonce that is not larger than the one before.
#[tokio::test]
async fn tokens_are_fetched_in_the_queue_of_the_keys_nonces() {
    let world = World::new().await;
    let bot = world.bot("kraken", "trade").await;
    let mut talks = Vec::new();
    for _ in 0..6 {
        talks.push(Talk::of(&bot).await);
    }
    let streams =
        talks.into_iter().map(|mut talk| async move { done(&talk.ask("cancel_all", json!({})).await) });
    let balance = async || Reply::of(call(&bot, "/0/private/Balance", next_nonce())).await.is(200);
    let calls = (0..6).map(|_| balance());
    let (_, balances) =
        tokio::join!(futures_util::future::join_all(streams), futures_util::future::join_all(calls));
    assert!(balances.iter().all(|told| told["error"] == json!([])), "{balances:?}");
    assert_eq!(world.asked(TOKEN), 6);
}
