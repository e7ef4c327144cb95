//! How strict KuCoin is: who may call, which orders pass, where the money goes.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use demo_exchange::Key;
use serde_json::{Value, json};

use crate::caller::{Reply, World, http, text};

const ORDERS: &str = "/api/v1/hf/orders";
const ACCOUNTS: &str = "/api/v1/accounts?type=trade";

/// A signed request before it is sent.
struct Call {
    key: Key,
    secret: String,
    time: String,
    version: &'static str,
    /// The address it comes from, if it is not the usual one.
    from: Option<&'static str>,
}

impl Call {
    fn new(world: &World, name: &str) -> Self {
        let (key, secret) = world.shared("kucoin", name);
        let (secret, time) = (secret.clone(), world.now().to_string());
        Self { key, secret, time, version: "2", from: None }
    }

    fn mac(&self, text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        STANDARD.encode(hmac::sign(&key, text.as_bytes()))
    }

    async fn send(&self, world: &World, method: &str, target: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let signature = self.mac(&format!("{}{method}{target}{body}", self.time));
        let passphrase = self.key.passphrase.clone().unwrap();
        let passphrase = if self.version == "1" { passphrase } else { self.mac(&passphrase) };
        let url = format!("{}{target}", world.exchange.origin("kucoin"));
        let client = self.from.map_or_else(|| world.http.clone(), http);
        let request = client.request(method.parse().unwrap(), url).body(body);
        let request = request.header("KC-API-KEY", &self.key.api_key).header("KC-API-SIGN", signature);
        let request = request.header("KC-API-TIMESTAMP", &self.time).header("KC-API-PASSPHRASE", passphrase);
        Reply::of(request.header("KC-API-KEY-VERSION", self.version)).await
    }
}

async fn call(world: &World, name: &str, method: &str, target: &str, body: Value) -> Reply {
    Call::new(world, name).send(world, method, target, body).await
}

/// The limit order with these fields changed.
fn order(changes: Value) -> Value {
    let mut order =
        json!({ "symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.001" });
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    order
}

#[track_caller]
fn refused(reply: Reply, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.body["code"]), (status, &json!(code)), "{:?}", reply.body);
}

#[track_caller]
fn done(reply: Reply) -> Value {
    assert_eq!((reply.status, &reply.body["code"]), (200, &json!("200000")), "{:?}", reply.body);
    reply.body["data"].clone()
}

async fn balance(world: &World, asset: &str) -> (String, String) {
    let told = done(call(world, "trade", "GET", &format!("{ACCOUNTS}&currency={asset}"), Value::Null).await);
    (text(&told[0]["available"]), text(&told[0]["holds"]))
}

#[tokio::test]
async fn every_part_of_the_signature_counts() {
    let world = World::new().await;
    let sound = Call::new(&world, "trade");
    done(sound.send(&world, "GET", ACCOUNTS, Value::Null).await);
    let old = Call { version: "1", ..Call::new(&world, "trade") };
    done(old.send(&world, "GET", ACCOUNTS, Value::Null).await);

    let secret = Call { secret: "another".to_owned(), version: "1", ..Call::new(&world, "trade") };
    refused(secret.send(&world, "GET", ACCOUNTS, Value::Null).await, 401, "400005");
    let mut passphrase = Call::new(&world, "trade");
    passphrase.key.passphrase = Some("another".to_owned());
    refused(passphrase.send(&world, "GET", ACCOUNTS, Value::Null).await, 401, "400004");
    let mut unknown = Call::new(&world, "trade");
    unknown.key.api_key = "nobody".to_owned();
    refused(unknown.send(&world, "GET", ACCOUNTS, Value::Null).await, 401, "400003");
    let version = Call { version: "9", ..Call::new(&world, "trade") };
    refused(version.send(&world, "GET", ACCOUNTS, Value::Null).await, 401, "400004");
    let bare = world.http.get(format!("{}{ACCOUNTS}", world.exchange.origin("kucoin")));
    refused(Reply::of(bare).await, 401, "400001");
}

#[tokio::test]
async fn a_clock_may_be_five_seconds_off() {
    let world = World::new().await;
    for (off, fine) in [(-5000, true), (5000, true), (-5001, false), (5001, false)] {
        let call = Call { time: (world.now() + off).to_string(), ..Call::new(&world, "trade") };
        let reply = call.send(&world, "GET", ACCOUNTS, Value::Null).await;
        if fine { drop(done(reply)) } else { refused(reply, 401, "400002") }
    }
    let word = Call { time: "now".to_owned(), ..Call::new(&world, "trade") };
    refused(word.send(&world, "GET", ACCOUNTS, Value::Null).await, 401, "400002");
}

#[tokio::test]
async fn a_key_does_what_it_may_from_where_it_may() {
    let world = World::new().await;
    refused(call(&world, "read-only", "POST", ORDERS, order(json!({}))).await, 403, "400007");
    let coins = json!({ "currency": "BTC", "toAddress": "bc1q", "amount": "0.1", "withdrawType": "ADDRESS" });
    refused(call(&world, "trade", "POST", "/api/v3/withdrawals", coins).await, 403, "400007");

    let told = done(call(&world, "trade", "GET", "/api/v1/user/api-key", Value::Null).await);
    assert_eq!((&told["permission"], &told["ipWhitelist"]), (&json!("General,Spot"), &json!("")));
    let key = Call::new(&world, "trade").key.api_key;
    world.exchange.change_key("kucoin", &key, |key| key.ips = vec!["127.0.0.2".parse().unwrap()]);
    refused(call(&world, "trade", "GET", ACCOUNTS, Value::Null).await, 401, "400006");
    let home = Call { from: Some("127.0.0.2"), ..Call::new(&world, "trade") };
    let told = done(home.send(&world, "GET", "/api/v1/user/api-key", Value::Null).await);
    assert_eq!(told["ipWhitelist"], "127.0.0.2");
}

#[tokio::test]
async fn an_order_locks_its_price_until_it_is_cancelled() {
    let world = World::new().await;
    let supply = world.exchange.supply("kucoin", "USDT");
    let placed = done(call(&world, "trade", "POST", ORDERS, order(json!({ "clientOid": "mine" }))).await);
    assert_eq!(balance(&world, "USDT").await, ("99950".into(), "50".into()));
    refused(
        call(&world, "trade", "POST", ORDERS, order(json!({ "clientOid": "mine" }))).await,
        200,
        "400100",
    );

    let active = format!("{ORDERS}/active?symbol=BTC-USDT");
    let open = done(call(&world, "trade", "GET", &active, Value::Null).await);
    assert_eq!((&open[0]["id"], &open[0]["clientOid"]), (&placed["orderId"], &json!("mine")));
    let path = format!("{ORDERS}/{}?symbol=BTC-USDT", text(&placed["orderId"]));
    refused(call(&world, "withdraw", "DELETE", &path, Value::Null).await, 200, "400100");
    done(call(&world, "trade", "DELETE", &path, Value::Null).await);
    refused(call(&world, "trade", "DELETE", &path, Value::Null).await, 200, "400100");
    assert_eq!(done(call(&world, "trade", "GET", &path, Value::Null).await)["cancelExist"], true);
    assert_eq!(balance(&world, "USDT").await, ("100000".into(), "0".into()));
    assert_eq!(world.exchange.supply("kucoin", "USDT"), supply);
}

#[tokio::test]
async fn market_orders_trade_size_or_funds_less_the_fee() {
    let world = World::new().await;
    let supply = world.exchange.supply("kucoin", "BTC");
    let funds = json!({ "symbol": "BTC-USDT", "side": "buy", "type": "market", "funds": "600.1" });
    let bought = done(call(&world, "trade", "POST", ORDERS, funds).await);
    assert_eq!(balance(&world, "BTC").await.0, "2.00999");
    let size = json!({ "symbol": "BTC-USDT", "side": "sell", "type": "market", "size": "0.01" });
    done(call(&world, "trade", "POST", ORDERS, size).await);
    assert_eq!(balance(&world, "BTC").await.0, "1.99999");
    let fills = done(call(&world, "trade", "GET", "/api/v1/hf/fills?symbol=BTC-USDT", Value::Null).await);
    assert_eq!(fills["items"][1]["orderId"], bought["orderId"]);
    assert_eq!(
        (&fills["items"][1]["fee"], &fills["items"][1]["liquidity"]),
        (&json!("0.00001"), &json!("taker"))
    );
    assert_eq!(world.exchange.supply("kucoin", "BTC"), supply);
}

#[tokio::test]
async fn an_order_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    for (changes, code) in [
        (json!({ "symbol": "BTCUSDT" }), "400100"),
        (json!({ "side": "BUY" }), "400100"),
        (json!({ "type": "stop" }), "400100"),
        (json!({ "price": "5e4" }), "400100"),
        (json!({ "price": "-1" }), "400100"),
        (json!({ "price": "50000.01" }), "400100"),
        (json!({ "size": "0.00001" }), "400100"),
        (json!({ "size": "0.00015" }), "600100"),
        (json!({ "size": "" }), "400100"),
        (json!({ "price": "1000" }), "600101"),
        (json!({ "size": "100" }), "200004"),
        (json!({ "price": "60010", "postOnly": true }), "300000"),
        (json!({ "type": "market", "funds": "100" }), "400100"),
    ] {
        let reply = call(&world, "trade", "POST", ORDERS, order(changes.clone())).await;
        assert_eq!(reply.body["code"], code, "{changes} {:?}", reply.body);
    }
    refused(call(&world, "trade", "GET", "/api/v1/nothing", Value::Null).await, 404, "404000");
    assert_eq!(balance(&world, "USDT").await, ("100000".into(), "0".into()));
}

#[tokio::test]
async fn money_moves_between_accounts_and_out() {
    let world = World::new().await;
    let supply = world.exchange.supply("kucoin", "USDT");
    let stow = json!({ "type": "INTERNAL", "clientOid": "1", "currency": "USDT", "amount": "60000",
                       "fromAccountType": "TRADE", "toAccountType": "MAIN" });
    done(call(&world, "withdraw", "POST", "/api/v3/accounts/universal-transfer", stow.clone()).await);
    refused(
        call(&world, "withdraw", "POST", "/api/v3/accounts/universal-transfer", stow).await,
        200,
        "200004",
    );
    let main = done(call(&world, "withdraw", "GET", "/api/v1/accounts?type=main", Value::Null).await);
    assert_eq!(main[0]["available"], "60000");
    let coins = |amount: &str| json!({ "currency": "USDT", "toAddress": "0x0", "amount": amount, "withdrawType": "ADDRESS" });
    refused(call(&world, "withdraw", "POST", "/api/v3/withdrawals", coins("40000.5")).await, 200, "260100");
    done(call(&world, "withdraw", "POST", "/api/v3/withdrawals", coins("40000")).await);
    assert_eq!(world.exchange.supply("kucoin", "USDT"), supply);
}
