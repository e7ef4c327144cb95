//! Who gets in at Coinone, and with what numbers others are turned away.

use demo_exchange::Config;
use serde_json::json;

use crate::caller::{NOW, Reply, World, http};

const BALANCE: &str = "/v2.1/account/balance/all";
const OLD_BALANCE: &str = "/v2/account/balance";

fn uuid(n: u32) -> String {
    format!("11111111-0000-4000-8000-{n:012}")
}

#[tokio::test]
async fn each_spelling_of_the_secret_opens_its_own_account_only() {
    let mut world = World::new().await;
    for name in ["raw", "upper"] {
        world.coinone(name, BALANCE, json!({})).await.ok();
        world.coinone(name, OLD_BALANCE, json!({})).await.ok();
        let signer = world.exchange.requests().pop().unwrap().signed_by.unwrap();
        assert_eq!((signer.exchange, signer.account.as_str()), ("coinone", name));
    }
    // The same secrets, spelled the other way round.
    for account in &mut world.config.exchanges.get_mut("coinone").unwrap().accounts {
        for key in &mut account.keys {
            key.credential = match &key.credential {
                demo_exchange::Credential::Hmac(secret) => {
                    demo_exchange::Credential::HmacUpper(secret.clone())
                }
                demo_exchange::Credential::HmacUpper(secret) => {
                    demo_exchange::Credential::Hmac(secret.clone())
                }
                _ => panic!("not a Coinone key"),
            };
        }
    }
    for name in ["raw", "upper"] {
        world.coinone(name, BALANCE, json!({})).await.failed("123");
        world.coinone(name, OLD_BALANCE, json!({})).await.ok();
    }
}

#[tokio::test]
async fn each_missing_part_has_its_own_number() {
    let world = World::new().await;
    let token = world.coinone_key("raw").api_key;
    let post = |headers: &[(&str, &str)]| {
        let request = world.request("POST", BALANCE);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    Reply::of(post(&[])).await.failed("120");
    Reply::of(post(&[("x-coinone-payload", "e30=")])).await.failed("121");
    Reply::of(post(&[("x-coinone-payload", "e30="), ("x-coinone-signature", "00")])).await.failed("11");
    Reply::of(post(&[("x-coinone-payload", "?"), ("x-coinone-signature", "00")])).await.failed("107");
    world
        .coinone_sealed("raw", BALANCE, &json!({ "access_token": "nobody", "nonce": uuid(1) }))
        .await
        .failed("12");
    world.coinone_sealed("raw", BALANCE, &json!({ "access_token": token })).await.failed("122");
}

#[tokio::test]
async fn the_signature_covers_the_payload_text() {
    let world = World::new().await;
    let payload = json!({ "access_token": world.coinone_key("raw").api_key, "nonce": uuid(1) });
    let upper = json!({ "access_token": world.coinone_key("upper").api_key, "nonce": uuid(1) });
    world.coinone_sealed("upper", BALANCE, &payload).await.failed("123");
    world.coinone_sealed("raw", BALANCE, &upper).await.failed("123");
    assert!(world.exchange.requests().iter().all(|request| request.signed_by.is_none()));
    world.coinone_sealed("raw", BALANCE, &payload).await.ok();
}

#[tokio::test]
async fn a_nonce_counts_once_and_has_the_form_its_api_wants() {
    let world = World::new().await;
    let payload = |nonce: &str| json!({ "access_token": world.coinone_key("raw").api_key, "nonce": nonce });
    world.coinone_sealed("raw", BALANCE, &payload(&uuid(1))).await.ok();
    world.coinone_sealed("raw", BALANCE, &payload(&uuid(1))).await.failed("132");
    world.coinone_sealed("raw", BALANCE, &payload(&uuid(1).to_uppercase())).await.failed("132");
    world.coinone_sealed("raw", BALANCE, &payload("1700000000")).await.failed("133");
    world.coinone_sealed("raw", OLD_BALANCE, &payload("5")).await.ok();
    world.coinone_sealed("raw", OLD_BALANCE, &payload("5")).await.failed("131");
    world.coinone_sealed("raw", OLD_BALANCE, &payload("4")).await.failed("131");
    world.coinone_sealed("raw", OLD_BALANCE, &payload(&uuid(2))).await.failed("130");
    world.coinone_sealed("raw", OLD_BALANCE, &payload("6")).await.ok();
}

#[tokio::test]
async fn a_refused_signature_does_not_use_the_nonce_up() {
    let world = World::new().await;
    let payload = json!({ "access_token": world.coinone_key("raw").api_key, "nonce": uuid(1) });
    world.coinone_sealed("upper", BALANCE, &payload).await.failed("123");
    world.coinone_sealed("raw", BALANCE, &payload).await.ok();
}

#[tokio::test]
async fn a_key_does_what_it_was_given_and_no_more() {
    let mut world = World::new().await;
    let order = json!({ "quote_currency": "KRW", "target_currency": "BTC", "side": "BUY", "type": "LIMIT",
                        "price": "79000000", "qty": "0.001", "post_only": false });
    world.coinone("read-only", "/v2.1/order", order.clone()).await.failed("40");
    world.coinone("upper", "/v2.1/order", order).await.ok();
    let out = json!({ "currency": "BTC", "amount": "0.1", "address": "demo-registered-address" });
    world.coinone("upper", "/v2.1/transaction/coin/withdrawal", out.clone()).await.failed("40");
    world.coinone("withdraw", "/v2.1/transaction/coin/withdrawal", out).await.ok();
    world.coinone("ip-bound", BALANCE, json!({})).await.failed("10");
    world.http = http("127.0.0.2");
    world.coinone("ip-bound", BALANCE, json!({})).await.ok();
}

#[tokio::test]
async fn private_calls_are_posts_and_unknown_pages_are_not_found() {
    let world = World::new().await;
    for target in [BALANCE, "/public/v2/nothing", "/nothing"] {
        let reply = world.public(target).await;
        assert_eq!((reply.status, &reply.body["error_code"]), (404, &json!("404")), "{target}");
    }
    assert_eq!(world.coinone("raw", "/v2.1/order/nothing", json!({})).await.status, 404);
}

#[tokio::test]
async fn a_caller_in_a_hurry_is_blocked_for_a_while() {
    let mut config = Config::demo();
    config.limits.requests_1m = Some(2);
    let world = World::with(config).await;
    world.public("/public/v2/currencies").await.ok();
    world.coinone("raw", BALANCE, json!({})).await.ok();
    world.public("/public/v2/currencies").await.failed("4");
    world.coinone("raw", BALANCE, json!({})).await.failed("4");
    world.advance(60_000);
    assert_eq!(world.public("/public/v2/currencies").await.ok()["server_time"], NOW + 60_000);
}
