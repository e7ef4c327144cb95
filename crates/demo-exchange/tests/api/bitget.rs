//! How strict Bitget is: who may call, which orders pass, where the money goes.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use demo_exchange::Key;
use serde_json::{Value, json};

use crate::caller::{Reply, World, http, text};

const ASSETS: &str = "/api/v2/spot/account/assets";
const INFO: &str = "/api/v2/spot/account/info";
const PLACE: &str = "/api/v2/spot/trade/place-order";
const CANCEL: &str = "/api/v2/spot/trade/cancel-order";
const WITHDRAW: &str = "/api/v2/spot/wallet/withdrawal";

/// A signed request before it is sent.
struct Call {
    key: Key,
    secret: String,
    time: String,
    /// The address it comes from, if it is not the usual one.
    from: Option<&'static str>,
}

impl Call {
    fn new(world: &World, name: &str) -> Self {
        let (key, secret) = world.shared("bitget", name);
        Self { secret, key, time: world.now().to_string(), from: None }
    }

    async fn get(&self, world: &World, target: &str) -> Reply {
        self.send(world, "GET", target, String::new()).await
    }

    async fn post(&self, world: &World, path: &str, body: Value) -> Reply {
        self.send(world, "POST", path, body.to_string()).await
    }

    async fn send(&self, world: &World, method: &str, target: &str, body: String) -> Reply {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let signed = format!("{}{method}{target}{body}", self.time);
        let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let url = format!("{}{target}", world.exchange.origin("bitget"));
        let client = self.from.map_or_else(|| world.http.clone(), http);
        let request = client.request(method.parse().unwrap(), url).body(body);
        let request = request.header("ACCESS-KEY", &self.key.api_key).header("ACCESS-SIGN", signature);
        let request = request.header("ACCESS-TIMESTAMP", &self.time);
        Reply::of(request.header("ACCESS-PASSPHRASE", self.key.passphrase.clone().unwrap_or_default())).await
    }
}

async fn get(world: &World, target: &str) -> Reply {
    Call::new(world, "trade").get(world, target).await
}

async fn post(world: &World, name: &str, path: &str, body: Value) -> Reply {
    Call::new(world, name).post(world, path, body).await
}

/// The limit order with these fields changed.
fn order(changes: Value) -> Value {
    let mut order = json!({ "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc",
                            "price": "50000", "size": "0.001" });
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    order
}

#[track_caller]
fn refused(reply: Reply, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.body["code"]), (status, &json!(code)), "{:?}", reply.body);
    assert_eq!(reply.body["data"], Value::Null);
}

#[track_caller]
fn done(reply: Reply) -> Value {
    assert_eq!((reply.status, &reply.body["code"]), (200, &json!("00000")), "{:?}", reply.body);
    reply.body["data"].clone()
}

async fn balance(world: &World, coin: &str) -> (String, String) {
    let told = done(get(world, &format!("{ASSETS}?coin={coin}")).await);
    (text(&told[0]["available"]), text(&told[0]["frozen"]))
}

#[tokio::test]
async fn every_part_of_the_signature_counts() {
    let world = World::new().await;
    done(get(&world, ASSETS).await);
    let secret = Call { secret: "another".to_owned(), ..Call::new(&world, "trade") };
    refused(secret.get(&world, ASSETS).await, 400, "40009");
    for (passphrase, code) in [(Some("another"), "40012"), (None, "40011")] {
        let mut call = Call::new(&world, "trade");
        call.key.passphrase = passphrase.map(str::to_owned);
        refused(call.get(&world, ASSETS).await, 400, code);
    }
    let mut unknown = Call::new(&world, "trade");
    unknown.key.api_key = "nobody".to_owned();
    refused(unknown.get(&world, ASSETS).await, 400, "40006");
    let bare = world.http.get(format!("{}{ASSETS}", world.exchange.origin("bitget")));
    refused(Reply::of(bare).await, 400, "40001");
}

#[tokio::test]
async fn a_clock_may_be_thirty_seconds_off() {
    let world = World::new().await;
    for (off, fine) in [(-30_000, true), (30_000, true), (-30_001, false), (30_001, false)] {
        let call = Call { time: (world.now() + off).to_string(), ..Call::new(&world, "trade") };
        let reply = call.get(&world, ASSETS).await;
        if fine { drop(done(reply)) } else { refused(reply, 400, "40008") }
    }
    let word = Call { time: "now".to_owned(), ..Call::new(&world, "trade") };
    refused(word.get(&world, ASSETS).await, 400, "40005");
    let late = json!({ "requestTime": (world.now() - 2000).to_string(), "receiveWindow": "1000" });
    refused(post(&world, "trade", PLACE, order(late)).await, 400, "40008");
}

#[tokio::test]
async fn a_key_does_what_it_may_from_where_it_may() {
    let world = World::new().await;
    refused(post(&world, "read-only", PLACE, order(json!({}))).await, 403, "40014");
    let coins = json!({ "coin": "BTC", "transferType": "on_chain", "address": "bc1q", "chain": "BTC", "size": "0.1" });
    refused(post(&world, "trade", WITHDRAW, coins).await, 403, "40014");
    refused(get(&world, "/api/v3/account/settings").await, 400, "40084");

    let told = done(get(&world, INFO).await);
    assert_eq!((&told["authorities"], &told["ips"]), (&json!(["stor", "wtor", "stow"]), &json!("")));
    let key = Call::new(&world, "trade").key.api_key;
    world.exchange.change_key("bitget", &key, |key| key.ips = vec!["127.0.0.2".parse().unwrap()]);
    refused(get(&world, ASSETS).await, 403, "40018");
    let home = Call { from: Some("127.0.0.2"), ..Call::new(&world, "trade") };
    assert_eq!(done(home.get(&world, INFO).await)["ips"], "127.0.0.2");
}

#[tokio::test]
async fn an_order_locks_its_price_until_it_is_cancelled() {
    let world = World::new().await;
    let supply = world.exchange.supply("bitget", "USDT");
    let placed = done(post(&world, "trade", PLACE, order(json!({ "clientOid": "mine" }))).await);
    assert_eq!(balance(&world, "USDT").await, ("99950".into(), "50".into()));
    refused(post(&world, "trade", PLACE, order(json!({ "clientOid": "mine" }))).await, 400, "43118");

    let open = done(get(&world, "/api/v2/spot/trade/unfilled-orders?symbol=BTCUSDT").await);
    assert_eq!((&open[0]["orderId"], &open[0]["clientOid"]), (&placed["orderId"], &json!("mine")));
    let named = json!({ "symbol": "BTCUSDT", "orderId": placed["orderId"] });
    refused(post(&world, "withdraw", CANCEL, named.clone()).await, 400, "43001");
    let elsewhere = json!({ "symbol": "ETHUSDT", "orderId": placed["orderId"] });
    refused(post(&world, "trade", CANCEL, elsewhere).await, 400, "43001");
    done(post(&world, "trade", CANCEL, named.clone()).await);
    refused(post(&world, "trade", CANCEL, named).await, 400, "43001");
    let info = done(get(&world, "/api/v2/spot/trade/orderInfo?clientOid=mine").await);
    assert_eq!(info[0]["status"], "cancelled");
    assert_eq!(balance(&world, "USDT").await, ("100000".into(), "0".into()));
    assert_eq!(world.exchange.supply("bitget", "USDT"), supply);
}

#[tokio::test]
async fn a_market_order_buys_for_quote_money_and_sells_a_size() {
    let world = World::new().await;
    let supply = world.exchange.supply("bitget", "BTC");
    let buy = json!({ "symbol": "BTCUSDT", "side": "buy", "orderType": "market", "size": "600.1" });
    let bought = done(post(&world, "trade", PLACE, buy).await);
    assert_eq!(balance(&world, "BTC").await.0, "2.00999");
    let sell = json!({ "symbol": "BTCUSDT", "side": "sell", "orderType": "market", "size": "0.01" });
    done(post(&world, "trade", PLACE, sell).await);
    assert_eq!(balance(&world, "BTC").await.0, "1.99999");
    let fills = done(get(&world, "/api/v2/spot/trade/fills?symbol=BTCUSDT").await);
    assert_eq!((&fills[1]["orderId"], &fills[1]["tradeScope"]), (&bought["orderId"], &json!("taker")));
    assert_eq!(fills[1]["feeDetail"]["totalFee"], "-0.00001");
    assert_eq!(world.exchange.supply("bitget", "BTC"), supply);
}

#[tokio::test]
async fn in_a_batch_each_order_has_an_outcome_of_its_own() {
    let world = World::new().await;
    let [sound, poor] = [json!({ "clientOid": "a" }), json!({ "clientOid": "b", "size": "100" })].map(order);
    let batch = json!({ "symbol": "BTCUSDT", "orderList": [sound, poor] });
    let told = done(post(&world, "trade", "/api/v2/spot/trade/batch-orders", batch).await);
    assert_eq!(told["successList"][0]["clientOid"], "a");
    assert_eq!(told["failureList"][0]["errorCode"], "43012");
    done(
        post(&world, "trade", "/api/v2/spot/trade/cancel-symbol-order", json!({ "symbol": "BTCUSDT" })).await,
    );
    assert_eq!(balance(&world, "USDT").await, ("100000".into(), "0".into()));
}

#[tokio::test]
async fn an_order_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    for (changes, code) in [
        (json!({ "symbol": "BTC-USDT" }), "40034"),
        (json!({ "side": "BUY" }), "40020"),
        (json!({ "orderType": "stop" }), "40020"),
        (json!({ "force": "day" }), "40020"),
        (json!({ "tpslType": "tpsl" }), "40017"),
        (json!({ "price": "5e4" }), "40706"),
        (json!({ "price": "50000.01" }), "40808"),
        (json!({ "size": "-1" }), "40108"),
        (json!({ "size": "0.00015" }), "40808"),
        (json!({ "size": "0.00001" }), "45110"),
        (json!({ "price": "1000" }), "45110"),
        (json!({ "size": "100" }), "43012"),
        (json!({ "price": "60010", "force": "post_only" }), "43011"),
    ] {
        let reply = post(&world, "trade", PLACE, order(changes.clone())).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!(code)), "{changes} {:?}", reply.body);
    }
    refused(get(&world, "/api/v2/nothing").await, 404, "40404");
    assert_eq!(balance(&world, "USDT").await, ("100000".into(), "0".into()));
}

#[tokio::test]
async fn money_leaves_on_the_network_of_its_coin() {
    let world = World::new().await;
    let supply = world.exchange.supply("bitget", "BTC");
    let coins = |chain: &str, size: &str| json!({ "coin": "BTC", "transferType": "on_chain", "address": "bc1q", "chain": chain, "size": size });
    refused(post(&world, "withdraw", WITHDRAW, coins("ERC20", "1")).await, 400, "40017");
    refused(post(&world, "withdraw", WITHDRAW, coins("BTC", "2.5")).await, 400, "43012");
    done(post(&world, "withdraw", WITHDRAW, coins("BTC", "2")).await);
    refused(post(&world, "withdraw", WITHDRAW, coins("BTC", "0.1")).await, 400, "43012");
    assert_eq!(world.exchange.supply("bitget", "BTC"), supply);
}
