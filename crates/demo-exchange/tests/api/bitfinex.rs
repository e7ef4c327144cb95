//! Bitfinex's strictness, and its orders.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use demo_exchange::{Config, Key};
use serde_json::{Value, json};

use crate::caller::{NOW, Reply, World, http, key, secret};

struct Bitfinex {
    world: World,
    nonce: AtomicU64,
}

impl Bitfinex {
    async fn new() -> Self {
        let world = World::with(Config::demo()).await;
        Self { world, nonce: AtomicU64::new(NOW.unsigned_abs()) }
    }

    fn key(&self, name: &str) -> Key {
        key(&self.world.config.exchanges["bitfinex"], name)
    }

    /// Signed by the named key, with the next nonce.
    async fn call(&self, name: &str, call: &str, body: Value) -> Reply {
        let nonce = self.nonce.fetch_add(1, Ordering::Relaxed).to_string();
        self.signed(&self.key(name), call, &nonce, &body.to_string()).await
    }

    async fn signed(&self, key: &Key, call: &str, nonce: &str, body: &str) -> Reply {
        let path = format!("/v2/auth/{call}");
        self.sent(&key.api_key, nonce, &sign(key, &path, nonce, body), &path, body).await
    }

    async fn sent(&self, api_key: &str, nonce: &str, signature: &str, target: &str, body: &str) -> Reply {
        let url = format!("{}{target}", self.world.exchange.origin("bitfinex"));
        let request = self.world.http.post(url).header("bfx-apikey", api_key).header("bfx-nonce", nonce);
        let request = request.header("bfx-signature", signature).header("content-type", "application/json");
        Reply::of(request.body(body.to_owned())).await
    }

    async fn public(&self, target: &str) -> Reply {
        Reply::of(self.world.http.get(format!("{}/v2/{target}", self.world.exchange.origin("bitfinex"))))
            .await
    }

    /// Total and free.
    async fn balance(&self, name: &str, currency: &str) -> (Value, Value) {
        let wallets = self.call(name, "r/wallets", json!({})).await.ok();
        let own = wallets.as_array().unwrap().iter().find(|row| row[1] == currency).unwrap().clone();
        (own[2].clone(), own[4].clone())
    }
}

fn sign(key: &Key, path: &str, nonce: &str, body: &str) -> String {
    let secret = secret(key);
    let secret = hmac::Key::new(hmac::HMAC_SHA384, secret.as_bytes());
    HEXLOWER.encode(hmac::sign(&secret, format!("/api{path}{nonce}{body}").as_bytes()).as_ref())
}

#[track_caller]
fn refused(reply: Reply, code: u32, text: &str) {
    assert_eq!((reply.status, &reply.body), (500, &json!(["error", code, text])));
}

fn order(changes: Value) -> Value {
    let mut order =
        json!({ "type": "EXCHANGE LIMIT", "symbol": "tBTCUSD", "price": "50000", "amount": "0.5" });
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    order
}

#[tokio::test]
async fn only_the_signed_bytes_of_a_known_key_are_heard() {
    let bitfinex = Bitfinex::new().await;
    let (own, path) = (bitfinex.key("trade"), "/v2/auth/r/wallets");
    let signature = sign(&own, path, "7", "{}");
    let wrong = "apikey: digest invalid";
    let by_other = sign(&bitfinex.key("withdraw"), path, "7", "{}");
    refused(bitfinex.sent(&own.api_key, "7", &by_other, path, "{}").await, 10100, wrong);
    refused(bitfinex.sent(&own.api_key, "8", &signature, path, "{}").await, 10100, wrong);
    refused(bitfinex.sent(&own.api_key, "7", &signature, path, "{ }").await, 10100, wrong);
    refused(bitfinex.sent(&own.api_key, "7", &signature, "/v2/auth/r/orders", "{}").await, 10100, wrong);
    refused(bitfinex.sent(&own.api_key, "7", &signature, "/v2/auth/r/wallets?a=b", "{}").await, 10100, wrong);
    refused(bitfinex.sent("nobody", "7", &signature, path, "{}").await, 10100, "apikey: invalid");
    bitfinex.sent(&own.api_key, "7", &signature, path, "{}").await.ok();
}

#[tokio::test]
async fn a_nonce_is_larger_than_all_before() {
    let bitfinex = Bitfinex::new().await;
    let own = bitfinex.key("trade");
    bitfinex.signed(&own, "r/wallets", "1700000000000", "{}").await.ok();
    for nonce in ["1700000000000", "1699999999999", "-1", "1.5", "9007199254740992"] {
        refused(bitfinex.signed(&own, "r/wallets", nonce, "{}").await, 10114, "nonce: small");
    }
    let large = bitfinex.sent(&own.api_key, "9000000000000", "00", "/v2/auth/r/wallets", "{}").await;
    refused(large, 10100, "apikey: digest invalid");
    bitfinex.signed(&own, "r/wallets", "1700000000001", "{}").await.ok();
}

#[tokio::test]
async fn a_key_does_what_it_may_and_can_ask_what_that_is() {
    let bitfinex = Bitfinex::new().await;
    let denied = "api_key: permission invalid";
    refused(bitfinex.call("read-only", "w/order/submit", order(json!({}))).await, 10001, denied);
    refused(bitfinex.call("read-only", "w/order/cancel/multi", json!({ "all": 1 })).await, 10001, denied);
    let out = json!({ "wallet": "exchange", "method": "bitcoin", "amount": "0.1", "address": "bc1" });
    refused(bitfinex.call("trade", "w/withdraw", out).await, 10001, denied);
    let scope = async |name: &str, scope: &str| {
        let told = bitfinex.call(name, "r/permissions", json!({})).await.ok();
        told.as_array().unwrap().iter().find(|row| row[0] == scope).unwrap().clone()
    };
    assert_eq!(scope("read-only", "orders").await, json!(["orders", 1, 0]));
    assert_eq!(scope("trade", "orders").await, json!(["orders", 1, 1]));
    assert_eq!(scope("trade", "withdraw").await, json!(["withdraw", 0, 0]));
    assert_eq!(scope("withdraw", "withdraw").await, json!(["withdraw", 0, 1]));
}

#[tokio::test]
async fn a_key_is_refused_at_a_foreign_address() {
    let mut bitfinex = Bitfinex::new().await;
    let api_key = bitfinex.key("trade").api_key;
    let elsewhere = vec!["127.0.0.2".parse().unwrap()];
    bitfinex.world.exchange.change_key("bitfinex", &api_key, |key| key.ips = elsewhere);
    refused(bitfinex.call("trade", "r/wallets", json!({})).await, 10100, "apikey: invalid ip");
    bitfinex.world.http = http("127.0.0.2");
    bitfinex.call("trade", "r/wallets", json!({})).await.ok();
}

#[tokio::test]
async fn an_order_lives_and_nothing_is_lost() {
    let bitfinex = Bitfinex::new().await;
    let supply = || ["BTC", "USD"].map(|asset| bitfinex.world.exchange.supply("bitfinex", asset));
    let before = supply();
    let placed = bitfinex.call("trade", "w/order/submit", order(json!({ "cid": 7 }))).await.ok();
    let row = &placed[4][0];
    assert_eq!(
        (&placed[1], &placed[6], &row[2], &row[13]),
        (&json!("on-req"), &json!("SUCCESS"), &json!(7), &json!("ACTIVE"))
    );
    assert_eq!(bitfinex.balance("trade", "USD").await, (json!(100_000), json!(75_000)));
    let id = json!({ "id": row[0] });
    let open = bitfinex.call("trade", "r/orders/tBTCUSD", json!({})).await.ok();
    assert_eq!(open[0], *row);
    refused(bitfinex.call("withdraw", "w/order/cancel", id.clone()).await, 10001, "Order not found.");
    assert_eq!(bitfinex.call("trade", "w/order/cancel", id.clone()).await.ok()[4][13], "CANCELED");
    refused(bitfinex.call("trade", "w/order/cancel", id).await, 10001, "Order not found.");
    let sell = json!({ "type": "EXCHANGE MARKET", "symbol": "tBTCUSD", "amount": "-0.01" });
    let sold = bitfinex.call("trade", "w/order/submit", sell).await.ok();
    assert_eq!((&sold[4][0][7], &sold[4][0][13]), (&json!(-0.01), &json!("EXECUTED @ 59990(0.01)")));
    assert_eq!(bitfinex.balance("trade", "BTC").await.0, json!(1.99));
    let trades = bitfinex.call("trade", "r/trades/tBTCUSD/hist", json!({})).await.ok();
    assert_eq!(
        (&trades[0][4], &trades[0][9], &trades[0][10]),
        (&json!(-0.01), &json!(-0.5999), &json!("USD"))
    );
    let out = |amount: &str| {
        let wallet = "exchange";
        json!({ "wallet": wallet, "method": "bitcoin", "amount": amount, "address": "bc1" })
    };
    assert_eq!(bitfinex.call("withdraw", "w/withdraw", out("0.5")).await.ok()[6], "SUCCESS");
    let much = bitfinex.call("withdraw", "w/withdraw", out("2")).await;
    assert!(much.body[2].as_str().unwrap().contains("available balance is only 1.5 BTC"), "{:?}", much.body);
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn what_is_wrong_with_an_order_is_said() {
    let bitfinex = Bitfinex::new().await;
    for (change, code, text) in [
        (json!({ "symbol": "tDOGE:USD" }), 10020, "symbol: invalid"),
        (json!({ "symbol": "BTCUSD" }), 10020, "symbol: invalid"),
        (json!({ "type": "LIMIT" }), 10020, "type: invalid"),
        (json!({ "type": null }), 10020, "type: invalid"),
        (json!({ "amount": "much" }), 10020, "amount: invalid"),
        (json!({ "amount": "--1" }), 10020, "amount: invalid"),
        (json!({ "amount": "1e3" }), 10020, "amount: invalid"),
        (json!({ "amount": "0.500000001" }), 10020, "amount: invalid"),
        (json!({ "amount": "0" }), 10001, "Invalid order: minimum size for BTC/USD is 0.00004"),
        (
            json!({ "amount": "99999999999999999999" }),
            10001,
            "Invalid order: maximum size for BTC/USD is 9000",
        ),
        (json!({ "price": null }), 10020, "price: invalid"),
        (json!({ "price": "-5" }), 10020, "price: invalid"),
        (json!({ "price": "50000.5" }), 10020, "price: invalid"),
        (json!({ "price": "99999999999999999999" }), 10020, "price: invalid"),
        (json!({ "cid": "mine" }), 10020, "cid: invalid"),
        (json!({ "flags": 64 }), 10020, "flags: invalid"),
        (json!({ "flags": 4096, "price": "60010" }), 10001, "Invalid order: post only would match"),
        (
            json!({ "amount": "2.1" }),
            10001,
            "Invalid order: not enough exchange balance for 2.1 BTCUSD at 50000",
        ),
    ] {
        refused(bitfinex.call("trade", "w/order/submit", order(change)).await, code, text);
    }
    assert_eq!(bitfinex.balance("trade", "USD").await, (json!(100_000), json!(100_000)));
    let lost = bitfinex.call("trade", "r/nothing", json!({})).await;
    assert_eq!((lost.status, lost.body), (404, json!(["error", 10020, "path: invalid"])));
}

#[tokio::test]
async fn several_steps_go_in_one_request() {
    let bitfinex = Bitfinex::new().await;
    let ops = json!({ "ops": [["on", order(json!({ "cid": 1 }))], ["on", order(json!({ "amount": "9" }))],
                              ["on", order(json!({ "price": "40000" }))], ["oc", { "id": 1_000_000 }]] });
    let told = bitfinex.call("trade", "w/order/multi", ops).await.ok();
    let outcome: Vec<&Value> = told[4].as_array().unwrap().iter().map(|step| &step[6]).collect();
    assert_eq!(outcome, ["SUCCESS", "ERROR", "SUCCESS", "ERROR"]);
    let gone = bitfinex.call("trade", "w/order/cancel", json!({ "cid": 1, "cid_date": "2023-11-14" })).await;
    assert_eq!(gone.ok()[6], "SUCCESS");
    let rest = bitfinex.call("trade", "w/order/cancel/multi", json!({ "all": 1 })).await.ok();
    assert_eq!(rest[4].as_array().unwrap().len(), 1);
    assert_eq!(bitfinex.call("trade", "r/orders", json!({})).await.ok(), json!([]));
    assert_eq!(bitfinex.call("trade", "r/orders/hist", json!({})).await.ok().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_market_is_public() {
    let bitfinex = Bitfinex::new().await;
    assert_eq!(bitfinex.public("platform/status").await.ok(), json!([1]));
    let tickers = bitfinex.public("tickers?symbols=ALL").await.ok();
    assert_eq!((&tickers[0][0], &tickers[0][7]), (&json!("tBTCUSD"), &json!(60_000)));
    assert_eq!(bitfinex.public("ticker/tETHUSD").await.ok()[6], 3000);
    let book = bitfinex.public("book/tBTCUSD/P0?len=1").await.ok();
    assert_eq!(book, json!([[59_990, 1, 0.5], [60_010, 1, -0.5]]));
    let pairs = bitfinex.public("conf/pub:list:pair:exchange,pub:list:currency").await.ok();
    assert_eq!(pairs, json!([["BTCUSD", "ETHUSD"], ["BTC", "ETH", "USD"]]));
    let candles = bitfinex.public("candles/trade:1m:tBTCUSD/hist?limit=3").await.ok();
    assert_eq!(candles[0][0], NOW - NOW % 60_000);
    refused(bitfinex.public("ticker/tDOGEUSD").await, 10020, "symbol: invalid");
    refused(bitfinex.public("conf/pub:nothing").await, 10020, "config: invalid");
    refused(bitfinex.public("candles/trade:7m:tBTCUSD/hist").await, 10020, "timeframe: invalid");
}
