//! How strict Crypto.com's API v1 is.

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use demo_exchange::{Config, Key};
use serde_json::{Value, json};

use crate::caller::{NOW, Reply, World, http, secret, text};

fn key(world: &World, name: &str) -> Key {
    world.config.exchanges["cryptocom"].account(name).unwrap().keys[0].clone()
}

/// An envelope signed by this key; `params` are given twice, as they are sent and as they are signed.
fn envelope(key: &Key, method: &str, nonce: i64, params: &Value, signed: &str) -> Value {
    let secret = secret(key);
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let text = format!("{method}7{}{signed}{nonce}", key.api_key);
    let signature = HEXLOWER.encode(hmac::sign(&secret, text.as_bytes()).as_ref());
    json!({ "id": 7, "method": method, "params": params, "api_key": key.api_key, "sig": signature, "nonce": nonce })
}

/// Parameters that are no lists, as they are signed.
fn flat(params: &Value) -> String {
    let mut fields: Vec<_> = params.as_object().unwrap().iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    fields.into_iter().map(|(name, value)| format!("{name}{}", value.as_str().unwrap())).collect()
}

async fn send(world: &World, path: &str, body: &Value) -> Reply {
    let request = world.http.post(format!("{}/exchange/v1/{path}", world.exchange.origin("cryptocom")));
    Reply::of(request.body(body.to_string())).await
}

/// Calls a method, signed rightly by the named key.
async fn call(world: &World, name: &str, method: &str, params: Value) -> Reply {
    let signed = flat(&params);
    send(world, method, &envelope(&key(world, name), method, NOW, &params, &signed)).await
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: u32) {
    assert_eq!((reply.status, &reply.body["code"]), (status, &json!(code)), "{:?}", reply.body);
}

fn order(side: &str, price: &str, quantity: &str) -> Value {
    json!({ "instrument_name": "BTC_USDT", "side": side, "type": "LIMIT", "price": price, "quantity": quantity })
}

#[tokio::test]
async fn a_signature_covers_the_method_the_key_and_every_parameter() {
    let world = World::new().await;
    let method = "private/user-balance";
    let own = key(&world, "trade");
    let right = envelope(&own, method, NOW, &json!({}), "");
    assert_eq!(send(&world, method, &right).await.ok()["id"], 7);
    for (name, other) in [("id", json!(8)), ("params", json!({ "a": "b" })), ("nonce", json!(NOW + 1))] {
        let mut bent = right.clone();
        bent[name] = other;
        refused(&send(&world, method, &bent).await, 401, 40101);
    }
    let stranger = Key { api_key: "nobody".to_owned(), ..own };
    refused(&send(&world, method, &envelope(&stranger, method, NOW, &json!({}), "")).await, 401, 40101);
    refused(&send(&world, "private/get-open-orders", &right).await, 400, 40003);
    refused(&send(&world, method, &json!("no envelope")).await, 400, 40004);
}

#[tokio::test]
async fn lists_are_signed_item_by_item() {
    let world = World::new().await;
    let orders = json!([order("BUY", "50000", "0.001"), order("BUY", "50000", "9")]);
    let params = json!({ "contingency_type": "LIST", "order_list": orders });
    let items: String = orders.as_array().unwrap().iter().map(flat).collect();
    let signed = format!("contingency_typeLISTorder_list{items}");
    let method = "private/create-order-list";
    let body = envelope(&key(&world, "trade"), method, NOW, &params, &signed);
    let placed = send(&world, method, &body).await.ok();
    let codes: Vec<&Value> = placed["result"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, [&json!(0), &json!(306)]);
    let open = call(&world, "trade", "private/get-open-orders", json!({})).await.ok();
    assert_eq!(open["result"]["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_nonce_is_within_a_minute() {
    let world = World::new().await;
    let method = "private/user-balance";
    for (nonce, status) in
        [(NOW - 60_000, 200), (NOW + 60_000, 200), (NOW - 60_001, 400), (NOW + 60_001, 400)]
    {
        let reply =
            send(&world, method, &envelope(&key(&world, "trade"), method, nonce, &json!({}), "")).await;
        refused(&reply, status, if status == 200 { 0 } else { 40102 });
    }
}

#[tokio::test]
async fn keys_reach_as_far_as_their_permissions_and_addresses() {
    let mut config = Config::demo();
    let accounts = &mut config.exchanges.get_mut("cryptocom").unwrap().accounts;
    accounts[1].keys[0].ips = vec!["127.0.0.2".parse().unwrap()];
    let mut world = World::with(config).await;
    refused(
        &call(&world, "read-only", "private/create-order", order("BUY", "50000", "0.001")).await,
        401,
        40104,
    );
    refused(&call(&world, "trade", "private/user-balance", json!({})).await, 401, 40103);
    world.http = http("127.0.0.2");
    call(&world, "trade", "private/user-balance", json!({})).await.ok();
    let coins = json!({ "currency": "BTC", "amount": "0.1", "address": "bc1qfake" });
    refused(&call(&world, "trade", "private/create-withdrawal", coins.clone()).await, 401, 40104);
    let sent = call(&world, "withdraw", "private/create-withdrawal", coins).await.ok();
    assert_eq!(sent["result"]["amount"], "0.1");
}

#[tokio::test]
async fn an_order_fills_rests_and_is_cancelled_with_money_conserved() {
    let world = World::new().await;
    let supply = || ["BTC", "USDT"].map(|asset| world.exchange.supply("cryptocom", asset));
    let before = supply();
    let mut wanted = order("BUY", "60010", "0.01");
    wanted["client_oid"] = "mine".into();
    let placed = call(&world, "trade", "private/create-order", wanted.clone()).await.ok();
    assert_eq!(placed["result"]["client_oid"], "mine");
    refused(&call(&world, "trade", "private/create-order", wanted).await, 400, 204);
    let told = call(&world, "trade", "private/get-order-detail", json!({ "client_oid": "mine" })).await.ok();
    assert_eq!(
        (&told["result"]["status"], &told["result"]["avg_price"]),
        (&json!("FILLED"), &json!("60010"))
    );
    let spend = json!({ "instrument_name": "BTC_USDT", "side": "BUY", "type": "MARKET", "notional": "100" });
    call(&world, "trade", "private/create-order", spend).await.ok();
    let placed = call(&world, "trade", "private/create-order", order("SELL", "70000", "0.01")).await.ok();
    let id = json!({ "order_id": text(&placed["result"]["order_id"]) });
    call(&world, "trade", "private/cancel-order", id.clone()).await.ok();
    refused(&call(&world, "trade", "private/cancel-order", id).await, 200, 40401);
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn what_an_order_may_not_be_has_its_number() {
    let world = World::new().await;
    let changed = |name: &str, value: &str| {
        let mut order = order("BUY", "50000", "0.001");
        order[name] = value.into();
        order
    };
    let cases = [
        (changed("price", "50000.01"), 308),
        (changed("price", "5e4"), 308),
        (changed("quantity", "0.00011"), 213),
        (changed("quantity", "-1"), 213),
        (changed("quantity", "0"), 415),
        (changed("price", "1"), 415),
        (changed("quantity", "9001"), 314),
        (changed("quantity", "9"), 306),
        (changed("side", "buy"), 220),
        (changed("type", "STOP_LOSS"), 218),
        (changed("time_in_force", "GTC"), 221),
        (changed("instrument_name", "BTCUSDT"), 209),
    ];
    for (order, code) in cases {
        refused(&call(&world, "trade", "private/create-order", order).await, 400, code);
    }
    refused(&call(&world, "trade", "private/nothing", json!({})).await, 404, 40002);
}

#[tokio::test]
async fn the_public_reads_without_a_key() {
    let world = World::new().await;
    let get = |path: &str| {
        Reply::of(world.http.get(format!("{}/exchange/v1/public/{path}", world.exchange.origin("cryptocom"))))
    };
    assert_eq!(get("get-tickers?instrument_name=BTC_USDT").await.ok()["result"]["data"][0]["a"], "60000");
    assert_eq!(get("get-tickers").await.ok()["result"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        get("get-book?instrument_name=BTC_USDT&depth=1").await.ok()["result"]["data"][0]["asks"][0][0],
        "60010"
    );
    refused(&get("get-book?instrument_name=nothing").await, 400, 209);
    let candles = get("get-candlestick?instrument_name=BTC_USDT&timeframe=1h&count=3").await.ok();
    assert_eq!(candles["result"]["data"].as_array().unwrap().len(), 3);
}
