//! Coinbase Exchange's strictness, and its orders.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use demo_exchange::{Config, Key};
use serde_json::{Value, json};

use crate::caller::{NOW, Reply, World, http, key, secret, text};

struct Coinbase {
    world: World,
}

impl Coinbase {
    async fn new() -> Self {
        Self { world: World::with(Config::demo()).await }
    }

    fn key(&self, name: &str) -> Key {
        key(&self.world.config.exchanges["coinbaseexchange"], name)
    }

    /// Signed by the named key, now.
    async fn call(&self, name: &str, method: &str, target: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.signed(&self.key(name), &(self.world.now() / 1000).to_string(), method, target, &body).await
    }

    async fn signed(&self, key: &Key, time: &str, method: &str, target: &str, body: &str) -> Reply {
        let signature = sign(key, &format!("{time}{method}{target}{body}"));
        self.sent(key, time, &signature, method, target, body).await
    }

    async fn sent(&self, key: &Key, time: &str, sign: &str, method: &str, target: &str, body: &str) -> Reply {
        let url = format!("{}{target}", self.world.exchange.origin("coinbaseexchange"));
        let request =
            self.world.http.request(method.parse().unwrap(), url).header("cb-access-key", &key.api_key);
        let request = request.header("cb-access-timestamp", time).header("cb-access-sign", sign);
        let passphrase = key.passphrase.clone().unwrap_or_default();
        Reply::of(request.header("cb-access-passphrase", passphrase).body(body.to_owned())).await
    }

    async fn public(&self, target: &str) -> Reply {
        let origin = self.world.exchange.origin("coinbaseexchange");
        Reply::of(self.world.http.get(format!("{origin}{target}"))).await
    }

    /// Available and held.
    async fn balance(&self, name: &str, currency: &str) -> (f64, f64) {
        let accounts = self.call(name, "GET", "/accounts", Value::Null).await.ok();
        let own =
            accounts.as_array().unwrap().iter().find(|one| one["currency"] == currency).unwrap().clone();
        let number = |field: &str| text(&own[field]).parse().unwrap();
        (number("available"), number("hold"))
    }
}

fn sign(key: &Key, message: &str) -> String {
    let secret = secret(key);
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret).unwrap());
    STANDARD.encode(hmac::sign(&secret, message.as_bytes()).as_ref())
}

#[track_caller]
fn refused(reply: Reply, status: u16, message: &str) {
    assert_eq!((reply.status, &reply.body), (status, &json!({ "message": message })));
}

fn order(changes: Value) -> Value {
    let mut order =
        json!({ "type": "limit", "side": "buy", "product_id": "BTC-USD", "price": "50000", "size": "0.5" });
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    order
}

const CLIENT_ID: &str = "11111111-2222-4333-8444-555555555555";

#[tokio::test]
async fn only_the_signed_bytes_of_a_known_key_are_heard() {
    let coinbase = Coinbase::new().await;
    let (own, time) = (coinbase.key("trade"), "1700000000");
    let wrong = "invalid signature";
    let signature = sign(&own, "1700000000GET/orders?status=open");
    let by_other = sign(&coinbase.key("withdraw"), "1700000000GET/orders?status=open");
    refused(coinbase.sent(&own, time, &by_other, "GET", "/orders?status=open", "").await, 401, wrong);
    refused(coinbase.sent(&own, time, &signature, "GET", "/orders?status=all", "").await, 401, wrong);
    refused(coinbase.sent(&own, time, &signature, "GET", "/orders", "").await, 401, wrong);
    refused(coinbase.sent(&own, time, &signature, "GET", "/orders?status=open", "{}").await, 401, wrong);
    refused(
        coinbase.sent(&own, "1700000001", &signature, "GET", "/orders?status=open", "").await,
        401,
        wrong,
    );
    refused(coinbase.sent(&own, time, &signature, "DELETE", "/orders?status=open", "").await, 401, wrong);
    coinbase.sent(&own, time, &signature, "GET", "/orders?status=open", "").await.ok();
}

#[tokio::test]
async fn key_and_passphrase_belong_together() {
    let coinbase = Coinbase::new().await;
    let own = coinbase.key("trade");
    let nobody = Key { api_key: "nobody".to_owned(), ..own.clone() };
    refused(coinbase.signed(&nobody, "1700000000", "GET", "/accounts", "").await, 401, "Invalid API Key");
    let other = Key { passphrase: Some("another".to_owned()), ..own };
    refused(coinbase.signed(&other, "1700000000", "GET", "/accounts", "").await, 401, "Invalid Passphrase");
    refused(coinbase.public("/accounts").await, 401, "CB-ACCESS-KEY header is required");
}

#[tokio::test]
async fn a_request_is_good_for_half_a_minute_either_way() {
    let coinbase = Coinbase::new().await;
    let own = coinbase.key("trade");
    for time in ["1699999970", "1699999970.0", "1700000000.123", "1700000030"] {
        coinbase.signed(&own, time, "GET", "/accounts", "").await.ok();
    }
    for time in ["1699999969", "1700000031", "1699999969.999", "0", "1700000000000"] {
        let stale = coinbase.signed(&own, time, "GET", "/accounts", "").await;
        refused(stale, 401, "request timestamp expired");
    }
    for time in ["now", "-1", "1e9", ""] {
        refused(coinbase.signed(&own, time, "GET", "/accounts", "").await, 400, "invalid timestamp");
    }
}

#[tokio::test]
async fn a_key_does_what_it_may_where_it_may() {
    let mut coinbase = Coinbase::new().await;
    refused(coinbase.call("read-only", "POST", "/orders", order(json!({}))).await, 401, "Forbidden");
    refused(coinbase.call("read-only", "DELETE", "/orders", Value::Null).await, 401, "Forbidden");
    let out = json!({ "currency": "BTC", "amount": 0.1, "crypto_address": "bc1" });
    refused(coinbase.call("trade", "POST", "/withdrawals/crypto", out).await, 401, "Forbidden");
    let elsewhere = vec!["127.0.0.2".parse().unwrap()];
    let api_key = coinbase.key("trade").api_key;
    coinbase.world.exchange.change_key("coinbaseexchange", &api_key, |key| key.ips = elsewhere);
    let foreign = coinbase.call("trade", "GET", "/accounts", Value::Null).await;
    refused(foreign, 401, "IP does not match IP whitelist");
    coinbase.world.http = http("127.0.0.2");
    coinbase.call("trade", "GET", "/accounts", Value::Null).await.ok();
}

#[tokio::test]
async fn an_order_lives_and_nothing_is_lost() {
    let coinbase = Coinbase::new().await;
    let supply = || ["BTC", "USD"].map(|asset| coinbase.world.exchange.supply("coinbaseexchange", asset));
    let before = supply();
    let placed = order(json!({ "client_oid": CLIENT_ID }));
    let placed = coinbase.call("trade", "POST", "/orders", placed).await.ok();
    assert_eq!((&placed["status"], &placed["client_oid"]), (&json!("open"), &json!(CLIENT_ID)));
    assert_eq!(coinbase.balance("trade", "USD").await, (75_000.0, 25_000.0));
    let path = format!("/orders/{}", text(&placed["id"]));
    let by_client_id = format!("/orders/client:{CLIENT_ID}");
    assert_eq!(coinbase.call("trade", "GET", &by_client_id, Value::Null).await.ok(), placed);
    assert_eq!(coinbase.call("trade", "GET", "/orders", Value::Null).await.ok(), json!([placed]));
    refused(coinbase.call("withdraw", "DELETE", &path, Value::Null).await, 404, "NotFound");
    assert_eq!(
        coinbase.call("trade", "DELETE", &path, json!({ "product_id": "BTC/USD" })).await.ok(),
        placed["id"]
    );
    refused(coinbase.call("trade", "DELETE", &path, Value::Null).await, 400, "Order already done");
    assert_eq!(coinbase.call("trade", "GET", &path, Value::Null).await.ok()["done_reason"], "canceled");
    let buy = json!({ "type": "market", "side": "buy", "product_id": "BTC-USD", "funds": "600.1" });
    let bought = coinbase.call("trade", "POST", "/orders", buy).await.ok();
    assert_eq!((&bought["filled_size"], &bought["status"]), (&json!("0.01000000"), &json!("done")));
    let fills = format!("/fills?order_id={}", text(&bought["id"]));
    let fills = coinbase.call("trade", "GET", &fills, Value::Null).await.ok();
    assert_eq!((&fills[0]["fee"], &fills[0]["liquidity"]), (&json!("0.6001000000000000"), &json!("T")));
    assert_eq!(coinbase.balance("trade", "BTC").await, (2.00999, 0.0));
    let out = |amount: &str| json!({ "currency": "BTC", "amount": amount, "crypto_address": "bc1" });
    coinbase.call("withdraw", "POST", "/withdrawals/crypto", out("0.5")).await.ok();
    let much = coinbase.call("withdraw", "POST", "/withdrawals/crypto", out("2")).await;
    refused(much, 400, "Insufficient funds");
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn what_is_wrong_with_an_order_is_said() {
    let coinbase = Coinbase::new().await;
    for (change, message) in [
        (json!({ "product_id": "DOGE-USD" }), "Product not found"),
        (json!({ "product_id": null }), "Product not found"),
        (json!({ "side": "hold" }), "Invalid side"),
        (json!({ "type": "stop" }), "Invalid type"),
        (json!({ "stop": "loss", "stop_price": "1" }), "Invalid stop"),
        (json!({ "size": "much" }), "Invalid size"),
        (json!({ "size": "-1" }), "Invalid size"),
        (json!({ "size": "0" }), "size is too small. Minimum size is 0.00000001"),
        (json!({ "size": "0.500000001" }), "size is too accurate. Smallest unit is 0.00000001"),
        (json!({ "size": "99999999999999999999" }), "size is too large. Maximum size is 9000"),
        (json!({ "size": "0.00001" }), "size is too small. Minimum size is 1"),
        (json!({ "price": null }), "Invalid price"),
        (json!({ "price": "0" }), "price too small (0)"),
        (json!({ "price": "50000.001" }), "price too precise (50000.001)"),
        (json!({ "price": "99999999999999999999" }), "Invalid price"),
        (json!({ "client_oid": "mine" }), "Invalid client_oid"),
        (json!({ "post_only": true, "time_in_force": "IOC" }), "Invalid time_in_force"),
        (json!({ "post_only": true, "price": "60010" }), "Post only order would match"),
        (json!({ "size": "2.1" }), "Insufficient funds"),
        (json!({ "type": "market", "funds": "100" }), "Invalid size"),
    ] {
        refused(coinbase.call("trade", "POST", "/orders", order(change)).await, 400, message);
    }
    assert_eq!(coinbase.balance("trade", "USD").await, (100_000.0, 0.0));
    refused(coinbase.call("trade", "GET", "/orders/mine", Value::Null).await, 400, "Invalid order id");
    refused(coinbase.call("trade", "GET", "/nothing", Value::Null).await, 404, "Route not found");
}

#[tokio::test]
async fn all_open_orders_of_a_product_are_cancelled_together() {
    let coinbase = Coinbase::new().await;
    coinbase.call("trade", "POST", "/orders", order(json!({ "client_oid": CLIENT_ID }))).await.ok();
    let again = coinbase.call("trade", "POST", "/orders", order(json!({ "client_oid": CLIENT_ID }))).await;
    refused(again, 400, "Duplicate client_oid");
    let other = order(json!({ "product_id": "ETH-USD", "price": "2000" }));
    coinbase.call("trade", "POST", "/orders", other).await.ok();
    let gone = coinbase.call("trade", "DELETE", "/orders?product_id=BTC-USD", Value::Null).await.ok();
    assert_eq!(gone.as_array().unwrap().len(), 1);
    let left = coinbase.call("trade", "GET", "/orders?status=open", Value::Null).await.ok();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["product_id"]), (1, &json!("ETH-USD")));
    let all = coinbase.call("trade", "GET", "/orders?status=all", Value::Null).await.ok();
    assert_eq!(all.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_market_is_public() {
    let coinbase = Coinbase::new().await;
    let time = coinbase.public("/time").await.ok();
    assert_eq!(time, json!({ "iso": "2023-11-14T22:13:20.000Z", "epoch": NOW / 1000 }));
    assert_eq!(coinbase.public("/products").await.ok()[0]["quote_increment"], "0.01");
    assert_eq!(coinbase.public("/products/BTC-USD/ticker").await.ok()["price"], "60000.00000000");
    assert_eq!(coinbase.public("/products/spark-lines").await.ok()["ETH-USD"][0][4], 3000);
    let book = coinbase.public("/products/BTC-USD/book?level=2").await.ok();
    assert_eq!(book["asks"][0], json!(["60010.00000000", "0.50000000", 1]));
    let candles = coinbase.public("/products/BTC-USD/candles?granularity=3600").await.ok();
    assert_eq!(candles.as_array().unwrap().len(), 300);
    refused(coinbase.public("/products/DOGE-USD").await, 404, "NotFound");
    refused(coinbase.public("/products/BTC-USD/book?level=4").await, 400, "Invalid level");
    refused(
        coinbase.public("/products/BTC-USD/candles?granularity=61").await,
        400,
        "Unsupported granularity",
    );
}
