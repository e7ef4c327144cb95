//! Bybit: who gets in, what is refused, and what becomes of an order.

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use demo_exchange::{Config, Key};
use serde_json::{Value, json};

use crate::caller::{NOW, Reply, World, http, secret, text};

const BALANCE: &str = "/v5/account/wallet-balance?accountType=UNIFIED";
const CREATE: &str = "/v5/order/create";
const CANCEL: &str = "/v5/order/cancel";

pub(crate) fn key(world: &World, name: &str) -> Key {
    let mut keys = world.config.exchanges["bybit"].accounts.iter().flat_map(|account| &account.keys);
    keys.find(|key| key.name == name).unwrap().clone()
}

pub(crate) fn sign(key: &Key, message: &str) -> String {
    let secret = secret(key);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    HEXLOWER.encode(hmac::sign(&key, message.as_bytes()).as_ref())
}

/// The headers of a request of this time and window, over the query or body that is signed.
fn sealed(key: &Key, time: i64, window: &str, signed: &str) -> [(&'static str, String); 4] {
    [
        ("x-bapi-api-key", key.api_key.clone()),
        ("x-bapi-timestamp", time.to_string()),
        ("x-bapi-recv-window", window.to_owned()),
        ("x-bapi-sign", sign(key, &format!("{time}{}{window}{signed}", key.api_key))),
    ]
}

async fn sent(world: &World, target: &str, body: Option<&str>, headers: &[(&'static str, String)]) -> Reply {
    let url = format!("{}{target}", world.exchange.origin("bybit"));
    let request = match body {
        Some(body) => world.http.post(url).body(body.to_owned()),
        None => world.http.get(url),
    };
    Reply::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, value))).await
}

async fn get(world: &World, name: &str, target: &str) -> Reply {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    sent(world, target, None, &sealed(&key(world, name), NOW, "5000", query)).await
}

async fn post(world: &World, name: &str, target: &str, body: Value) -> Reply {
    let body = body.to_string();
    sent(world, target, Some(&body), &sealed(&key(world, name), NOW, "5000", &body)).await
}

/// The code of an answer, which comes with HTTP 200 all the same.
#[track_caller]
fn code(reply: Reply) -> i64 {
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.body["retCode"].as_i64().unwrap()
}

fn limit(price: &str, quantity: &str) -> Value {
    json!({ "category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "price": price,
            "qty": quantity })
}

/// Whole and locked amount of the trading key's account.
async fn balance(world: &World, coin: &str) -> (String, String) {
    let reply = get(world, "trade", &format!("{BALANCE}&coin={coin}")).await.ok();
    let coin = &reply["result"]["list"][0]["coin"][0];
    (text(&coin["walletBalance"]), text(&coin["locked"]))
}

#[tokio::test]
async fn the_signature_covers_time_key_window_and_the_text() {
    let world = World::new().await;
    let trade = key(&world, "trade");
    let body = limit("50000", "0.001").to_string();
    for headers in [
        sealed(&trade, NOW, "5000", &limit("50001", "0.001").to_string()),
        sealed(&key(&world, "withdraw"), NOW, "5000", &body).map(|(name, value)| match name {
            "x-bapi-api-key" => (name, trade.api_key.clone()),
            _ => (name, value),
        }),
        sealed(&trade, NOW, "5000", &body).map(|(name, value)| match name {
            "x-bapi-recv-window" => (name, "5001".to_owned()),
            _ => (name, value),
        }),
        sealed(&trade, NOW, "5000", &body).map(|(name, value)| match name {
            "x-bapi-timestamp" => (name, (NOW - 1).to_string()),
            _ => (name, value),
        }),
    ] {
        assert_eq!(code(sent(&world, CREATE, Some(&body), &headers).await), 10004);
    }
    assert!(world.exchange.requests().iter().all(|request| request.signed_by.is_none()));
    assert_eq!(code(post(&world, "trade", CREATE, limit("50000", "0.001")).await), 0);
}

#[tokio::test]
async fn a_query_is_signed_as_it_reads_without_escapes() {
    let world = World::new().await;
    let trade = key(&world, "trade");
    let headers = sealed(&trade, NOW, "5000", "accountType=UNIFIED&coin=BTC,USDT");
    for query in ["accountType=UNIFIED&coin=BTC,USDT", "accountType=UNIFIED&coin=BTC%2CUSDT"] {
        let reply = sent(&world, &format!("/v5/account/wallet-balance?{query}"), None, &headers).await;
        assert_eq!(reply.headers["x-bapi-limit-status"], "49");
        assert_eq!(reply.ok()["result"]["list"][0]["coin"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_request_is_fresh_within_its_window_and_barely_ahead() {
    let world = World::new().await;
    let trade = key(&world, "trade");
    for (time, window, expected) in [
        (NOW - 5000, "5000", 0),
        (NOW - 5001, "5000", 10002),
        (NOW - 5001, "5001", 0),
        (NOW + 999, "5000", 0),
        (NOW + 1000, "5000", 10002),
        (NOW, "soon", 10001),
    ] {
        let headers = sealed(&trade, time, window, "accountType=UNIFIED");
        assert_eq!(code(sent(&world, BALANCE, None, &headers).await), expected, "{time} {window}");
    }
    assert_eq!(code(sent(&world, BALANCE, None, &[]).await), 10001);
    let nobody = Key { api_key: "nobody".to_owned(), ..trade };
    assert_eq!(
        code(sent(&world, BALANCE, None, &sealed(&nobody, NOW, "5000", "accountType=UNIFIED")).await),
        10003
    );
}

#[tokio::test]
async fn a_key_does_what_it_was_given_where_it_was_given_it() {
    let mut config = Config::demo();
    let accounts = &mut config.exchanges.get_mut("bybit").unwrap().accounts;
    accounts[1].keys[0].ips = vec!["127.0.0.2".parse().unwrap()];
    let mut world = World::with(config).await;
    assert_eq!(code(post(&world, "read-only", CREATE, limit("50000", "0.001")).await), 10005);
    assert_eq!(code(get(&world, "trade", BALANCE).await), 10010);
    let told = get(&world, "read-only", "/v5/user/query-api").await.ok();
    assert_eq!((&told["result"]["readOnly"], &told["result"]["ips"]), (&json!(1), &json!(["*"])));
    world.http = http("127.0.0.2");
    let told = get(&world, "trade", "/v5/user/query-api").await.ok();
    assert_eq!((&told["result"]["readOnly"], &told["result"]["ips"]), (&json!(0), &json!(["127.0.0.2"])));
    assert_eq!(told["result"]["permissions"]["Wallet"], json!([]));
    let out = json!({ "coin": "BTC", "chain": "BTC", "amount": "0.5", "address": "somewhere", "timestamp": NOW,
                      "accountType": "UTA" });
    assert_eq!(code(post(&world, "trade", "/v5/asset/withdraw/create", out.clone()).await), 10005);
    assert_eq!(code(post(&world, "withdraw", "/v5/asset/withdraw/create", out).await), 0);
}

#[tokio::test]
async fn an_order_moves_money_and_loses_none() {
    let world = World::new().await;
    let supply = || ["BTC", "USDT"].map(|asset| world.exchange.supply("bybit", asset));
    let before = supply();
    let mut order = limit("50000", "0.01");
    order["orderLinkId"] = json!("mine-1");
    assert_eq!(code(post(&world, "trade", CREATE, order.clone()).await), 0);
    assert_eq!(code(post(&world, "trade", CREATE, order).await), 170_141);
    assert_eq!(balance(&world, "USDT").await, ("100000".to_owned(), "500".to_owned()));
    let named = json!({ "category": "spot", "symbol": "BTCUSDT", "orderLinkId": "mine-1" });
    assert_eq!(code(post(&world, "trade", CANCEL, named.clone()).await), 0);
    assert_eq!(code(post(&world, "trade", CANCEL, named).await), 170_213);
    assert_eq!(balance(&world, "USDT").await, ("100000".to_owned(), "0".to_owned()));
    // a purchase at the market counts the quote coin, unless it says otherwise
    let mut market = json!({ "category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market",
                             "qty": "6001" });
    assert_eq!(code(post(&world, "trade", CREATE, market.clone()).await), 0);
    assert_eq!(balance(&world, "BTC").await.0, "2.0999");
    market["qty"] = json!("0.1");
    market["marketUnit"] = json!("baseCoin");
    assert_eq!(code(post(&world, "trade", CREATE, market).await), 0);
    assert_eq!(balance(&world, "USDT").await, ("87998".to_owned(), "0".to_owned()));
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn a_post_only_order_that_would_match_is_taken_and_ended() {
    let world = World::new().await;
    let mut order = limit("61000", "0.01");
    order["timeInForce"] = json!("PostOnly");
    let id = text(&post(&world, "trade", CREATE, order).await.ok()["result"]["orderId"]);
    let told = get(&world, "trade", &format!("/v5/order/realtime?category=spot&orderId={id}")).await.ok();
    let order = &told["result"]["list"][0];
    assert_eq!(
        (&order["orderStatus"], &order["rejectReason"]),
        (&json!("Cancelled"), &json!("EC_PostOnlyWillTakeLiquidity"))
    );
    assert_eq!(balance(&world, "USDT").await, ("100000".to_owned(), "0".to_owned()));
}

#[tokio::test]
async fn a_batch_is_answered_order_by_order() {
    let world = World::new().await;
    let body =
        json!({ "category": "spot", "request": [limit("50000", "0.001"), limit("50000.05", "0.001")] });
    let reply = post(&world, "trade", "/v5/order/create-batch", body).await.ok();
    let codes = [&reply["retExtInfo"]["list"][0]["code"], &reply["retExtInfo"]["list"][1]["code"]];
    assert_eq!(codes, [&json!(0), &json!(170_134)]);
    assert_eq!(reply["result"]["list"][1]["orderId"], "");
    let all = json!({ "category": "spot", "symbol": "BTCUSDT" });
    let reply = post(&world, "trade", "/v5/order/cancel-all", all).await.ok();
    assert_eq!(reply["result"]["list"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_malformed_order_is_refused_for_what_is_wrong_with_it() {
    let world = World::new().await;
    for (name, value, expected) in [
        ("category", "stocks", 10001),
        ("category", "linear", 10001),
        ("symbol", "BTC-USDT", 170_121),
        ("side", "buy", 170_117),
        ("orderType", "Stop", 170_116),
        ("timeInForce", "GTD", 170_115),
        ("price", "5e4", 170_130),
        ("price", "50000.01", 170_134),
        ("price", "99999999999", 170_132),
        ("qty", "", 10001),
        ("qty", "0", 170_130),
        ("qty", "0.00001", 170_136),
        ("qty", "0.00015", 170_137),
        ("qty", "0.0001", 0),
        ("qty", "9001", 170_135),
        ("qty", "3", 170_131),
        ("triggerPrice", "55000", 170_227),
        ("orderLinkId", "with space", 170_130),
    ] {
        let mut order = limit("50000", "0.001");
        order[name] = json!(value);
        assert_eq!(code(post(&world, "trade", CREATE, order).await), expected, "{name} {value}");
    }
    assert_eq!(code(post(&world, "trade", CREATE, limit("40000", "0.0001")).await), 170_140);
    let reply = get(&world, "trade", "/v5/order/nothing").await;
    assert_eq!((reply.status, &reply.body["retCode"]), (404, &json!(10017)));
}
