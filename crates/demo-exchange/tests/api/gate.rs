//! How strict Gate is: who may call, which orders pass, where the money goes.

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use demo_exchange::Key;
use serde_json::{Value, json};

use crate::caller::{NOW, Reply, World, http, text};

const ACCOUNTS: &str = "/api/v4/spot/accounts";
const DETAIL: &str = "/api/v4/account/detail";
const ORDERS: &str = "/api/v4/spot/orders";
const WITHDRAWALS: &str = "/api/v4/withdrawals";

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
        let (key, secret) = world.shared("gate", name);
        Self { secret, key, time: (world.now() / 1000).to_string(), from: None }
    }

    async fn get(&self, world: &World, target: &str) -> Reply {
        self.send(world, "GET", target, Value::Null).await
    }

    async fn send(&self, world: &World, method: &str, target: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let hash = HEXLOWER.encode(digest::digest(&digest::SHA512, body.as_bytes()).as_ref());
        let signed = format!("{method}\n{path}\n{query}\n{hash}\n{}", self.time);
        let key = hmac::Key::new(hmac::HMAC_SHA512, self.secret.as_bytes());
        let signature = HEXLOWER.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
        let url = format!("{}{target}", world.exchange.origin("gate"));
        let client = self.from.map_or_else(|| world.http.clone(), http);
        let request = client.request(method.parse().unwrap(), url).body(body);
        let request = request.header("KEY", &self.key.api_key).header("SIGN", signature);
        Reply::of(request.header("Timestamp", &self.time)).await
    }
}

async fn call(world: &World, name: &str, method: &str, target: &str, body: Value) -> Reply {
    Call::new(world, name).send(world, method, target, body).await
}

async fn get(world: &World, target: &str) -> Reply {
    call(world, "trade", "GET", target, Value::Null).await
}

/// The limit order with these fields changed.
fn order(changes: Value) -> Value {
    let mut order = json!({ "currency_pair": "BTC_USDT", "side": "buy", "type": "limit", "account": "spot",
                            "price": "50000", "amount": "0.001" });
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    order
}

#[track_caller]
fn refused(reply: Reply, status: u16, label: &str) {
    assert_eq!((reply.status, &reply.body["label"]), (status, &json!(label)), "{:?}", reply.body);
}

#[track_caller]
fn done(reply: Reply, status: u16) -> Value {
    assert_eq!(reply.status, status, "{:?}", reply.body);
    reply.body
}

async fn balance(world: &World, currency: &str) -> (String, String) {
    let told = done(get(world, &format!("{ACCOUNTS}?currency={currency}")).await, 200);
    (text(&told[0]["available"]), text(&told[0]["locked"]))
}

#[tokio::test]
async fn every_part_of_the_signature_counts() {
    let world = World::new().await;
    done(get(&world, ACCOUNTS).await, 200);
    let secret = Call { secret: "another".to_owned(), ..Call::new(&world, "trade") };
    refused(secret.get(&world, ACCOUNTS).await, 401, "INVALID_SIGNATURE");
    let mut unknown = Call::new(&world, "trade");
    unknown.key.api_key = "nobody".to_owned();
    refused(unknown.get(&world, ACCOUNTS).await, 401, "INVALID_KEY");
    let bare = world.http.get(format!("{}{ACCOUNTS}", world.exchange.origin("gate")));
    refused(Reply::of(bare).await, 401, "MISSING_REQUIRED_HEADER");
}

#[tokio::test]
async fn a_clock_may_be_a_minute_off_and_have_a_fraction() {
    let world = World::new().await;
    let now = NOW / 1000;
    for (time, fine) in [
        ((now - 60).to_string(), true),
        (format!("{}.99", now + 59), true),
        ((now - 61).to_string(), false),
        (format!("{}.5", now + 60), false),
        (NOW.to_string(), false),
        ("now".to_owned(), false),
    ] {
        let reply = Call { time, ..Call::new(&world, "trade") }.get(&world, ACCOUNTS).await;
        if fine { drop(done(reply, 200)) } else { refused(reply, 403, "REQUEST_EXPIRED") }
    }
}

#[tokio::test]
async fn a_key_does_what_it_may_from_where_it_may() {
    let world = World::new().await;
    refused(call(&world, "read-only", "POST", ORDERS, order(json!({}))).await, 403, "FORBIDDEN");
    let coins = json!({ "currency": "BTC", "address": "bc1q", "chain": "BTC", "amount": "0.1" });
    refused(call(&world, "trade", "POST", WITHDRAWALS, coins).await, 403, "FORBIDDEN");
    let told = done(get(&world, "/api/v4/account/main_keys").await, 200);
    let writes = |index: usize| told[0]["perms"][index]["read_only"] == false;
    assert_eq!([writes(0), writes(1), writes(2)], [true, false, false], "{told}");

    let key = Call::new(&world, "trade").key.api_key;
    world.exchange.change_key("gate", &key, |key| key.ips = vec!["127.0.0.2".parse().unwrap()]);
    refused(get(&world, DETAIL).await, 403, "IP_FORBIDDEN");
    let home = Call { from: Some("127.0.0.2"), ..Call::new(&world, "trade") };
    assert_eq!(done(home.get(&world, DETAIL).await, 200)["ip_whitelist"], json!(["127.0.0.2"]));
}

#[tokio::test]
async fn an_order_locks_its_price_until_it_is_cancelled() {
    let world = World::new().await;
    let supply = world.exchange.supply("gate", "USDT");
    let placed = done(call(&world, "trade", "POST", ORDERS, order(json!({ "text": "t-mine" }))).await, 201);
    assert_eq!(balance(&world, "USDT").await, ("99950".into(), "50".into()));
    let again = call(&world, "trade", "POST", ORDERS, order(json!({ "text": "t-mine" }))).await;
    refused(again, 400, "REPEATED_CREATION");

    let open = done(get(&world, "/api/v4/spot/open_orders").await, 200);
    assert_eq!((&open[0]["currency_pair"], &open[0]["total"]), (&json!("BTC_USDT"), &json!(1)));
    assert_eq!(open[0]["orders"][0], placed);
    let path = format!("{ORDERS}/{}?currency_pair=BTC_USDT", text(&placed["id"]));
    refused(call(&world, "withdraw", "DELETE", &path, Value::Null).await, 404, "ORDER_NOT_FOUND");
    let elsewhere = path.replace("BTC", "ETH");
    refused(call(&world, "trade", "DELETE", &elsewhere, Value::Null).await, 404, "ORDER_NOT_FOUND");
    done(call(&world, "trade", "DELETE", &path, Value::Null).await, 200);
    refused(call(&world, "trade", "DELETE", &path, Value::Null).await, 400, "ORDER_CANCELLED");
    let named = format!("{ORDERS}/t-mine?currency_pair=BTC_USDT");
    assert_eq!(done(get(&world, &named).await, 200)["status"], "cancelled");
    assert_eq!(balance(&world, "USDT").await, ("100000".into(), "0".into()));
    assert_eq!(world.exchange.supply("gate", "USDT"), supply);
}

#[tokio::test]
async fn a_market_order_buys_for_quote_money_and_sells_an_amount() {
    let world = World::new().await;
    let supply = world.exchange.supply("gate", "BTC");
    let buy = json!({ "currency_pair": "BTC_USDT", "side": "buy", "type": "market", "amount": "601", "time_in_force": "ioc" });
    let bought = done(call(&world, "trade", "POST", ORDERS, buy).await, 201);
    assert_eq!((&bought["amount"], &bought["filled_amount"]), (&json!("601"), &json!("0.01")));
    assert_eq!((&bought["left"], &bought["finish_as"]), (&json!("0.9"), &json!("filled")));
    assert_eq!(balance(&world, "BTC").await.0, "2.00999");
    let sell = json!({ "currency_pair": "BTC_USDT", "side": "sell", "type": "market", "amount": "0.01", "time_in_force": "ioc" });
    done(call(&world, "trade", "POST", ORDERS, sell).await, 201);
    assert_eq!(balance(&world, "BTC").await.0, "1.99999");
    let fills = done(get(&world, "/api/v4/spot/my_trades?currency_pair=BTC_USDT").await, 200);
    assert_eq!((&fills[1]["order_id"], &fills[1]["fee"]), (&bought["id"], &json!("0.00001")));
    assert_eq!(world.exchange.supply("gate", "BTC"), supply);
}

#[tokio::test]
async fn in_a_batch_each_order_has_an_outcome_of_its_own() {
    let world = World::new().await;
    let batch = [json!({ "text": "t-a" }), json!({ "text": "t-b", "amount": "100" }), json!({})].map(order);
    let told = done(call(&world, "trade", "POST", "/api/v4/spot/batch_orders", json!(batch)).await, 200);
    assert_eq!((&told[0]["succeeded"], &told[0]["text"]), (&json!(true), &json!("t-a")));
    assert_eq!((&told[1]["label"], &told[1]["text"]), (&json!("BALANCE_NOT_ENOUGH"), &json!("t-b")));
    assert_eq!(told[2]["label"], "INVALID_PARAM_VALUE");
    let named = json!([{ "currency_pair": "BTC_USDT", "id": told[0]["id"] }, { "currency_pair": "BTC_USDT", "id": "9" }]);
    let gone = done(call(&world, "trade", "POST", "/api/v4/spot/cancel_batch_orders", named).await, 200);
    assert_eq!((&gone[0]["succeeded"], &gone[1]["label"]), (&json!(true), &json!("ORDER_NOT_FOUND")));
    assert_eq!(balance(&world, "USDT").await, ("100000".into(), "0".into()));
}

#[tokio::test]
async fn an_order_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    for (changes, label) in [
        (json!({ "currency_pair": "BTCUSDT" }), "INVALID_CURRENCY_PAIR"),
        (json!({ "currency_pair": null }), "MISSING_REQUIRED_PARAM"),
        (json!({ "side": "BUY" }), "INVALID_PARAM_VALUE"),
        (json!({ "type": "stop" }), "INVALID_PARAM_VALUE"),
        (json!({ "account": "margin" }), "INVALID_PARAM_VALUE"),
        (json!({ "text": "mine" }), "INVALID_PARAM_VALUE"),
        (json!({ "time_in_force": "day" }), "INVALID_PARAM_VALUE"),
        (json!({ "type": "market", "time_in_force": "gtc" }), "INVALID_PARAM_VALUE"),
        (json!({ "price": "5e4" }), "INVALID_PARAM_VALUE"),
        (json!({ "price": "50000.01" }), "INVALID_PRECISION"),
        (json!({ "amount": "-1" }), "INVALID_PARAM_VALUE"),
        (json!({ "amount": "0.00015" }), "INVALID_PRECISION"),
        (json!({ "amount": "0.00001" }), "AMOUNT_TOO_LITTLE"),
        (json!({ "price": "1000" }), "INVALID_PARAM_VALUE"),
        (json!({ "amount": "100" }), "BALANCE_NOT_ENOUGH"),
        (json!({ "price": "60010", "time_in_force": "poc" }), "POC_FILL_IMMEDIATELY"),
    ] {
        let reply = call(&world, "trade", "POST", ORDERS, order(changes.clone())).await;
        assert_eq!((reply.status, &reply.body["label"]), (400, &json!(label)), "{changes} {:?}", reply.body);
    }
    refused(get(&world, "/api/v4/nothing").await, 404, "NOT_FOUND");
    assert_eq!(balance(&world, "USDT").await, ("100000".into(), "0".into()));
}

#[tokio::test]
async fn money_leaves_on_the_network_of_its_currency() {
    let world = World::new().await;
    let supply = world.exchange.supply("gate", "BTC");
    let coins = |chain: &str, amount: &str| json!({ "currency": "BTC", "address": "bc1q", "chain": chain, "amount": amount });
    let withdraw = async |body| call(&world, "withdraw", "POST", WITHDRAWALS, body).await;
    refused(withdraw(coins("ETH", "1")).await, 400, "INVALID_PARAM_VALUE");
    refused(withdraw(coins("BTC", "2.5")).await, 400, "BALANCE_NOT_ENOUGH");
    assert_eq!(done(withdraw(coins("BTC", "2")).await, 202)["id"], "w1");
    refused(withdraw(coins("BTC", "0.1")).await, 400, "BALANCE_NOT_ENOUGH");
    assert_eq!(world.exchange.supply("gate", "BTC"), supply);
}
