//! OKX: who gets in, what is refused, and what becomes of an order.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use demo_exchange::{Config, Key};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::caller::{Reply, World, http, secret, text};

/// The moment at which the clock stands, as OKX writes it.
const TIME: &str = "2023-11-14T22:13:20.000Z";

const BALANCE: &str = "/api/v5/account/balance";
const ORDER: &str = "/api/v5/trade/order";

fn key(world: &World, name: &str) -> Key {
    let mut keys = world.config.exchanges["okx"].accounts.iter().flat_map(|account| &account.keys);
    keys.find(|key| key.name == name).unwrap().clone()
}

fn sign(secret: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, message.as_bytes()))
}

/// The headers of a request that is signed by this key.
fn sealed(key: &Key, signed: &str) -> [(&'static str, String); 4] {
    let secret = secret(key);
    [
        ("ok-access-key", key.api_key.clone()),
        ("ok-access-passphrase", key.passphrase.clone().unwrap()),
        ("ok-access-timestamp", TIME.to_owned()),
        ("ok-access-sign", sign(secret, signed)),
    ]
}

async fn sent(
    world: &World,
    method: &str,
    target: &str,
    body: &str,
    headers: &[(&'static str, String)],
) -> Reply {
    let url = format!("{}{target}", world.exchange.origin("okx"));
    let request = world.http.request(method.parse().unwrap(), url).body(body.to_owned());
    Reply::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, value))).await
}

async fn get(world: &World, name: &str, target: &str) -> Reply {
    sent(world, "GET", target, "", &sealed(&key(world, name), &format!("{TIME}GET{target}"))).await
}

async fn post(world: &World, name: &str, target: &str, body: Value) -> Reply {
    let body = body.to_string();
    let headers = sealed(&key(world, name), &format!("{TIME}POST{target}{body}"));
    sent(world, "POST", target, &body, &headers).await
}

#[track_caller]
fn refused(reply: Reply, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.body["code"]), (status, &json!(code)), "{:?}", reply.body);
    assert_eq!(reply.body["data"], json!([]));
}

/// The code of the only order in an answer.
#[track_caller]
fn order_code(reply: Reply) -> String {
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    text(&reply.body["data"][0]["sCode"])
}

fn limit(price: &str, size: &str) -> Value {
    json!({ "instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": price, "sz": size })
}

/// Free and frozen amount of the trading key's account.
async fn balance(world: &World, asset: &str) -> (String, String) {
    let reply = get(world, "trade", &format!("{BALANCE}?ccy={asset}")).await.ok();
    let details = &reply["data"][0]["details"][0];
    (text(&details["availBal"]), text(&details["frozenBal"]))
}

#[tokio::test]
async fn the_signature_covers_method_target_and_body() {
    let world = World::new().await;
    let trade = key(&world, "trade");
    let body = limit("50000", "0.001").to_string();
    for signed in ["GET/api/v5/trade/order", "POST/api/v5/trade/cancel-order", "POST/api/v5/trade/order?a=b"]
    {
        let headers = sealed(&trade, &format!("{TIME}{signed}{body}"));
        refused(sent(&world, "POST", ORDER, &body, &headers).await, 401, "50113");
    }
    let headers = sealed(&trade, &format!("{TIME}POST{ORDER}{}", limit("50001", "0.001")));
    refused(sent(&world, "POST", ORDER, &body, &headers).await, 401, "50113");
    assert!(world.exchange.requests().iter().all(|request| request.signed_by.is_none()));
    assert_eq!(order_code(post(&world, "trade", ORDER, limit("50000", "0.001")).await), "0");
}

#[tokio::test]
async fn each_header_has_its_own_refusal() {
    let world = World::new().await;
    let headers = sealed(&key(&world, "trade"), &format!("{TIME}GET{BALANCE}"));
    let changed = |at: usize, value: &str| {
        let mut headers = headers.clone();
        headers[at].1 = value.to_owned();
        headers
    };
    for (at, value, code) in [
        (0, "", "50103"),
        (0, "nobody", "50111"),
        (1, "", "50104"),
        (1, "another", "50105"),
        (2, "", "50107"),
        (2, "1700000000", "50112"),
        (3, "", "50106"),
        (3, "AAAA", "50113"),
    ] {
        refused(sent(&world, "GET", BALANCE, "", &changed(at, value)).await, 401, code);
    }
    sent(&world, "GET", BALANCE, "", &headers).await.ok();
}

#[tokio::test]
async fn a_request_is_fresh_for_thirty_seconds() {
    let world = World::new().await;
    world.advance(30_000);
    get(&world, "trade", BALANCE).await.ok();
    world.advance(1);
    refused(get(&world, "trade", BALANCE).await, 401, "50102");
    world.advance(-60_002);
    refused(get(&world, "trade", BALANCE).await, 401, "50102");
}

#[tokio::test]
async fn a_key_does_what_it_was_given_where_it_was_given_it() {
    let mut config = Config::demo();
    let accounts = &mut config.exchanges.get_mut("okx").unwrap().accounts;
    accounts[1].keys[0].ips = vec!["127.0.0.2".parse().unwrap()];
    let mut world = World::with(config).await;
    refused(post(&world, "read-only", ORDER, limit("50000", "0.001")).await, 401, "50120");
    refused(get(&world, "trade", BALANCE).await, 401, "50110");
    world.http = http("127.0.0.2");
    let told = get(&world, "trade", "/api/v5/account/config").await.ok();
    assert_eq!(
        (&told["data"][0]["perm"], &told["data"][0]["ip"]),
        (&json!("read_only,trade"), &json!("127.0.0.2"))
    );
    let out =
        json!({ "ccy": "BTC", "amt": "0.5", "dest": "4", "toAddr": "somewhere", "chain": "BTC-Bitcoin" });
    refused(post(&world, "trade", "/api/v5/asset/withdrawal", out.clone()).await, 401, "50120");
    post(&world, "withdraw", "/api/v5/asset/withdrawal", out).await.ok();
}

#[tokio::test]
async fn an_order_moves_money_and_loses_none() {
    let world = World::new().await;
    let supply = || ["BTC", "USDT"].map(|asset| world.exchange.supply("okx", asset));
    let before = supply();
    let placed = post(&world, "trade", ORDER, limit("50000", "0.01")).await.ok();
    let id = text(&placed["data"][0]["ordId"]);
    assert_eq!(balance(&world, "USDT").await, ("99500".to_owned(), "500".to_owned()));
    let named = json!({ "instId": "BTC-USDT", "ordId": id });
    assert_eq!(order_code(post(&world, "trade", "/api/v5/trade/cancel-order", named.clone()).await), "0");
    assert_eq!(order_code(post(&world, "trade", "/api/v5/trade/cancel-order", named).await), "51400");
    assert_eq!(balance(&world, "USDT").await, ("100000".to_owned(), "0".to_owned()));
    // a purchase at the market counts the quote currency, unless it says otherwise
    let mut market =
        json!({ "instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "6001" });
    assert_eq!(order_code(post(&world, "trade", ORDER, market.clone()).await), "0");
    assert_eq!(balance(&world, "BTC").await.0, "2.0999");
    market["sz"] = json!("0.1");
    market["tgtCcy"] = json!("base_ccy");
    assert_eq!(order_code(post(&world, "trade", ORDER, market).await), "0");
    assert_eq!(balance(&world, "USDT").await, ("87998".to_owned(), "0".to_owned()));
    assert_eq!(supply(), before);
    assert!(before.iter().all(|amount| *amount > Decimal::ZERO));
}

#[tokio::test]
async fn a_batch_is_answered_order_by_order() {
    let world = World::new().await;
    let target = "/api/v5/trade/batch-orders";
    let mut known = limit("50000", "0.001");
    known["clOrdId"] = json!("mine");
    let reply = post(&world, "trade", target, json!([known, limit("50000.05", "0.001"), known])).await.ok();
    let codes: Vec<_> = (0..3).map(|at| text(&reply["data"][at]["sCode"])).collect();
    assert_eq!(
        (reply["code"].as_str(), codes),
        (Some("2"), ["0", "51000", "51016"].map(str::to_owned).to_vec())
    );
    let reply = post(&world, "trade", target, json!([known])).await.ok();
    assert_eq!((&reply["code"], &reply["data"][0]["clOrdId"]), (&json!("1"), &json!("mine")));
    refused(post(&world, "trade", target, vec![known.clone(); 21].into()).await, 200, "51111");
    refused(post(&world, "trade", target, known).await, 400, "50002");
    let open = get(&world, "trade", "/api/v5/trade/orders-pending?instId=BTC-USDT").await.ok();
    assert_eq!(open["data"].as_array().unwrap().len(), 1);
    refused(get(&world, "trade", "/api/v5/trade/order?instId=BTC-USDT&clOrdId=other").await, 200, "51603");
}

#[tokio::test]
async fn a_malformed_order_is_refused_for_what_is_wrong_with_it() {
    let world = World::new().await;
    for (name, value, code) in [
        ("instId", "BTCUSDT", "51001"),
        ("tdMode", "cross", "51010"),
        ("side", "BUY", "51000"),
        ("ordType", "stop", "51000"),
        ("px", "5e4", "51000"),
        ("px", "50000.01", "51000"),
        ("px", "99999999999", "51006"),
        ("sz", "-1", "51000"),
        ("sz", "0", "51000"),
        ("sz", "0.00011", "51121"),
        ("sz", "0.00001", "51020"),
        ("sz", "9001", "51005"),
        ("sz", "3", "51008"),
        ("clOrdId", "with space", "51000"),
    ] {
        let mut order = limit("50000", "0.001");
        order[name] = json!(value);
        assert_eq!(order_code(post(&world, "trade", ORDER, order).await), code, "{name} {value}");
    }
    refused(get(&world, "trade", "/api/v5/trade/nothing").await, 404, "404");
    refused(sent(&world, "GET", "/api/v5/market/ticker", "", &[]).await, 400, "50014");
}
