//! Kraken's strictness, and its orders.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use demo_exchange::{Config, Key};
use serde_json::{Value, json};

use crate::caller::{FORM, NOW, Reply, World, http, key, secret, text};

struct Kraken {
    world: World,
    nonce: AtomicU64,
}

impl Kraken {
    async fn new() -> Self {
        Self::with(Config::demo()).await
    }

    async fn with(config: Config) -> Self {
        Self { world: World::with(config).await, nonce: AtomicU64::new(NOW.unsigned_abs()) }
    }

    fn key(&self, name: &str) -> Key {
        key(&self.world.config.exchanges["kraken"], name)
    }

    /// Signed by the named key, with the next nonce.
    async fn call(&self, name: &str, method: &str, params: &str) -> Reply {
        let nonce = self.nonce.fetch_add(1, Ordering::Relaxed).to_string();
        let separator = if params.is_empty() { "" } else { "&" };
        self.signed(&self.key(name), method, &nonce, &format!("nonce={nonce}{separator}{params}")).await
    }

    async fn signed(&self, key: &Key, method: &str, nonce: &str, body: &str) -> Reply {
        let path = format!("/0/private/{method}");
        let signature = sign(key, &path, nonce, body);
        self.sent(&key.api_key, &signature, &path, body).await
    }

    async fn sent(&self, api_key: &str, signature: &str, target: &str, body: &str) -> Reply {
        let url = format!("{}{target}", self.world.exchange.origin("kraken"));
        let kind = if body.starts_with('{') { "application/json" } else { FORM };
        let request = self.world.http.post(url).header("api-key", api_key).header("api-sign", signature);
        Reply::of(request.header("content-type", kind).body(body.to_owned())).await
    }

    async fn public(&self, target: &str) -> Reply {
        let url = format!("{}/0/public/{target}", self.world.exchange.origin("kraken"));
        Reply::of(self.world.http.get(url)).await
    }

    /// Total and locked, without the zeros.
    async fn balance(&self, name: &str, asset: &str) -> (f64, f64) {
        let told = result(self.call(name, "BalanceEx", "").await);
        let number = |field: &str| text(&told[asset][field]).parse().unwrap();
        (number("balance"), number("hold_trade"))
    }
}

fn sign(key: &Key, path: &str, nonce: &str, body: &str) -> String {
    let secret = secret(key);
    let hash = digest::digest(&digest::SHA256, format!("{nonce}{body}").as_bytes());
    let message = [path.as_bytes(), hash.as_ref()].concat();
    let secret = hmac::Key::new(hmac::HMAC_SHA512, &STANDARD.decode(secret).unwrap());
    STANDARD.encode(hmac::sign(&secret, &message).as_ref())
}

#[track_caller]
fn result(reply: Reply) -> Value {
    assert_eq!((reply.status, &reply.body["error"]), (200, &json!([])), "{:?}", reply.body);
    reply.body["result"].clone()
}

#[track_caller]
fn refused(reply: Reply, error: &str) {
    assert_eq!((reply.status, &reply.body), (200, &json!({ "error": [error] })));
}

const ORDER: &str = "pair=XXBTZUSD&type=buy&ordertype=limit&volume=0.5&price=50000";

#[tokio::test]
async fn only_the_signed_bytes_of_a_known_key_are_heard() {
    let kraken = Kraken::new().await;
    let (own, other) = (kraken.key("trade"), kraken.key("withdraw"));
    let (path, body) = ("/0/private/Balance", "nonce=7");
    let signature = sign(&own, path, "7", body);
    refused(
        kraken.sent(&own.api_key, &sign(&other, path, "7", body), path, body).await,
        "EAPI:Invalid signature",
    );
    refused(kraken.sent(&own.api_key, &signature, path, "nonce=7&a=b").await, "EAPI:Invalid signature");
    refused(
        kraken.sent(&own.api_key, &signature, "/0/private/BalanceEx", body).await,
        "EAPI:Invalid signature",
    );
    refused(
        kraken.sent(&own.api_key, &signature, "/0/private/Balance?a=b", body).await,
        "EAPI:Invalid signature",
    );
    refused(kraken.sent("nobody", &signature, path, body).await, "EAPI:Invalid key");
    result(kraken.sent(&own.api_key, &signature, path, body).await);
    let json = r#"{"nonce":"8"}"#;
    result(kraken.signed(&own, "Balance", "8", json).await);
}

#[tokio::test]
async fn a_nonce_is_larger_than_all_before() {
    let kraken = Kraken::new().await;
    let own = kraken.key("trade");
    let ask = async |nonce: &str| kraken.signed(&own, "Balance", nonce, &format!("nonce={nonce}")).await;
    result(ask("1700000000000").await);
    for nonce in ["1700000000000", "1699999999999", "-1", "1.5", "", "18446744073709551616"] {
        refused(ask(nonce).await, "EAPI:Invalid nonce");
    }
    refused(kraken.signed(&own, "Balance", "", "asset=XBT").await, "EAPI:Invalid nonce");
    let large = "nonce=9999999999999";
    refused(
        kraken.sent(&own.api_key, "c2lnbg==", "/0/private/Balance", large).await,
        "EAPI:Invalid signature",
    );
    result(ask("1700000000001").await);
}

#[tokio::test]
async fn a_key_does_what_it_may_and_can_ask_what_that_is() {
    let kraken = Kraken::new().await;
    let denied = "EGeneral:Permission denied";
    refused(kraken.call("read-only", "AddOrder", ORDER).await, denied);
    refused(kraken.call("read-only", "CancelAll", "").await, denied);
    refused(kraken.call("trade", "Withdraw", "asset=XBT&key=cold&amount=0.1").await, denied);
    let told = result(kraken.call("trade", "GetApiKeyInfo", "").await);
    let may = told["permissions"].as_array().unwrap();
    assert!(may.contains(&json!("query-funds")) && may.contains(&json!("modify-trades")));
    assert!(!may.contains(&json!("withdraw-funds")));
    kraken.world.exchange.change_key("kraken", &kraken.key("trade").api_key, |key| key.permissions.clear());
    refused(kraken.call("trade", "Balance", "").await, denied);
    assert_eq!(result(kraken.call("trade", "GetApiKeyInfo", "").await)["permissions"], json!([]));
}

#[tokio::test]
async fn a_key_is_unknown_at_a_foreign_address() {
    let mut kraken = Kraken::new().await;
    let api_key = kraken.key("trade").api_key;
    kraken.world.exchange.change_key("kraken", &api_key, |key| key.ips = vec!["127.0.0.2".parse().unwrap()]);
    refused(kraken.call("trade", "Balance", "").await, "EAPI:Invalid key");
    kraken.world.http = http("127.0.0.2");
    let told = result(kraken.call("trade", "GetApiKeyInfo", "").await);
    assert_eq!(told["ipAllowlist"], json!(["127.0.0.2"]));
}

#[tokio::test]
async fn an_order_lives_and_nothing_is_lost() {
    let kraken = Kraken::new().await;
    let supply = || ["BTC", "USD"].map(|asset| kraken.world.exchange.supply("kraken", asset));
    let before = supply();
    let placed = result(kraken.call("trade", "AddOrder", &format!("{ORDER}&cl_ord_id=mine")).await);
    assert_eq!(placed["descr"]["order"], "buy 0.50000000 XBTUSD @ limit 50000.00000");
    assert_eq!(kraken.balance("trade", "ZUSD").await, (100_000.0, 25_000.0));
    let id = text(&placed["txid"][0]);
    let open = result(kraken.call("trade", "OpenOrders", "").await);
    assert_eq!(
        (&open["open"][&id]["status"], &open["open"][&id]["cl_ord_id"]),
        (&json!("open"), &json!("mine"))
    );
    refused(kraken.call("withdraw", "CancelOrder", &format!("txid={id}")).await, "EOrder:Unknown order");
    assert_eq!(result(kraken.call("trade", "CancelOrder", "cl_ord_id=mine").await)["count"], 1);
    refused(kraken.call("trade", "CancelOrder", &format!("txid={id}")).await, "EOrder:Unknown order");
    let cost = "pair=XBT/USD&type=buy&ordertype=market&volume=600.1&oflags=viqc";
    let bought = text(&result(kraken.call("trade", "AddOrder", cost).await)["txid"][0]);
    let told = result(kraken.call("trade", "QueryOrders", &format!("txid={bought}&trades=true")).await);
    assert_eq!(
        (&told[&bought]["vol_exec"], &told[&bought]["cost"]),
        (&json!("0.01000000"), &json!("600.10000"))
    );
    assert_eq!(kraken.balance("trade", "XXBT").await, (2.00999, 0.0));
    let trades = result(kraken.call("trade", "TradesHistory", "").await);
    assert_eq!((&trades["count"], trades["trades"].as_object().unwrap().len()), (&json!(1), 1));
    result(kraken.call("withdraw", "Withdraw", "asset=XBT&key=cold&amount=0.5").await);
    refused(
        kraken.call("withdraw", "Withdraw", "asset=XBT&key=cold&amount=2").await,
        "EFunding:Invalid amount",
    );
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn what_is_wrong_with_an_order_is_said() {
    let kraken = Kraken::new().await;
    let argument = |name: &str| format!("EGeneral:Invalid arguments:{name}");
    for (change, error) in [
        ("pair=XXBTZEUR", "EQuery:Unknown asset pair".to_owned()),
        ("type=hold", argument("type")),
        ("ordertype=stop-loss", argument("ordertype")),
        ("volume=", argument("volume")),
        ("volume=1e3", argument("volume")),
        ("volume=-1", argument("volume")),
        ("volume=99999999999999999999", argument("volume")),
        ("volume=0.000000001", argument("volume minimum not met")),
        ("volume=0.500000001", argument("volume")),
        ("price=%2B5%25", argument("price")),
        ("price=99999999999999999999", argument("price")),
        (
            "price=50000.01",
            "EOrder:Invalid price:XBT/USD price can only be specified up to 1 decimals.".to_owned(),
        ),
        ("price=0.1", "EOrder:Cost minimum not met".to_owned()),
        ("price=50001&volume=2", "EOrder:Insufficient funds".to_owned()),
        ("price=60010&oflags=post", "EOrder:Post only order".to_owned()),
        ("oflags=viqc", argument("viqc")),
        ("oflags=mine", argument("oflags")),
        ("timeinforce=GTD", argument("timeinforce")),
        ("userref=x", argument("userref")),
        ("userref=1&cl_ord_id=1", argument("cl_ord_id")),
        ("close[ordertype]=limit", argument("close")),
    ] {
        refused(kraken.call("trade", "AddOrder", &format!("{ORDER}&{change}")).await, &error);
    }
    assert_eq!(kraken.balance("trade", "ZUSD").await, (100_000.0, 0.0));
    let lost = kraken.call("trade", "Nothing", "").await;
    assert_eq!((lost.status, lost.body), (404, json!({ "error": ["EGeneral:Unknown method"] })));
}

#[tokio::test]
async fn a_batch_is_placed_order_by_order_and_cancelled_by_its_number() {
    let kraken = Kraken::new().await;
    let own = kraken.key("trade");
    let order = |price: &str, volume: &str| {
        let (kind, side) = ("limit", "buy");
        json!({ "ordertype": kind, "type": side, "price": price, "volume": volume, "userref": 7 })
    };
    let body = |nonce: &str, orders: Value| {
        json!({ "nonce": nonce, "pair": "XBTUSD", "orders": orders }).to_string()
    };
    let unsound = body("1", json!([order("10000", "0.1"), order("many", "0.1")]));
    refused(kraken.signed(&own, "AddOrderBatch", "1", &unsound).await, "EGeneral:Invalid arguments:price");
    let mixed = body("2", json!([order("10000", "0.1"), order("50000", "8000")]));
    let placed = result(kraken.signed(&own, "AddOrderBatch", "2", &mixed).await);
    assert!(placed["orders"][0]["txid"].is_string());
    assert_eq!(placed["orders"][1], json!({ "error": "EOrder:Insufficient funds" }));
    let open = result(kraken.call("trade", "OpenOrders", "userref=7").await);
    assert_eq!(open["open"].as_object().unwrap().len(), 1);
    assert_eq!(result(kraken.call("trade", "CancelOrder", "txid=7").await)["count"], 1);
}

#[tokio::test]
async fn the_market_is_public_under_each_of_its_names() {
    let kraken = Kraken::new().await;
    for name in ["XXBTZUSD", "XBTUSD", "XBT/USD"] {
        let ticker = result(kraken.public(&format!("Ticker?pair={name}")).await);
        assert_eq!(ticker["XXBTZUSD"]["c"][0], "60000.00000", "{name}");
    }
    assert_eq!(result(kraken.public("Ticker").await).as_object().unwrap().len(), 2);
    let book = result(kraken.public("Depth?pair=XBTUSD&count=3").await);
    assert_eq!(book["XXBTZUSD"]["asks"][0], json!(["60010.00000", "0.500", NOW / 1000]));
    assert_eq!(result(kraken.public("Time").await)["unixtime"], NOW / 1000);
    refused(kraken.public("Ticker?pair=DOGEUSD").await, "EQuery:Unknown asset pair");
    refused(kraken.public("OHLC?pair=XBTUSD&interval=7").await, "EGeneral:Invalid arguments:interval");
    refused(kraken.public("Depth?pair=XBTUSD&count=0").await, "EGeneral:Invalid arguments:count");
}
