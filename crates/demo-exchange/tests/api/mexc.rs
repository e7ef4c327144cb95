//! MEXC: who gets in, what is refused, and what becomes of an order.

use aws_lc_rs::hmac;
use data_encoding::{HEXLOWER, HEXUPPER};
use demo_exchange::{Config, Key};
use serde_json::{Value, json};

use crate::caller::{NOW, Reply, World, http, secret, text};

const ACCOUNT: &str = "/api/v3/account";
const ORDER: &str = "/api/v3/order";
const ASSETS: &str = "/api/v1/private/account/assets";

fn key(world: &World, name: &str) -> Key {
    let mut keys = world.config.exchanges["mexc"].accounts.iter().flat_map(|account| &account.keys);
    keys.find(|key| key.name == name).unwrap().clone()
}

fn mac(key: &Key, message: &str) -> Vec<u8> {
    let secret = secret(key);
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes()).as_ref().to_vec()
}

async fn sent(world: &World, api_key: &str, method: &str, target: &str) -> Reply {
    let url = format!("{}{target}", world.exchange.origin("mexc"));
    Reply::of(world.http.request(method.parse().unwrap(), url).header("x-mexc-apikey", api_key)).await
}

/// A call with exactly these parameters; only the signature is added.
async fn sealed(world: &World, name: &str, method: &str, path: &str, query: &str) -> Reply {
    let key = key(world, name);
    let signature = HEXLOWER.encode(&mac(&key, query));
    sent(world, &key.api_key, method, &format!("{path}?{query}&signature={signature}")).await
}

async fn call(world: &World, name: &str, method: &str, path: &str, params: &str) -> Reply {
    let separator = if params.is_empty() { "" } else { "&" };
    sealed(world, name, method, path, &format!("{params}{separator}timestamp={NOW}")).await
}

#[track_caller]
fn refused(reply: Reply, status: u16, code: i64) {
    assert_eq!((reply.status, &reply.body["code"]), (status, &json!(code)), "{:?}", reply.body);
}

/// Free and locked amount of the trading key's account.
async fn balance(world: &World, asset: &str) -> (String, String) {
    let account = call(world, "trade", "GET", ACCOUNT, "").await.ok();
    let found = account["balances"].as_array().unwrap().iter().find(|one| one["asset"] == asset).unwrap();
    (text(&found["free"]), text(&found["locked"]))
}

const LIMIT: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.01&price=50000";

#[tokio::test]
async fn the_signature_covers_the_query_and_is_in_small_letters() {
    let world = World::new().await;
    let trade = key(&world, "trade");
    let query = format!("{LIMIT}&timestamp={NOW}");
    let signature = mac(&trade, &query);
    for target in [
        format!("{ORDER}?{}&signature={}", query.replace("50000", "50001"), HEXLOWER.encode(&signature)),
        format!("{ORDER}?{query}&recvWindow=9000&signature={}", HEXLOWER.encode(&signature)),
        format!("{ORDER}?{query}&signature={}", HEXUPPER.encode(&signature)),
    ] {
        refused(sent(&world, &trade.api_key, "POST", &target).await, 400, 700_002);
    }
    let target = format!("{ORDER}?{query}&signature={}", HEXLOWER.encode(&signature));
    refused(sent(&world, &key(&world, "withdraw").api_key, "POST", &target).await, 400, 700_002);
    assert!(world.exchange.requests().iter().all(|request| request.signed_by.is_none()));
    sent(&world, &trade.api_key, "POST", &target).await.ok();
}

#[tokio::test]
async fn a_request_is_fresh_within_its_window_and_barely_ahead() {
    let world = World::new().await;
    let (old, ahead) = (NOW - 5001, NOW + 1000);
    for (query, code) in [
        (format!("timestamp={old}"), 700_003),
        (format!("timestamp={ahead}"), 700_003),
        (format!("timestamp={NOW}&recvWindow=60001"), 700_005),
        (format!("timestamp={NOW}&recvWindow=long"), 700_004),
        ("timestamp=today".to_owned(), 700_004),
        ("recvWindow=5000".to_owned(), 700_004),
    ] {
        refused(sealed(&world, "trade", "GET", ACCOUNT, &query).await, 400, code);
    }
    sealed(&world, "trade", "GET", ACCOUNT, &format!("timestamp={old}&recvWindow=5001")).await.ok();
    let target = format!("{ACCOUNT}?timestamp={NOW}&signature=00");
    refused(sent(&world, "nobody", "GET", &target).await, 400, 10072);
    refused(sent(&world, "", "GET", &target).await, 400, 400);
}

#[tokio::test]
async fn a_key_does_what_it_was_given_where_it_was_given_it() {
    let mut config = Config::demo();
    let accounts = &mut config.exchanges.get_mut("mexc").unwrap().accounts;
    accounts[1].keys[0].ips = vec!["127.0.0.2".parse().unwrap()];
    let mut world = World::with(config).await;
    refused(call(&world, "read-only", "POST", ORDER, LIMIT).await, 403, 700_007);
    refused(call(&world, "trade", "GET", ACCOUNT, "").await, 400, 700_006);
    world.http = http("127.0.0.2");
    call(&world, "trade", "GET", ACCOUNT, "").await.ok();
    let out = "coin=BTC&address=somewhere&amount=0.5&netWork=BTC";
    refused(call(&world, "trade", "POST", "/api/v3/capital/withdraw", out).await, 403, 700_007);
    call(&world, "withdraw", "POST", "/api/v3/capital/withdraw", out).await.ok();
}

#[tokio::test]
async fn an_order_moves_money_and_loses_none() {
    let world = World::new().await;
    let supply = || ["BTC", "USDT"].map(|asset| world.exchange.supply("mexc", asset));
    let before = supply();
    let placed = call(&world, "trade", "POST", ORDER, &format!("{LIMIT}&newClientOrderId=mine")).await.ok();
    assert_eq!(balance(&world, "USDT").await, ("99500".to_owned(), "500".to_owned()));
    let named = format!("symbol=BTCUSDT&orderId={}", text(&placed["orderId"]));
    let told = call(&world, "trade", "GET", ORDER, "symbol=BTCUSDT&origClientOrderId=mine").await.ok();
    assert_eq!((&told["orderId"], &told["status"]), (&placed["orderId"], &json!("NEW")));
    refused(call(&world, "withdraw", "GET", ORDER, &named).await, 400, -2013);
    assert_eq!(call(&world, "trade", "DELETE", ORDER, &named).await.ok()["status"], "CANCELED");
    refused(call(&world, "trade", "DELETE", ORDER, &named).await, 400, -2011);
    assert_eq!(balance(&world, "USDT").await, ("100000".to_owned(), "0".to_owned()));
    let market = "symbol=BTCUSDT&side=BUY&type=MARKET";
    call(&world, "trade", "POST", ORDER, &format!("{market}&quoteOrderQty=6001")).await.ok();
    assert_eq!(balance(&world, "BTC").await.0, "2.0999");
    call(&world, "trade", "POST", ORDER, &format!("{market}&quantity=0.1")).await.ok();
    assert_eq!(balance(&world, "USDT").await, ("87998".to_owned(), "0".to_owned()));
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn a_batch_is_json_in_a_parameter_and_answered_order_by_order() {
    let world = World::new().await;
    let order = |price: &str| {
        json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": price,
                "newClientOrderId": format!("at-{}", price.len()) })
    };
    let batch = |list: Value| {
        let escaped: String = list.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("batchOrders={escaped}")
    };
    let mixed = batch(json!([order("50000"), order("50000.05")]));
    let reply = call(&world, "trade", "POST", "/api/v3/batchOrders", &mixed).await.ok();
    assert_eq!(reply[0]["origQty"], "0.01");
    assert_eq!((&reply[1]["code"], &reply[1]["newClientOrderId"]), (&json!(30010), &json!("at-8")));
    refused(call(&world, "trade", "POST", "/api/v3/batchOrders", &batch(json!([]))).await, 400, 700_004);
    let canceled = call(&world, "trade", "DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await.ok();
    assert_eq!(canceled.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_malformed_order_is_refused_for_what_is_wrong_with_it() {
    let world = World::new().await;
    for (from, to, code) in [
        ("BTCUSDT", "BTC_USDT", 10007),
        ("BUY", "buy", 700_004),
        ("LIMIT", "STOP", 700_004),
        ("LIMIT", "LIMIT&newClientOrderId=a%20b", 700_004),
        ("=50000", "=5e4", 700_004),
        ("=50000", "=50000.01", 30010),
        ("=50000", "=99999999999", 30087),
        ("&price=50000", "", 700_004),
        ("=0.01", "=0", 700_004),
        ("=0.01", "=-1", 700_004),
        ("=0.01", "=0.00001", 30002),
        ("=0.01", "=0.01001", 10096),
        ("=0.01", "=9001", 30003),
        ("=0.01", "=3", 30004),
        ("BUY&type=LIMIT&quantity=0.01", "SELL&type=LIMIT&quantity=3", 30005),
    ] {
        refused(call(&world, "trade", "POST", ORDER, &LIMIT.replace(from, to)).await, 400, code);
    }
    call(&world, "trade", "POST", "/api/v3/order/test", LIMIT).await.ok();
    assert_eq!(balance(&world, "USDT").await, ("100000".to_owned(), "0".to_owned()));
    refused(call(&world, "trade", "GET", "/api/v3/nothing", "").await, 404, 404);
}

#[tokio::test]
async fn contracts_are_asked_for_in_another_way() {
    let world = World::new().await;
    let key = key(&world, "trade");
    let ask = |api_key: &str, time: i64, signed: &str| {
        let url = format!("{}{ASSETS}?b=2&a=1", world.exchange.origin("mexc"));
        let request = world.http.get(url).header("apikey", api_key).header("request-time", time.to_string());
        Reply::of(request.header("signature", HEXLOWER.encode(&mac(&key, signed))))
    };
    let signed = |time: i64| format!("{}{time}a=1&b=2", key.api_key);
    let reply = ask(&key.api_key, NOW, &signed(NOW)).await.ok();
    assert_eq!(reply, json!({ "success": true, "code": 0, "data": [] }));
    refused(ask(&key.api_key, NOW, &format!("{}{NOW}b=2&a=1", key.api_key)).await, 200, 602);
    refused(ask(&key.api_key, NOW - 10_001, &signed(NOW - 10_001)).await, 200, 10073);
    refused(ask("nobody", NOW, &signed(NOW)).await, 200, 402);
}
