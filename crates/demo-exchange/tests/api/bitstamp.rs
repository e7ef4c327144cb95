//! How strict Bitstamp's API v2 is.

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use demo_exchange::{Config, Key, Permission};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::caller::{FORM, NOW, Reply, World, http, secret};

const BALANCES: &str = "/api/v2/account_balances/";

/// A request on its way: what a test may bend before it is signed.
struct Call<'a> {
    key: Key,
    path: &'a str,
    body: &'a str,
    nonce: u32,
    time: i64,
    from: &'a str,
}

impl<'a> Call<'a> {
    fn new(world: &World, name: &str, path: &'a str, body: &'a str, nonce: u32) -> Self {
        Self { key: key(&world.config, name), path, body, nonce, time: NOW, from: "127.0.0.1" }
    }

    async fn send(&self, world: &World) -> Reply {
        self.sealed(world, |signature| signature).await
    }

    async fn sealed(&self, world: &World, bend: impl Fn(String) -> String) -> Reply {
        Reply::of(self.unsent(world, FORM, bend)).await
    }

    fn unsent(&self, world: &World, form: &str, bend: impl Fn(String) -> String) -> RequestBuilder {
        let nonce = format!("00000000-0000-4000-8000-{:012}", self.nonce);
        let auth = format!("BITSTAMP {}", self.key.api_key);
        let Self { path, body, time, .. } = self;
        let text = format!("{auth}POSTwww.bitstamp.net{path}{form}{nonce}{time}v2{body}");
        let secret = secret(&self.key);
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = bend(HEXLOWER.encode(hmac::sign(&secret, text.as_bytes()).as_ref()));
        let request = http(self.from).post(format!("{}{path}", world.exchange.origin("bitstamp")));
        let request = request.header("x-auth", auth).header("x-auth-nonce", nonce);
        let request = request.header("x-auth-version", "v2").header("x-auth-timestamp", time.to_string());
        let request = request.header("x-auth-signature", signature).body((*body).to_owned());
        if form.is_empty() { request } else { request.header("content-type", form) }
    }
}

fn key(config: &Config, name: &str) -> Key {
    let account = config.exchanges["bitstamp"].account(name).unwrap();
    account.keys[0].clone()
}

/// Sends a form signed rightly by the named key.
async fn post(world: &World, name: &str, path: &str, body: &str, nonce: u32) -> Reply {
    Call::new(world, name, path, body, nonce).send(world).await
}

#[track_caller]
fn refused(reply: Reply, status: u16, reason: Value) {
    assert_eq!((reply.status, &reply.body["reason"]), (status, &reason), "{:?}", reply.body);
    assert_eq!(reply.body["status"], "error");
}

#[tokio::test]
async fn a_signature_covers_key_body_and_secret() {
    let world = World::new().await;
    let call = Call::new(&world, "trade", BALANCES, "foo=bar", 1);
    let bent = |signature: String| {
        signature.replace(&signature[..1], if &signature[..1] == "0" { "1" } else { "0" })
    };
    let reply = call.sealed(&world, bent).await;
    assert_eq!(reply.body["code"], "API0005");
    refused(reply, 403, json!("Invalid signature"));
    let stranger = Call { key: Key { api_key: "nobody".to_owned(), ..call.key.clone() }, ..call };
    refused(stranger.send(&world).await, 403, json!("API key not found"));
    post(&world, "trade", BALANCES, "foo=bar", 1).await.ok();
}

#[tokio::test]
async fn a_body_has_a_type_and_no_body_has_none() {
    let world = World::new().await;
    let call = Call::new(&world, "trade", BALANCES, "", 1);
    let typed = call.send(&world).await;
    assert_eq!((typed.status, &typed.body["code"]), (403, &json!("API0020")));
    let bare = call.unsent(&world, "", |signature| signature);
    Reply::of(bare).await.ok();
}

#[tokio::test]
async fn a_nonce_serves_once_and_the_time_must_be_near() {
    let world = World::new().await;
    post(&world, "trade", BALANCES, "foo=bar", 7).await.ok();
    refused(post(&world, "trade", BALANCES, "foo=bar", 7).await, 403, json!("Invalid nonce"));
    post(&world, "read-only", BALANCES, "foo=bar", 7).await.ok();
    for (time, fine) in
        [(NOW - 150_000, true), (NOW + 150_000, true), (NOW - 150_001, false), (NOW + 150_001, false)]
    {
        let nonce = u32::try_from(time.rem_euclid(1_000_000)).unwrap() + 10;
        let reply =
            Call { time, ..Call::new(&world, "trade", BALANCES, "foo=bar", nonce) }.send(&world).await;
        let code = if fine { Value::Null } else { json!("API0017") };
        assert_eq!(reply.body["code"], code, "{time}");
    }
}

#[tokio::test]
async fn keys_reach_as_far_as_their_permissions_and_addresses() {
    let mut config = Config::demo();
    let accounts = &mut config.exchanges.get_mut("bitstamp").unwrap().accounts;
    accounts[1].keys[0].ips = vec!["127.0.0.2".parse().unwrap()];
    let world = World::with(config).await;
    refused(post(&world, "trade", BALANCES, "foo=bar", 1).await, 403, json!("IP address not allowed"));
    let near = Call { from: "127.0.0.2", ..Call::new(&world, "trade", BALANCES, "foo=bar", 2) };
    near.send(&world).await.ok();
    let order = post(&world, "read-only", "/api/v2/buy/btcusd/", "amount=0.001&price=50000", 3).await;
    refused(order, 403, json!("No permission found"));
    assert!(!key(&world.config, "trade").permissions.contains(&Permission::Withdraw));
    let coins = "amount=1&address=bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let call = Call { from: "127.0.0.2", ..Call::new(&world, "trade", "/api/v2/btc_withdrawal/", coins, 4) };
    refused(call.send(&world).await, 403, json!("No permission found"));
}

#[tokio::test]
async fn an_order_rests_fills_and_is_cancelled_with_money_conserved() {
    let world = World::new().await;
    let supply = || ["BTC", "USD"].map(|asset| world.exchange.supply("bitstamp", asset));
    let before = supply();
    let bought =
        post(&world, "trade", "/api/v2/buy/btcusd/", "amount=0.01&price=60010&client_order_id=mine", 1).await;
    let id = bought.ok()["id"].as_str().unwrap().to_owned();
    let told = post(&world, "trade", "/api/v2/order_status/", &format!("id={id}"), 2).await.ok();
    assert_eq!((&told["status"], &told["client_order_id"]), (&json!("Finished"), &json!("mine")));
    assert_eq!(told["transactions"][0]["btc"], "0.01000000");
    let again =
        post(&world, "trade", "/api/v2/buy/btcusd/", "amount=0.01&price=60010&client_order_id=mine", 3).await;
    assert_eq!(again.status, 400);
    post(&world, "trade", "/api/v2/sell/btcusd/", "amount=0.01&price=70000", 4).await.ok();
    post(&world, "trade", "/api/v2/buy/instant/btcusd/", "amount=100", 5).await.ok();
    let open = post(&world, "trade", "/api/v2/open_orders/all/", "foo=bar", 6).await.ok();
    let resting = open[0]["id"].as_str().unwrap();
    assert_eq!(open.as_array().unwrap().len(), 1);
    post(&world, "trade", "/api/v2/cancel_order/", &format!("id={resting}"), 7).await.ok();
    let gone = post(&world, "trade", "/api/v2/cancel_order/", &format!("id={resting}"), 8).await;
    refused(gone, 404, json!("Order not found."));
    assert_eq!(supply(), before);
}

#[tokio::test]
async fn what_an_order_may_not_be_is_said_by_field() {
    let world = World::new().await;
    let cases = [
        ("amount=0.00001&price=50000", "__all__", "Minimum order size is 0.0001 BTC."),
        ("amount=0.0001&price=10000", "__all__", "Minimum order size is 5 USD."),
        ("amount=0.00011&price=50000", "amount", "Ensure that there are no more than 4 decimal places."),
        ("amount=0.001&price=50000.01", "price", "Ensure that there are no more than 1 decimal places."),
        ("amount=1e-3&price=50000", "amount", "Enter a number."),
        ("amount=-1&price=50000", "amount", "Enter a number."),
        ("amount=0.001", "price", "This field is required."),
        (
            "amount=10&price=50000",
            "__all__",
            "You have only 100000.00000000 USD available. Check your account balance for details.",
        ),
        (
            "amount=0.001&price=60010&moc_order=true",
            "__all__",
            "A maker-or-cancel order must not match at once.",
        ),
    ];
    for (nonce, (body, field, text)) in (1..).zip(cases) {
        let reply = post(&world, "trade", "/api/v2/buy/btcusd/", body, nonce).await;
        refused(reply, 400, json!({ field: [text] }));
    }
    assert_eq!(post(&world, "trade", "/api/v2/buy/dogeusd/", "amount=1&price=1", 100).await.status, 404);
    assert_eq!(post(&world, "trade", "/api/v2/nothing/", "foo=bar", 101).await.status, 404);
}

#[tokio::test]
async fn a_withdrawal_takes_what_is_free_and_no_more() {
    let world = World::new().await;
    let path = "/api/v2/btc_withdrawal/";
    let to = "address=bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let before = world.exchange.supply("bitstamp", "BTC");
    post(&world, "withdraw", path, &format!("amount=0.5&{to}"), 1).await.ok();
    let short = post(&world, "withdraw", path, &format!("amount=1.6&{to}"), 2).await;
    assert_eq!(short.status, 400);
    let held = post(&world, "withdraw", "/api/v2/account_balances/btc/", "foo=bar", 3).await.ok();
    assert_eq!(held["available"], "1.50000000");
    assert_eq!(world.exchange.supply("bitstamp", "BTC"), before);
}

#[tokio::test]
async fn the_public_reads_without_a_key() {
    let world = World::new().await;
    let get = |path: &str| Reply::of(world.http.get(format!("{}{path}", world.exchange.origin("bitstamp"))));
    let ticker = get("/api/v2/ticker/btcusd/").await.ok();
    assert_eq!((&ticker["pair"], &ticker["timestamp"]), (&json!("BTC/USD"), &json!("1700000000")));
    assert_eq!(
        get("/api/v2/ohlc/btcusd/?step=60&limit=3").await.ok()["data"]["ohlc"].as_array().unwrap().len(),
        3
    );
    assert_eq!(get("/api/v2/ohlc/btcusd/?step=61&limit=3").await.status, 400);
    assert_eq!(get("/api/v2/ticker/nothing/").await.status, 404);
    assert_eq!(get("/api/v2/order_book/btcusd/").await.ok()["bids"][0][0], "59990");
}
