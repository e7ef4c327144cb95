//! How strict HTX is.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use demo_exchange::{Config, Key};
use serde_json::{Value, json};

use crate::caller::{Reply, World, http, secret, text};

const ACCOUNTS: &str = "/v1/account/accounts";
const PLACE: &str = "/v1/order/orders/place";
/// [`crate::caller::NOW`], and its edges.
const TIME: &str = "2023-11-14T22:13:20";

fn key(world: &World, name: &str) -> Key {
    world.config.exchanges["htx"].account(name).unwrap().keys[0].clone()
}

fn escaped(text: &str) -> String {
    text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace(':', "%3A")
}

/// The query that HTX signs, at this time; `more` stands behind the rest, as lower case does.
fn query(key: &Key, time: &str, more: &str) -> String {
    let version = "SignatureMethod=HmacSHA256&SignatureVersion=2";
    format!("AccessKeyId={}&{version}&Timestamp={}{more}", key.api_key, escaped(time))
}

fn sign(key: &Key, method: &str, path: &str, query: &str) -> String {
    let secret = secret(key);
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let text = format!("{method}\napi.huobi.pro\n{path}\n{query}");
    escaped(&STANDARD.encode(hmac::sign(&secret, text.as_bytes()).as_ref()))
}

async fn send(world: &World, method: &str, target: &str, body: Option<&Value>) -> Reply {
    let url = format!("{}{target}", world.exchange.origin("htx"));
    let request = world.http.request(method.parse().unwrap(), url);
    Reply::of(request.body(body.map(Value::to_string).unwrap_or_default())).await
}

async fn get(world: &World, name: &str, path: &str, more: &str) -> Reply {
    let key = key(world, name);
    let query = query(&key, TIME, more);
    let signature = sign(&key, "GET", path, &query);
    send(world, "GET", &format!("{path}?{query}&Signature={signature}"), None).await
}

async fn post(world: &World, name: &str, path: &str, body: Value) -> Reply {
    let key = key(world, name);
    let query = query(&key, TIME, "");
    let signature = sign(&key, "POST", path, &query);
    send(world, "POST", &format!("{path}?{query}&Signature={signature}"), Some(&body)).await
}

#[track_caller]
fn refused(reply: &Reply, code: &str, text: &str) {
    assert_eq!((reply.status, &reply.body["err-code"]), (200, &json!(code)), "{:?}", reply.body);
    assert!(reply.body["err-msg"].as_str().unwrap().contains(text), "{:?}", reply.body);
}

async fn account(world: &World, name: &str) -> String {
    get(world, name, ACCOUNTS, "").await.ok()["data"][0]["id"].to_string()
}

fn order(account: &str, kind: &str, price: &str, amount: &str) -> Value {
    json!({ "account-id": account, "symbol": "btcusdt", "type": kind, "price": price, "amount": amount })
}

#[tokio::test]
async fn a_signature_covers_method_path_and_query_in_any_order() {
    let world = World::new().await;
    let own = key(&world, "trade");
    let query = query(&own, TIME, "");
    let signature = sign(&own, "GET", ACCOUNTS, &query);
    send(&world, "GET", &format!("{ACCOUNTS}?Signature={signature}&{query}"), None).await.ok();
    let answer = get(&world, "trade", ACCOUNTS, "").await;
    assert!(answer.headers.contains_key("x-hb-ratelimit-requests-remain"));
    let code = "api-signature-not-valid";
    let elsewhere = format!("/v1/order/openOrders?{query}&Signature={signature}");
    refused(&send(&world, "GET", &elsewhere, None).await, code, "Verification failure");
    let more = format!("{ACCOUNTS}?{query}&size=1&Signature={signature}");
    refused(&send(&world, "GET", &more, None).await, code, "Verification failure");
    let stranger = format!("{ACCOUNTS}?{}&Signature={signature}", query.replace(&own.api_key, "nobody"));
    refused(&send(&world, "GET", &stranger, None).await, code, "Incorrect Access key");
    refused(&send(&world, "GET", ACCOUNTS, None).await, code, "Missing parameter");
    let fees = format!("/v2/reference/transact-fee-rate?{query}&Signature={signature}");
    assert_eq!(send(&world, "GET", &fees, None).await.body["code"], 1003);
}

#[tokio::test]
async fn the_time_is_within_five_minutes() {
    let world = World::new().await;
    let own = key(&world, "trade");
    let cases = [
        ("2023-11-14T22:08:20", true),
        ("2023-11-14T22:18:20", true),
        ("2023-11-14T22:08:19", false),
        ("2023-11-14T22:18:21", false),
        ("1700000000", false),
    ];
    for (time, fine) in cases {
        let query = query(&own, time, "");
        let signature = sign(&own, "GET", ACCOUNTS, &query);
        let reply = send(&world, "GET", &format!("{ACCOUNTS}?{query}&Signature={signature}"), None).await;
        match fine {
            true => assert_eq!(reply.body["status"], "ok", "{time}"),
            false => refused(&reply, "api-signature-not-valid", "Invalid submission time"),
        }
    }
}

#[tokio::test]
async fn keys_reach_as_far_as_their_permissions_and_addresses() {
    let mut config = Config::demo();
    let accounts = &mut config.exchanges.get_mut("htx").unwrap().accounts;
    accounts[1].keys[0].ips = vec!["127.0.0.2".parse().unwrap()];
    let mut world = World::with(config).await;
    let code = "api-signature-not-valid";
    let reader = account(&world, "read-only").await;
    let bought = post(&world, "read-only", PLACE, order(&reader, "buy-limit", "50000", "0.001")).await;
    refused(&bought, code, "API key has no permission");
    refused(&get(&world, "trade", ACCOUNTS, "").await, code, "Incorrect IP address");
    world.http = http("127.0.0.2");
    let coins = json!({ "currency": "btc", "amount": "0.1", "address": "bc1qfake", "chain": "btc" });
    let path = "/v1/dw/withdraw/api/create";
    refused(&post(&world, "trade", path, coins.clone()).await, code, "API key has no permission");
    assert_eq!(post(&world, "withdraw", path, coins).await.ok()["data"], 1);
}

#[tokio::test]
async fn a_key_says_what_it_may_do() {
    let mut config = Config::demo();
    let accounts = &mut config.exchanges.get_mut("htx").unwrap().accounts;
    accounts[2].keys[0].ips = vec!["127.0.0.1".parse().unwrap()];
    let world = World::with(config).await;
    for (name, words, ips) in
        [("trade", "readOnly,trade", ""), ("withdraw", "readOnly,trade,withdraw", "127.0.0.1")]
    {
        let uid = get(&world, name, "/v2/user/uid", "").await.ok()["data"].to_string();
        let more = format!("&accessKey={}&uid={uid}", key(&world, name).api_key);
        let told = get(&world, name, "/v2/user/api-key", &more).await.ok();
        let told = &told["data"][0];
        assert_eq!(
            (text(&told["permission"]), text(&told["ipAddresses"])),
            (words.to_owned(), ips.to_owned())
        );
    }
    assert_eq!(get(&world, "trade", "/v2/user/api-key", "&uid=1").await.body["code"], 2002);
}

#[tokio::test]
async fn an_order_fills_rests_and_is_cancelled_with_money_conserved() {
    let world = World::new().await;
    let supply = || ["BTC", "USDT"].map(|asset| world.exchange.supply("htx", asset));
    let before = supply();
    let account = account(&world, "trade").await;
    let mut wanted = order(&account, "buy-limit", "60010", "0.01");
    wanted["client-order-id"] = "mine".into();
    let id = text(&post(&world, "trade", PLACE, wanted.clone()).await.ok()["data"]);
    refused(&post(&world, "trade", PLACE, wanted).await, "invalid-client-order-id", "");
    let told = get(&world, "trade", &format!("/v1/order/orders/{id}"), "").await.ok();
    assert_eq!(
        (&told["data"]["state"], &told["data"]["field-cash-amount"]),
        (&json!("filled"), &json!("600.1"))
    );
    let spend = json!({ "account-id": account, "symbol": "btcusdt", "type": "buy-market", "amount": "100" });
    post(&world, "trade", PLACE, spend).await.ok();
    let resting = text(
        &post(&world, "trade", PLACE, order(&account, "sell-limit", "70000", "0.01")).await.ok()["data"],
    );
    let open = get(&world, "trade", "/v1/order/openOrders", &format!("&account-id={account}")).await.ok();
    assert_eq!(open["data"][0]["id"].to_string(), resting);
    let cancel = format!("/v1/order/orders/{resting}/submitcancel");
    post(&world, "trade", &cancel, json!({})).await.ok();
    refused(&post(&world, "trade", &cancel, json!({})).await, "order-orderstate-error", "");
    refused(
        &post(&world, "trade", "/v1/order/orders/999/submitcancel", json!({})).await,
        "base-record-invalid",
        "",
    );
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn what_an_order_may_not_be_has_its_words() {
    let world = World::new().await;
    let own = account(&world, "trade").await;
    let cases = [
        (order(&own, "buy-limit", "50000.01", "0.001"), "order-orderprice-precision-error"),
        (order(&own, "buy-limit", "5e4", "0.001"), "order-invalid-price"),
        (order(&own, "buy-limit", "50000", "0.00011"), "order-orderamount-precision-error"),
        (order(&own, "buy-limit", "50000", "0"), "order-limitorder-amount-min-error"),
        (order(&own, "buy-limit", "50000", "-1"), "invalid-amount"),
        (order(&own, "buy-limit", "50000", ""), "validation-constraints-required"),
        (order(&own, "buy-limit", "1", "0.001"), "order-value-min-error"),
        (order(&own, "buy-limit", "50000", "9"), "account-frozen-balance-insufficient-error"),
        (order(&own, "buy-limit", "50000", "9001"), "order-limitorder-amount-max-error"),
        (order(&own, "buy-stop-limit", "50000", "0.001"), "order-invalid-type"),
        (order(&own, "buy-limit-maker", "60010", "0.001"), "order-invalid-price"),
        (
            order(&account(&world, "withdraw").await, "buy-limit", "50000", "0.001"),
            "account-get-accounts-inexistent-error",
        ),
    ];
    for (order, code) in cases {
        refused(&post(&world, "trade", PLACE, order).await, code, "");
    }
    assert_eq!(post(&world, "trade", "/v1/nothing", json!({})).await.status, 404);
    let batch = json!([order(&own, "buy-limit", "50000", "0.001"), order(&own, "buy-limit", "1", "0.001")]);
    let placed = post(&world, "trade", "/v1/order/batch-orders", batch).await.ok();
    assert!(placed["data"][0]["order-id"].is_number());
    assert_eq!(placed["data"][1]["err-code"], "order-value-min-error");
}

#[tokio::test]
async fn the_public_reads_without_a_key() {
    let world = World::new().await;
    assert_eq!(
        send(&world, "GET", "/v1/common/timestamp", None).await.ok()["data"].to_string(),
        "1700000000000"
    );
    let tickers = send(&world, "GET", "/market/tickers", None).await.ok();
    assert_eq!(
        (&tickers["data"][0]["symbol"], tickers["data"][0]["close"].to_string()),
        (&json!("btcusdt"), "60000".into())
    );
    refused(
        &send(&world, "GET", "/market/depth?symbol=nothing&type=step0", None).await,
        "base-symbol-error",
        "",
    );
    refused(
        &send(&world, "GET", "/market/depth?symbol=btcusdt", None).await,
        "validation-format-error",
        "type",
    );
    let candles =
        send(&world, "GET", "/market/history/candles?symbol=btcusdt&period=60min&size=2", None).await.ok();
    assert_eq!(candles["data"].as_array().unwrap().len(), 2);
}
