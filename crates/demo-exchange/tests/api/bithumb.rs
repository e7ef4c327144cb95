//! Bithumb's strictness: tokens with a time, the three headers of API 1.0, scopes, orders.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use data_encoding::HEXLOWER;
use demo_exchange::Key;
use serde_json::{Value, json};

use crate::caller::{FORM, NOW, Reply, World, http};

const KEY: &str = "DemoBithumbTradeKey0002";
const SECRET: &str = "DemoBithumbTradeSecret0002";

/// A token of this time, with the hash of this text of the parameters.
fn token(api_key: &str, secret: &str, at: i64, text: &str) -> String {
    let mut claims = json!({ "access_key": api_key, "nonce": "n", "timestamp": at });
    if !text.is_empty() {
        let hash = digest::digest(&digest::SHA512, text.as_bytes());
        claims["query_hash"] = HEXLOWER.encode(hash.as_ref()).into();
        claims["query_hash_alg"] = "SHA512".into();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

async fn send(world: &World, method: &str, target: &str, body: &Value, token: &str) -> Reply {
    let url = format!("{}{target}", world.exchange.origin("bithumb"));
    let request = world.http.request(method.parse().unwrap(), url).bearer_auth(token);
    Reply::of(if body.is_null() { request } else { request.body(body.to_string()) }).await
}

fn pair_of(name: &str) -> (&'static str, &'static str) {
    match name {
        "read-only" => ("DemoBithumbReadOnlyKey0001", "DemoBithumbReadOnlySecret0001"),
        "withdraw" => ("DemoBithumbWithdrawKey0003", "DemoBithumbWithdrawSecret0003"),
        _ => (KEY, SECRET),
    }
}

/// A call of the second API, signed by the named key.
async fn call(world: &World, name: &str, method: &str, target: &str, body: Value) -> Reply {
    let (api_key, secret) = pair_of(name);
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let text = if body.is_null() { query.to_owned() } else { flat(&body) };
    send(world, method, target, &body, &token(api_key, secret, world.now(), &text)).await
}

fn flat(body: &Value) -> String {
    let fields = body.as_object().unwrap().iter();
    fields.map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect::<Vec<_>>().join("&")
}

/// A call of API 1.0 at this time, signed by the named key.
async fn call_v1(world: &World, name: &str, path: &str, fields: &str, at: i64) -> Reply {
    let (api_key, secret) = pair_of(name);
    let body = format!("endpoint={}&{fields}", path.replace('/', "%2F"));
    let message = format!("{path}\0{body}\0{at}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes()), message.as_bytes());
    let request = world.http.post(format!("{}{path}", world.exchange.origin("bithumb")));
    let request = request.header("api-key", api_key).header("api-nonce", at).header("content-type", FORM);
    Reply::of(request.header("api-sign", STANDARD.encode(HEXLOWER.encode(tag.as_ref()))).body(body)).await
}

fn order() -> Value {
    json!({ "market": "KRW-BTC", "side": "bid", "order_type": "limit", "volume": "0.01", "price": "70000000" })
}

#[track_caller]
fn refused(reply: &Reply, status: u16, name: &str) {
    assert_eq!((reply.status, &reply.body["error"]["name"]), (status, &json!(name)), "{:?}", reply.body);
}

#[track_caller]
fn refused_v1(reply: &Reply, code: &str, message: &str) {
    let told = (&reply.body["status"], &reply.body["message"]);
    assert_eq!((reply.status, told), (200, (&json!(code), &json!(message))));
}

#[tokio::test]
async fn a_token_holds_for_its_key_its_time_and_its_parameters() {
    let world = World::new().await;
    let accounts = async |token: String| send(&world, "GET", "/v1/accounts", &Value::Null, &token).await;
    refused(&accounts("none".to_owned()).await, 401, "jwt_verification");
    refused(&accounts(token("nobody", SECRET, NOW, "")).await, 401, "invalid_access_key");
    refused(&accounts(token(KEY, "another", NOW, "")).await, 401, "jwt_verification");
    refused(&accounts(token(KEY, SECRET, NOW, "a=1")).await, 401, "invalid_query_payload");
    refused(&accounts(token(KEY, SECRET, NOW - 20_001, "")).await, 401, "expired_jwt");
    refused(&accounts(token(KEY, SECRET, NOW + 20_001, "")).await, 401, "expired_jwt");
    assert_eq!(accounts(token(KEY, SECRET, NOW - 20_000, "")).await.status, 200);
}

#[tokio::test]
async fn names_and_values_are_hashed_as_they_are_escaped() {
    let world = World::new().await;
    let body = json!({ "client_order_id": "é 1/2", "x": ["a b", "c"] });
    let text = "client_order_id=%C3%A9%201%2F2&x[]=a%20b&x[]=c";
    let reply = send(&world, "POST", "/v2/orders", &body, &token(KEY, SECRET, NOW, text)).await;
    refused(&reply, 400, "invalid_parameter");
    let decoded = "client_order_id=é 1/2&x[]=a b&x[]=c";
    let reply = send(&world, "POST", "/v2/orders", &body, &token(KEY, SECRET, NOW, decoded)).await;
    refused(&reply, 401, "invalid_query_payload");
}

#[tokio::test]
async fn a_foreign_address_and_a_missing_scope_are_refused() {
    let mut world = World::new().await;
    refused(&call(&world, "read-only", "POST", "/v2/orders", order()).await, 401, "out_of_scope");
    let withdrawal = json!({ "currency": "BTC", "net_type": "BTC", "amount": "0.1", "address": "bc1" });
    let withdraw = async |name| call(&world, name, "POST", "/v1/withdraws/coin", withdrawal.clone()).await;
    refused(&withdraw("trade").await, 401, "out_of_scope");
    assert_eq!(withdraw("withdraw").await.ok()["amount"], "0.1");
    let denied = call_v1(&world, "read-only", "/trade/market_sell", "order_currency=BTC&units=1", NOW).await;
    refused_v1(&denied, "5302", "Method Not Allowed.(Access)");
    let bind = |key: &mut Key| key.ips = vec!["127.0.0.7".parse().unwrap()];
    assert!(world.exchange.change_key("bithumb", KEY, bind));
    refused(&call(&world, "trade", "GET", "/v1/accounts", Value::Null).await, 401, "NotAllowIP");
    let balance = call_v1(&world, "trade", "/info/balance", "currency=ALL", NOW).await;
    refused_v1(&balance, "5302", "Method Not Allowed.(Access IP)");
    world.http = http("127.0.0.7");
    assert_eq!(call(&world, "trade", "GET", "/v1/accounts", Value::Null).await.status, 200);
}

#[tokio::test]
async fn api_1_checks_key_time_signature_and_endpoint() {
    let world = World::new().await;
    let balance = call_v1(&world, "trade", "/info/balance", "currency=BTC", NOW).await.ok();
    assert_eq!((&balance["status"], &balance["data"]["available_btc"]), (&json!("0000"), &json!("2")));
    let late = call_v1(&world, "trade", "/info/balance", "currency=BTC", NOW - 20_001).await;
    refused_v1(&late, "5100", "Bad Request.(Request Time)");
    let unsigned = |key: &'static str, body: &'static str| {
        let request = world.http.post(format!("{}/info/balance", world.exchange.origin("bithumb")));
        Reply::of(request.header("api-key", key).header("api-nonce", NOW).body(body))
    };
    refused_v1(&unsigned("nobody", "").await, "5300", "Invalid Apikey");
    refused_v1(&unsigned(KEY, "endpoint=%2Finfo%2Fbalance").await, "5300", "Invalid Apikey");
    let foreign =
        call_v1(&world, "trade", "/info/balance", "currency=BTC&endpoint=%2Finfo%2Faccount", NOW).await;
    refused_v1(&foreign, "5100", "Bad Request.(Auth Data)");
}

#[tokio::test]
async fn orders_live_and_die_and_no_money_is_made() {
    let world = World::new().await;
    let supply = || (world.exchange.supply("bithumb", "BTC"), world.exchange.supply("bithumb", "KRW"));
    let before = supply();
    let placed = call(&world, "trade", "POST", "/v2/orders", order()).await.ok();
    let id = placed["order_id"].as_str().unwrap();
    let open = call(&world, "trade", "GET", "/v1/orders?market=KRW-BTC&state=wait", Value::Null).await.ok();
    assert_eq!((&open[0]["uuid"], &open[0]["locked"]), (&placed["order_id"], &json!("700000")));
    let cancel = format!("/v2/order?order_id={id}");
    assert_eq!(call(&world, "trade", "DELETE", &cancel, Value::Null).await.ok(), json!({ "order_id": id }));
    refused(&call(&world, "trade", "DELETE", &cancel, Value::Null).await, 404, "order_not_found");
    let spend = json!({ "market": "KRW-BTC", "side": "bid", "order_type": "price", "price": "100000" });
    assert_eq!(call(&world, "trade", "POST", "/v2/orders", spend).await.ok()["order_type"], "price");
    let fields = "order_currency=BTC&payment_currency=KRW&units=0.02&price=70000000&type=bid";
    let placed = call_v1(&world, "trade", "/trade/place", fields, NOW).await.ok();
    let named = format!("order_currency=BTC&order_id={}&type=bid", placed["order_id"].as_str().unwrap());
    assert_eq!(
        call_v1(&world, "trade", "/trade/cancel", &named, NOW).await.ok(),
        json!({ "status": "0000" })
    );
    let sold = call_v1(&world, "trade", "/trade/market_sell", "order_currency=BTC&units=0.02", NOW).await;
    assert_eq!(sold.body["status"], "0000");
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn orders_that_break_a_rule_are_refused() {
    let world = World::new().await;
    for (name, value, error) in [
        ("market", "BTC-KRW", "invalid_parameter"),
        ("side", "BID", "invalid_parameter"),
        ("order_type", "price", "invalid_parameter"),
        ("volume", "0.00001", "invalid_parameter"),
        ("volume", "1e3", "invalid_parameter"),
        ("volume", "5", "insufficient_funds_bid"),
        ("price", "70000500", "invalid_price_bid"),
        ("price", "1000", "under_min_total_bid"),
    ] {
        let mut order = order();
        order[name] = value.into();
        refused(&call(&world, "trade", "POST", "/v2/orders", order).await, 400, error);
    }
    let both = [order(), json!({ "market": "KRW-BTC", "client_order_id": "b" })];
    let items = both.iter().map(|one| format!("batch_orders[]={}", escape(&one.to_string())));
    let text = items.collect::<Vec<_>>().join("&");
    let body = json!({ "batch_orders": both });
    let reply = send(&world, "POST", "/v2/orders/batch", &body, &token(KEY, SECRET, NOW, &text)).await.ok();
    assert_eq!(reply["batch_orders_response"][0]["side"], "bid");
    assert_eq!(reply["batch_orders_response"][1]["error"]["name"], "invalid_parameter");
}

fn escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'{' | b'}' | b'"' | b':' | b',' => format!("%{byte:02X}"),
        other => char::from(other).to_string(),
    };
    text.bytes().map(escape).collect()
}
