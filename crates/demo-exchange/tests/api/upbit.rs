//! Upbit's strictness: tokens, nonces, scopes, orders.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use demo_exchange::{Config, Key};
use serde_json::{Value, json};

use crate::caller::{Reply, World, http};

const KEY: &str = "DemoUpbitTradeKey0002";
const SECRET: &str = "DemoUpbitTradeSecret0002";

type Params<'a> = &'a [(&'a str, &'a str)];

/// A token signed by the secret, with the hash of the parameters if there are any.
fn token(api_key: &str, secret: &str, nonce: &str, params: Params) -> String {
    let mut claims = json!({ "access_key": api_key, "nonce": nonce });
    if !params.is_empty() {
        let text: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let hash = digest::digest(&digest::SHA512, text.join("&").as_bytes());
        claims["query_hash"] = HEXLOWER.encode(hash.as_ref()).into();
        claims["query_hash_alg"] = "SHA512".into();
    }
    sealed(hmac::HMAC_SHA256, "HS256", secret, &claims)
}

fn sealed(algorithm: hmac::Algorithm, name: &str, secret: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": name, "typ": "JWT" })), part(claims));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// Sends parameters as JSON or as a query, as the method wants, under a token.
async fn send(world: &World, method: &str, path: &str, params: Params<'_>, token: &str) -> Reply {
    let url = format!("{}{path}", world.exchange.origin("upbit"));
    let request = world.http.request(method.parse().unwrap(), url).bearer_auth(token);
    let fields = params.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    Reply::of(match method {
        "POST" => request.body(Value::Object(fields.collect()).to_string()),
        _ => request.query(params),
    })
    .await
}

/// A call signed by the named key, under a nonce of its own.
async fn call(world: &World, name: &str, method: &str, path: &str, params: Params<'_>) -> Reply {
    let (api_key, secret) = match name {
        "read-only" => ("DemoUpbitReadOnlyKey0001", "DemoUpbitReadOnlySecret0001"),
        "withdraw" => ("DemoUpbitWithdrawKey0003", "DemoUpbitWithdrawSecret0003"),
        _ => (KEY, SECRET),
    };
    let nonce = format!("nonce-{}", world.exchange.requests().len());
    send(world, method, path, params, &token(api_key, secret, &nonce, params)).await
}

#[track_caller]
fn refused(reply: &Reply, status: u16, name: &str) {
    assert_eq!((reply.status, &reply.body["error"]["name"]), (status, &json!(name)), "{:?}", reply.body);
}

const LIMIT: Params = &[
    ("market", "KRW-BTC"),
    ("side", "bid"),
    ("ord_type", "limit"),
    ("volume", "0.01"),
    ("price", "70000000"),
];

#[tokio::test]
async fn a_token_holds_for_its_key_and_its_parameters_alone() {
    let world = World::new().await;
    let order = |token: String| send_order(&world, token);
    refused(&order("no-token".to_owned()).await, 401, "jwt_verification");
    refused(&order(token("nobody", SECRET, "1", LIMIT)).await, 401, "invalid_access_key");
    refused(&order(token(KEY, "another", "2", LIMIT)).await, 401, "jwt_verification");
    refused(&order(token(KEY, SECRET, "3", &LIMIT[1..])).await, 401, "invalid_query_payload");
    refused(&order(token(KEY, SECRET, "4", &[])).await, 401, "invalid_query_payload");
    assert_eq!(order(token(KEY, SECRET, "5", LIMIT)).await.status, 201);
}

async fn send_order(world: &World, token: String) -> Reply {
    send(world, "POST", "/v1/orders", LIMIT, &token).await
}

#[tokio::test]
async fn a_nonce_is_used_once_and_not_by_a_wrong_signature() {
    let world = World::new().await;
    let accounts = async |token: String| send(&world, "GET", "/v1/accounts", &[], &token).await;
    refused(&accounts(token(KEY, "another", "1", &[])).await, 401, "jwt_verification");
    assert_eq!(accounts(token(KEY, SECRET, "1", &[])).await.status, 200);
    world.advance(86_400_000);
    refused(&accounts(token(KEY, SECRET, "1", &[])).await, 401, "nonce_used");
    refused(&accounts(token(KEY, SECRET, "", &[])).await, 401, "jwt_verification");
}

#[tokio::test]
async fn both_documented_hashes_are_accepted() {
    let world = World::new().await;
    let claims = json!({ "access_key": KEY, "nonce": "1" });
    let token = sealed(hmac::HMAC_SHA512, "HS512", SECRET, &claims);
    assert_eq!(send(&world, "GET", "/v1/accounts", &[], &token).await.status, 200);
    let token = sealed(hmac::HMAC_SHA384, "HS384", SECRET, &claims);
    refused(&send(&world, "GET", "/v1/accounts", &[], &token).await, 401, "jwt_verification");
}

#[tokio::test]
async fn a_foreign_address_and_a_missing_scope_are_refused() {
    let mut world = World::with(Config::demo()).await;
    refused(&call(&world, "read-only", "POST", "/v1/orders", LIMIT).await, 401, "out_of_scope");
    let withdrawal: Params =
        &[("currency", "BTC"), ("net_type", "BTC"), ("amount", "0.1"), ("address", "bc1")];
    refused(&call(&world, "trade", "POST", "/v1/withdraws/coin", withdrawal).await, 401, "out_of_scope");
    assert_eq!(call(&world, "withdraw", "POST", "/v1/withdraws/coin", withdrawal).await.status, 201);
    let bind = |key: &mut Key| key.ips = vec!["127.0.0.7".parse().unwrap()];
    assert!(world.exchange.change_key("upbit", KEY, bind));
    refused(&call(&world, "trade", "GET", "/v1/accounts", &[]).await, 401, "no_authorization_ip");
    world.http = http("127.0.0.7");
    assert_eq!(call(&world, "trade", "GET", "/v1/accounts", &[]).await.status, 200);
}

#[tokio::test]
async fn orders_live_and_die_and_no_money_is_made() {
    let world = World::new().await;
    let supply = || (world.exchange.supply("upbit", "BTC"), world.exchange.supply("upbit", "KRW"));
    let before = supply();
    let order = call(&world, "trade", "POST", "/v1/orders", LIMIT).await.body;
    assert_eq!((&order["state"], &order["locked"]), (&json!("wait"), &json!("700000")));
    let open = call(&world, "trade", "GET", "/v1/orders/open", &[("market", "KRW-BTC")]).await.ok();
    assert_eq!(open[0]["uuid"], order["uuid"]);
    let named: Params = &[("uuid", order["uuid"].as_str().unwrap())];
    refused(&call(&world, "read-only", "GET", "/v1/order", named).await, 404, "order_not_found");
    assert_eq!(call(&world, "trade", "DELETE", "/v1/order", named).await.ok()["state"], "cancel");
    refused(&call(&world, "trade", "DELETE", "/v1/order", named).await, 404, "order_not_found");
    let market = [("market", "KRW-BTC"), ("side", "bid"), ("ord_type", "price"), ("price", "100000")];
    let bought = call(&world, "trade", "POST", "/v1/orders", &market).await.body;
    assert_eq!((&bought["state"], &bought["volume"]), (&json!("done"), &Value::Null));
    let market = [("market", "KRW-BTC"), ("side", "ask"), ("ord_type", "market"), ("volume", "0.02")];
    assert_eq!(call(&world, "trade", "POST", "/v1/orders", &market).await.body["executed_volume"], "0.02");
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn orders_that_break_a_rule_are_refused() {
    let world = World::new().await;
    let changed = |name: &str, value: &'static str| {
        let keep =
            |(known, old): &(&'static str, &'static str)| (*known, if *known == name { value } else { old });
        LIMIT.iter().map(keep).collect::<Vec<_>>()
    };
    for (name, value, error) in [
        ("market", "KRW-DOGE", "validation_error"),
        ("side", "buy", "validation_error"),
        ("ord_type", "stop", "validation_error"),
        ("ord_type", "price", "create_bid_error"),
        ("ord_type", "market", "create_bid_error"),
        ("volume", "1e-2", "validation_error"),
        ("volume", "-1", "validation_error"),
        ("volume", "0.000000001", "validation_error"),
        ("volume", "0.00001", "under_min_total_bid"),
        ("volume", "9001", "volume_too_large"),
        ("volume", "5", "insufficient_funds_bid"),
        ("price", "70000500", "invalid_price_bid"),
        ("price", "99999999999999999999", "invalid_price_bid"),
    ] {
        let reply = call(&world, "trade", "POST", "/v1/orders", &changed(name, value)).await;
        assert_eq!(reply.body["error"]["name"], error, "{name}={value}");
        assert_eq!(reply.status, 400);
    }
    assert_eq!(call(&world, "trade", "GET", "/v1/orders/open", &[]).await.ok(), json!([]));
}

#[tokio::test]
async fn a_key_reads_the_keys_of_its_account_and_when_they_end() {
    let world = World::new().await;
    let keys = call(&world, "trade", "GET", "/v1/api_keys", &[]).await.ok();
    assert_eq!(keys, json!([{ "access_key": KEY, "expire_at": "2024-11-14T07:13:20+09:00" }]));
    let nowhere = call(&world, "trade", "GET", "/v1/nowhere", &[]).await;
    assert_eq!((nowhere.status, &nowhere.body["error"]["name"]), (404, &json!(404)));
    assert_eq!(nowhere.headers["remaining-req"], "group=default; min=1799; sec=29");
    let missing = call(&world, "trade", "GET", "/v1/ticker", &[]).await;
    assert_eq!((missing.status, &missing.body["error"]["name"]), (400, &json!(400)));
}
