//! Binance's WebSocket API, as a client meets it.

use demo_exchange::{Credential, Fault, Key, Switch};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::caller::{World, sign};

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(world: &World) -> Self {
        let origin = world.exchange.origin("binance");
        let host = origin.strip_prefix("http://").unwrap();
        let request = format!("ws://{host}/ws-api/v3").into_client_request().unwrap();
        let stream = TcpStream::connect(host).await.unwrap();
        Self(client_async(request, stream).await.unwrap().0)
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.0
            .send(Message::text(json!({ "id": 1, "method": method, "params": params }).to_string()))
            .await
            .unwrap();
        self.until(|said| said["id"] == 1).await
    }

    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let patience = std::time::Duration::from_secs(5);
            let message = tokio::time::timeout(patience, self.0.next()).await.unwrap().unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let said: Value = serde_json::from_str(&text).unwrap();
            if wanted(&said) {
                return said;
            }
        }
    }

    async fn report(&mut self) -> Value {
        self.until(|said| said["event"]["e"] == "executionReport").await["event"].clone()
    }
}

/// Parameters with key, time and signature.
fn signed(world: &World, key: &Key, mut params: Value) -> Value {
    params["apiKey"] = json!(key.api_key);
    params["timestamp"] = json!(world.now());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut pairs: Vec<String> =
        params.as_object().unwrap().iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    pairs.sort();
    let signature = sign(key, pairs.join("&").as_bytes());
    params["signature"] = json!(signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "="));
    params
}

fn buy(price: &str) -> Value {
    json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001",
            "price": price })
}

fn code(answer: &Value) -> (i64, i64) {
    (answer["status"].as_i64().unwrap(), answer["error"]["code"].as_i64().unwrap_or_default())
}

#[tokio::test]
async fn public_methods_answer_anyone() {
    let world = World::new().await;
    let mut socket = Socket::open(&world).await;
    assert_eq!(socket.ask("ping", json!({})).await["result"], json!({}));
    assert_eq!(socket.ask("time", json!({})).await["result"]["serverTime"], world.now());
    let price = socket.ask("ticker.price", json!({ "symbol": "BTCUSDT" })).await;
    assert_eq!(price["result"]["symbol"], "BTCUSDT");
    assert_eq!(code(&socket.ask("ticker.price", json!({ "symbol": "NOPE" })).await), (400, -1121));
    assert_eq!(code(&socket.ask("nothing", json!({})).await), (400, -1000));
}

#[tokio::test]
async fn orders_are_placed_asked_for_and_cancelled_with_every_kind_of_key() {
    let world = World::new().await;
    for name in ["trade", "ed25519", "rsa"] {
        let key = world.binance_key(name);
        let mut socket = Socket::open(&world).await;
        let placed = socket.ask("order.place", signed(&world, &key, buy("50000"))).await;
        assert_eq!(placed["result"]["status"], "NEW", "{placed}");
        let one = json!({ "symbol": "BTCUSDT", "orderId": placed["result"]["orderId"] });
        let open = socket.ask("openOrders.status", signed(&world, &key, json!({}))).await;
        assert_eq!(open["result"].as_array().unwrap().len(), 1);
        let cancelled = socket.ask("order.cancel", signed(&world, &key, one.clone())).await;
        assert_eq!(cancelled["result"]["status"], "CANCELED");
        assert_eq!(code(&socket.ask("order.cancel", signed(&world, &key, one)).await), (400, -2011));
    }
}

#[tokio::test]
async fn signatures_times_and_permissions_are_checked() {
    let world = World::new().await;
    let key = world.binance_key("trade");
    let mut socket = Socket::open(&world).await;
    let mut changed = signed(&world, &key, buy("50000"));
    changed["price"] = json!("50001");
    assert_eq!(code(&socket.ask("order.place", changed).await), (400, -1022));
    let stale = signed(&world, &key, buy("50000"));
    world.advance(5001);
    assert_eq!(code(&socket.ask("order.place", stale).await), (400, -1021));
    assert_eq!(code(&socket.ask("order.place", buy("50000")).await), (401, -2014));
    let reader = world.binance_key("read-only");
    assert_eq!(code(&socket.ask("order.place", signed(&world, &reader, buy("50000"))).await), (401, -2015));
    let bound = world.binance_key("ip-bound");
    assert_eq!(code(&socket.ask("account.status", signed(&world, &bound, json!({}))).await), (401, -2015));
    assert_eq!(world.exchange.state()["binance"]["accounts"][1]["orders"], json!([]));
}

#[tokio::test]
async fn only_an_ed25519_key_logs_on_and_then_speaks_for_frames_without_one() {
    let world = World::new().await;
    let mut socket = Socket::open(&world).await;
    let hmac = signed(&world, &world.binance_key("trade"), json!({}));
    assert_eq!(code(&socket.ask("session.logon", hmac).await), (400, -1022));
    assert_eq!(code(&socket.ask("userDataStream.subscribe", json!({})).await), (401, -2015));
    let key = world.binance_key("ed25519");
    assert!(matches!(key.credential, Credential::Ed25519(_)));
    let session = socket.ask("session.logon", signed(&world, &key, json!({}))).await;
    assert_eq!(session["result"]["apiKey"], json!(key.api_key));
    let mut order = buy("50000");
    order["timestamp"] = json!(world.now());
    assert_eq!(socket.ask("order.place", order.clone()).await["result"]["status"], "NEW");
    assert_eq!(socket.ask("session.logout", json!({})).await["result"]["apiKey"], Value::Null);
    assert_eq!(code(&socket.ask("order.place", order).await), (401, -2014));
}

#[tokio::test]
async fn subscribers_hear_of_their_own_orders_and_balances_only() {
    let world = World::new().await;
    let (key, other) = (world.binance_key("trade"), world.binance_key("rsa"));
    let mut socket = Socket::open(&world).await;
    let subscribed = socket.ask("userDataStream.subscribe.signature", signed(&world, &key, json!({}))).await;
    assert_eq!(subscribed["result"]["subscriptionId"], 0);
    socket.ask("order.place", signed(&world, &other, buy("50000"))).await;
    let rest = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";
    let placed = world.binance("trade", "POST", "/api/v3/order", rest).await.ok();
    let report = socket.report().await;
    assert_eq!(
        (&report["x"], &report["X"], &report["i"]),
        (&json!("NEW"), &json!("NEW"), &placed["orderId"])
    );
    let position = socket.until(|said| said["event"]["e"] == "outboundAccountPosition").await;
    assert_eq!(position["event"]["B"][1], json!({ "a": "USDT", "f": "99950.00000000", "l": "50.00000000" }));
    world
        .binance("trade", "DELETE", "/api/v3/order", &format!("symbol=BTCUSDT&orderId={}", placed["orderId"]))
        .await;
    assert_eq!(socket.report().await["x"], "CANCELED");
    socket.ask("order.place", signed(&world, &key, buy("70000"))).await;
    let reports = [socket.report().await, socket.report().await];
    assert_eq!(
        (&reports[0]["x"], &reports[1]["x"], &reports[1]["X"]),
        (&json!("NEW"), &json!("TRADE"), &json!("FILLED"))
    );
    assert_eq!(
        socket.ask("userDataStream.unsubscribe", json!({ "subscriptionId": 0 })).await["result"],
        json!({})
    );
    assert_eq!(socket.ask("session.subscriptions", json!({})).await["result"], json!([]));
}

#[tokio::test]
async fn frames_are_recorded_and_meet_faults() {
    let world = World::new().await;
    let key = world.binance_key("trade");
    let mut socket = Socket::open(&world).await;
    socket.ask("order.place", signed(&world, &key, buy("50000"))).await;
    let record = world.exchange.requests().pop().unwrap();
    assert_eq!((record.target.as_str(), record.status), ("/ws-api/v3/order.place", Some(200)));
    assert_eq!(record.signed_by.unwrap().account, "trade");
    assert!(record.body.contains("\"order.place\""));
    let path = "/ws-api/v3/order.place".to_owned();
    world.exchange.fault(Switch { fault: Fault::DropAfter, count: 1, path, exchange: None });
    let order = json!({ "id": 2, "method": "order.place", "params": signed(&world, &key, buy("50001")) });
    socket.0.send(Message::text(order.to_string())).await.unwrap();
    while let Some(Ok(_)) = socket.0.next().await {}
    let orders = world.exchange.state()["binance"]["accounts"][1]["orders"].as_array().unwrap().len();
    assert_eq!(orders, 2, "executed all the same");
    let mut again = Socket::open(&world).await;
    world.exchange.hang_up();
    while let Some(Ok(_)) = again.0.next().await {}
}

#[tokio::test]
async fn what_is_no_frame_is_refused() {
    let world = World::new().await;
    let mut socket = Socket::open(&world).await;
    for text in ["", "[]", "{}", "{\"id\":{},\"method\":\"ping\"}", "{\"id\":1,\"method\":\"ping\",\"x\":1}"]
    {
        socket.0.send(Message::text(text)).await.unwrap();
        let said = socket.until(|_| true).await;
        assert_eq!((code(&said), &said["id"]), ((400, -1135), &Value::Null), "{text}");
    }
}
