//! Coinbase's strictness: tokens made for one call, keys of the old kind, scopes, orders.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use data_encoding::HEXLOWER;
use demo_exchange::{Credential, Key, Pem, Permission};
use serde_json::{Value, json};

use crate::caller::{NOW, Reply, World, http};

const KEY: &str = "organizations/demo/apiKeys/trade";
const ACCOUNTS: &str = "/api/v3/brokerage/accounts";
const ORDERS: &str = "/api/v3/brokerage/orders";

fn ready_made(world: &World, name: &str) -> Key {
    let accounts = &world.config.exchanges["coinbase"].accounts;
    accounts.iter().flat_map(|account| &account.keys).find(|key| key.name == name).unwrap().clone()
}

/// What a token says when nothing is wrong with it.
fn claims(api_key: &str, uri: &str, now: i64) -> Value {
    let seconds = now / 1000;
    json!({ "aud": ["retail_rest_api_proxy"], "iss": "coinbase-cloud", "nbf": seconds, "exp": seconds + 120,
            "sub": api_key, "iat": seconds, "uri": uri })
}

fn sealed(algorithm: &str, api_key: &str, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": algorithm, "typ": "JWT", "kid": api_key, "nonce": "00" });
    let signed = format!("{}.{}", part(&header), part(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(sign(signed.as_bytes())))
}

/// A token with these claims, signed by the key.
fn token(key: &Key, claims: &Value) -> String {
    let der = key.private.as_ref().unwrap().der().unwrap();
    let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap();
    let sign = |message: &[u8]| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
    sealed("ES256", &key.api_key, claims, sign)
}

async fn send(world: &World, method: &str, target: &str, body: &Value, token: &str) -> Reply {
    let url = format!("{}{target}", world.exchange.origin("coinbase"));
    let request = world.http.request(method.parse().unwrap(), url).bearer_auth(token);
    Reply::of(if body.is_null() { request } else { request.body(body.to_string()) }).await
}

/// A call signed by the named key.
async fn call(world: &World, name: &str, method: &str, target: &str, body: Value) -> Reply {
    let key = ready_made(world, name);
    let path = target.split('?').next().unwrap();
    let claims = claims(&key.api_key, &format!("{method} api.coinbase.com{path}"), world.now());
    send(world, method, target, &body, &token(&key, &claims)).await
}

/// The accounts, with a token of these claims.
async fn accounts(world: &World, claims: &Value) -> Reply {
    send(world, "GET", ACCOUNTS, &Value::Null, &token(&ready_made(world, "trade"), claims)).await
}

#[track_caller]
fn unauthorized(reply: &Reply) {
    assert_eq!((reply.status, &reply.body), (401, &json!("Unauthorized\n")));
}

fn limit() -> Value {
    json!({ "client_order_id": "mine-1", "product_id": "BTC-USD", "side": "BUY",
            "order_configuration": { "limit_limit_gtc": { "base_size": "0.1", "limit_price": "50000" } } })
}

#[tokio::test]
async fn a_token_is_good_for_one_method_and_path() {
    let world = World::new().await;
    let called = world.exchange.origin("coinbase");
    let bare = called.trim_start_matches("http://");
    for host in ["api.coinbase.com", bare, called.as_str()] {
        let claims = claims(KEY, &format!("GET {host}{ACCOUNTS}"), NOW);
        assert_eq!(accounts(&world, &claims).await.status, 200, "{host}");
    }
    for uri in [
        format!("POST api.coinbase.com{ACCOUNTS}"),
        format!("GET api.coinbase.com{ORDERS}"),
        format!("GET api.exchange.coinbase.com{ACCOUNTS}"),
        format!("GET https://api.coinbase.com{ACCOUNTS}"),
    ] {
        unauthorized(&accounts(&world, &claims(KEY, &uri, NOW)).await);
    }
}

#[tokio::test]
async fn a_token_holds_for_its_key_alone() {
    let world = World::new().await;
    let right = claims(KEY, &format!("GET api.coinbase.com{ACCOUNTS}"), NOW);
    let other = Key { api_key: KEY.to_owned(), ..ready_made(&world, "withdraw") };
    let nobody =
        Key { api_key: "organizations/demo/apiKeys/nobody".to_owned(), ..ready_made(&world, "trade") };
    for token in ["none".to_owned(), token(&other, &right), token(&nobody, &right)] {
        unauthorized(&send(&world, "GET", ACCOUNTS, &Value::Null, &token).await);
    }
    unauthorized(&accounts(&world, &claims("organizations/demo/apiKeys/withdraw", "GET", NOW)).await);
    unauthorized(
        &Reply::of(world.http.get(format!("{}{ACCOUNTS}", world.exchange.origin("coinbase")))).await,
    );
}

#[tokio::test]
async fn a_token_lives_for_two_minutes() {
    let world = World::new().await;
    let right = claims(KEY, &format!("GET api.coinbase.com{ACCOUNTS}"), NOW);
    let seconds = NOW / 1000;
    for (name, value) in [
        ("exp", json!(seconds)),
        ("exp", json!(seconds + 121)),
        ("nbf", json!(seconds + 6)),
        ("nbf", Value::Null),
        ("iss", json!("somebody")),
    ] {
        let mut wrong = right.clone();
        wrong[name] = value;
        unauthorized(&accounts(&world, &wrong).await);
    }
    world.advance(119_999);
    assert_eq!(accounts(&world, &right).await.status, 200);
    world.advance(1);
    unauthorized(&accounts(&world, &right).await);
    let old = claims(KEY, "GET api.coinbase.com/v2/accounts", NOW);
    let late = token(&ready_made(&world, "trade"), &old);
    let late = send(&world, "GET", "/v2/accounts", &Value::Null, &late).await;
    let told = json!([{ "id": "authentication_error", "message": "request timestamp expired" }]);
    assert_eq!((late.status, &late.body["errors"]), (401, &told));
}

#[tokio::test]
async fn an_ed25519_key_names_its_call_in_a_list() {
    let world = World::new().await;
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let body = STANDARD.encode(pair.public_key().as_ref());
    let key = Key {
        name: "ed25519".to_owned(),
        api_key: "ed".to_owned(),
        credential: Credential::Ed25519(Pem { pem: "PUBLIC KEY".to_owned(), body }),
        ..ready_made(&world, "trade")
    };
    assert!(world.exchange.add_key("coinbase", "trade", key));
    let mut claims = claims("ed", "", NOW);
    claims["iss"] = "cdp".into();
    claims["uri"] = Value::Null;
    let sign = |message: &[u8]| pair.sign(message).as_ref().to_vec();
    unauthorized(&send(&world, "GET", ACCOUNTS, &Value::Null, &sealed("EdDSA", "ed", &claims, sign)).await);
    claims["uris"] = json!([format!("GET api.coinbase.com{ACCOUNTS}")]);
    let token = sealed("EdDSA", "ed", &claims, sign);
    assert_eq!(send(&world, "GET", ACCOUNTS, &Value::Null, &token).await.status, 200);
}

/// A call of an old key, signed over this text after its time.
async fn old_call(world: &World, target: &str, at: i64, text: &str) -> Reply {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), format!("{at}{text}").as_bytes());
    let request = world.http.get(format!("{}{target}", world.exchange.origin("coinbase")));
    let request = request.header("cb-access-key", "old").header("cb-access-timestamp", at);
    Reply::of(request.header("cb-access-sign", HEXLOWER.encode(tag.as_ref()))).await
}

#[tokio::test]
async fn an_old_key_signs_the_query_under_v2_and_not_under_v3() {
    let world = World::new().await;
    let key = Key {
        name: "old".to_owned(),
        api_key: "old".to_owned(),
        credential: Credential::Hmac("secret".to_owned()),
        private: None,
        ..ready_made(&world, "trade")
    };
    assert!(world.exchange.add_key("coinbase", "trade", key));
    let (v2, v3) = ("/v2/accounts?limit=5", format!("{ACCOUNTS}?limit=5"));
    let now = NOW / 1000;
    assert_eq!(old_call(&world, v2, now, &format!("GET{v2}")).await.status, 200);
    assert_eq!(old_call(&world, &v3, now - 30, &format!("GET{ACCOUNTS}")).await.status, 200);
    unauthorized(&old_call(&world, &v3, now, &format!("GET{v3}")).await);
    unauthorized(&old_call(&world, &v3, now - 31, &format!("GET{ACCOUNTS}")).await);
    let wrong = old_call(&world, v2, now, "GET/v2/accounts").await;
    assert_eq!((wrong.status, &wrong.body["errors"][0]["message"]), (401, &json!("invalid signature")));
}

#[tokio::test]
async fn a_foreign_address_and_a_missing_scope_are_refused() {
    let mut world = World::new().await;
    let denied = call(&world, "read-only", "POST", ORDERS, limit()).await;
    assert_eq!((denied.status, &denied.body["error"]), (403, &json!("PERMISSION_DENIED")));
    let send = json!({ "type": "send", "to": "bc1", "amount": "0.1", "currency": "BTC" });
    let denied = call(&world, "trade", "POST", "/v2/accounts/BTC/transactions", send.clone()).await;
    assert_eq!((denied.status, &denied.body["errors"][0]["id"]), (403, &json!("invalid_scope")));
    let sent = call(&world, "withdraw", "POST", "/v2/accounts/BTC/transactions", send).await;
    assert_eq!((sent.status, &sent.body["data"]["amount"]["amount"]), (201, &json!("-0.1")));
    let permissions =
        call(&world, "trade", "GET", "/api/v3/brokerage/key_permissions", Value::Null).await.ok();
    assert_eq!((&permissions["can_trade"], &permissions["can_transfer"]), (&json!(true), &json!(false)));
    let bind = |key: &mut Key| {
        key.ips = vec!["127.0.0.7".parse().unwrap()];
        key.permissions = vec![Permission::Read];
    };
    assert!(world.exchange.change_key("coinbase", KEY, bind));
    unauthorized(&call(&world, "trade", "GET", ACCOUNTS, Value::Null).await);
    world.http = http("127.0.0.7");
    let permissions =
        call(&world, "trade", "GET", "/api/v3/brokerage/key_permissions", Value::Null).await.ok();
    assert_eq!(permissions["can_trade"], false);
}

#[tokio::test]
async fn orders_live_and_die_and_no_money_is_made() {
    let world = World::new().await;
    let supply = || (world.exchange.supply("coinbase", "BTC"), world.exchange.supply("coinbase", "USD"));
    let before = supply();
    let order = call(&world, "trade", "POST", ORDERS, limit()).await.ok();
    let again = call(&world, "trade", "POST", ORDERS, limit()).await.ok();
    assert_eq!(order["order_id"], again["order_id"], "a client's id makes one order");
    let open = "/api/v3/brokerage/orders/historical/batch?order_status=OPEN&product_id=BTC-USD";
    let listed = call(&world, "trade", "GET", open, Value::Null).await.ok();
    assert_eq!(listed["orders"].as_array().unwrap().len(), 1);
    let held = call(&world, "trade", "GET", &format!("{ACCOUNTS}?limit=250"), Value::Null).await.ok();
    let usd = held["accounts"].as_array().unwrap().iter().find(|account| account["currency"] == "USD");
    assert_eq!(usd.unwrap()["hold"]["value"], "5000");
    let cancel = json!({ "order_ids": [order["order_id"], "unknown"] });
    let path = "/api/v3/brokerage/orders/batch_cancel";
    let results = call(&world, "trade", "POST", path, cancel.clone()).await.ok();
    assert_eq!(results["results"][0]["success"], true);
    assert_eq!(results["results"][1]["failure_reason"], "UNKNOWN_CANCEL_ORDER");
    let results = call(&world, "trade", "POST", path, cancel).await.ok();
    assert_eq!(results["results"][0]["success"], false);
    for (side, size) in [("BUY", json!({ "quote_size": "100" })), ("SELL", json!({ "base_size": "0.02" }))] {
        let order = json!({ "client_order_id": side, "product_id": "BTC-USD", "side": side,
                            "order_configuration": { "market_market_ioc": size } });
        assert_eq!(call(&world, "trade", "POST", ORDERS, order).await.ok()["success"], true);
    }
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn orders_that_break_a_rule_are_refused() {
    let world = World::new().await;
    for (field, value, reason) in [
        ("base_size", "0.000000001", "INVALID_BASE_SIZE_TOO_SMALL"),
        ("base_size", "0.100000001", "INVALID_SIZE_PRECISION"),
        ("base_size", "9001", "INVALID_BASE_SIZE_TOO_LARGE"),
        ("base_size", "8", "INSUFFICIENT_FUND"),
        ("limit_price", "50000.001", "INVALID_PRICE_PRECISION"),
        ("limit_price", "99999999999999999999", "INVALID_LIMIT_PRICE"),
        ("limit_price", "0.01", "INVALID_QUOTE_SIZE_TOO_SMALL"),
    ] {
        let mut order = limit();
        order["order_configuration"]["limit_limit_gtc"][field] = value.into();
        let reply = call(&world, "trade", "POST", ORDERS, order).await.ok();
        assert_eq!((&reply["success"], &reply["error_response"]["error"]), (&json!(false), &json!(reason)));
    }
    let two = json!({ "limit_limit_gtc": {}, "market_market_ioc": {} });
    for (field, value) in [
        ("side", json!("buy")),
        ("client_order_id", Value::Null),
        ("order_configuration", two),
        (
            "order_configuration",
            json!({ "limit_limit_gtc": { "base_size": "1e-1", "limit_price": "50000" } }),
        ),
        ("order_configuration", json!({ "limit_limit_gtc": { "base_size": "-1", "limit_price": "50000" } })),
    ] {
        let mut order = limit();
        order[field] = value;
        let reply = call(&world, "trade", "POST", ORDERS, order).await;
        assert_eq!((reply.status, &reply.body["error"]), (400, &json!("INVALID_ARGUMENT")), "{field}");
    }
    let nowhere = call(&world, "trade", "GET", "/api/v3/brokerage/nowhere", Value::Null).await;
    assert_eq!((nowhere.status, &nowhere.body["error"]), (404, &json!("NOT_FOUND")));
}
