//! Bybit's WebSockets with a log-in, as a client meets them.

use demo_exchange::Key;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::bybit::{key, sign};
use crate::caller::World;

const PRIVATE: &str = "/v5/private";
const TRADE: &str = "/v5/trade";

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(world: &World, path: &str) -> Self {
        let origin = world.exchange.origin("bybit");
        let host = origin.strip_prefix("http://").unwrap();
        let request = format!("ws://{host}{path}").into_client_request().unwrap();
        let stream = TcpStream::connect(host).await.unwrap();
        Self(client_async(request, stream).await.unwrap().0)
    }

    /// Logged in with a ready-made key.
    async fn of(world: &World, path: &str, name: &str) -> Self {
        let mut socket = Self::open(world, path).await;
        let told = socket.ask(log_in(&key(world, name), world.now() + 10_000)).await;
        assert!(told["success"] == true || told["retCode"] == 0, "{told}");
        socket
    }

    /// The answer; events before it are passed over.
    async fn ask(&mut self, frame: Value) -> Value {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
        loop {
            let said = self.hear().await;
            if said.get("topic").is_none() {
                return said;
            }
        }
    }

    async fn hear(&mut self) -> Value {
        loop {
            let patience = std::time::Duration::from_secs(5);
            let message = tokio::time::timeout(patience, self.0.next()).await.unwrap().unwrap().unwrap();
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The next event of a topic.
    async fn event(&mut self, topic: &str) -> Value {
        loop {
            let said = self.hear().await;
            if said["topic"] == topic {
                return said["data"][0].clone();
            }
        }
    }
}

fn log_in(key: &Key, expires: i64) -> Value {
    json!({ "op": "auth", "args": [key.api_key, expires, sign(key, &format!("GET/realtime{expires}"))] })
}

fn call(world: &World, op: &str, arg: Value) -> Value {
    json!({ "reqId": "1", "op": op, "args": [arg], "header": { "X-BAPI-TIMESTAMP": world.now().to_string() } })
}

fn order(price: &str) -> Value {
    json!({ "category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": price })
}

#[tokio::test]
async fn log_in_needs_a_known_key_its_signature_and_an_end_to_come() {
    let world = World::new().await;
    let (trade, now) = (key(&world, "trade"), world.now());
    let stranger = Key { api_key: "DemoNobody".to_owned(), ..trade.clone() };
    let foreign = Key { credential: key(&world, "withdraw").credential, ..trade.clone() };
    let mut moved = log_in(&trade, now + 10_000);
    moved["args"][1] = json!(now + 20_000);
    for (wrong, code) in [
        (log_in(&stranger, now + 10_000), 10003),
        (log_in(&foreign, now + 10_000), 10004),
        (log_in(&trade, now), 10001),
        (moved, 10004),
        (json!({ "op": "auth", "args": [trade.api_key, now + 10_000] }), 10001),
    ] {
        let told = Socket::open(&world, TRADE).await.ask(wrong.clone()).await;
        assert_eq!((&told["retCode"], &told["op"]), (&json!(code), &json!("auth")), "{told}");
        let told = Socket::open(&world, PRIVATE).await.ask(wrong).await;
        assert_eq!((&told["success"], &told["op"]), (&json!(false), &json!("auth")), "{told}");
    }
    let mut socket = Socket::of(&world, TRADE, "trade").await;
    assert_eq!(socket.ask(log_in(&trade, now + 10_000)).await["retCode"], 20001);
}

#[tokio::test]
async fn without_a_log_in_there_is_a_pong_and_nothing_else() {
    let world = World::new().await;
    let mut private = Socket::open(&world, PRIVATE).await;
    let pong = private.ask(json!({ "req_id": "p", "op": "ping" })).await;
    assert_eq!((&pong["op"], &pong["req_id"]), (&json!("pong"), &json!("p")));
    assert_eq!(private.ask(json!({ "op": "subscribe", "args": ["order"] })).await["success"], false);
    let mut trade = Socket::open(&world, TRADE).await;
    assert_eq!(trade.ask(json!({ "op": "ping" })).await["op"], "pong");
    let told = trade.ask(call(&world, "order.create", order("2000"))).await;
    assert_eq!((&told["retCode"], &told["reqId"]), (&json!(20003), &json!("1")), "{told}");
}

#[tokio::test]
async fn subscribers_hear_of_orders_trades_and_balances_until_they_end_it() {
    let world = World::new().await;
    let mut private = Socket::of(&world, PRIVATE, "trade").await;
    assert_eq!(
        private.ask(json!({ "op": "subscribe", "args": ["order", "nothing"] })).await["success"],
        false
    );
    let topics = json!(["order.spot", "order.linear", "execution", "execution.fast", "wallet"]);
    assert_eq!(private.ask(json!({ "op": "subscribe", "args": topics })).await["success"], true);
    let mut trade = Socket::of(&world, TRADE, "trade").await;
    let placed = trade.ask(call(&world, "order.create", order("70000"))).await;
    let id = &placed["data"]["orderId"];
    let told = private.event("order.spot").await;
    assert_eq!(
        (&told["orderId"], &told["category"], &told["orderStatus"]),
        (id, &json!("spot"), &json!("New"))
    );
    assert!(private.event("wallet").await["coin"].as_array().is_some_and(|coins| coins.len() == 3));
    assert_eq!(private.event("execution").await["orderId"], *id);
    assert_eq!(private.event("execution.fast").await["execQty"], "0.01");
    assert_eq!(private.ask(json!({ "op": "unsubscribe", "args": topics })).await["op"], "unsubscribe");
    trade.ask(call(&world, "order.create", order("2000"))).await;
    private.0.send(Message::text("{\"op\":\"ping\"}")).await.unwrap();
    assert_eq!(private.hear().await["op"], "pong", "no event came before it");
}

#[tokio::test]
async fn order_needs_a_time_one_argument_and_a_key_that_may_trade() {
    let world = World::new().await;
    let mut trade = Socket::of(&world, TRADE, "trade").await;
    let with = |header: Value| {
        let mut frame = call(&world, "order.create", order("2000"));
        frame["header"] = header;
        frame
    };
    let now = world.now();
    assert_eq!(trade.ask(with(json!({}))).await["retCode"], 10001);
    assert_eq!(trade.ask(with(json!({ "X-BAPI-TIMESTAMP": now - 5001 }))).await["retCode"], 10002);
    assert_eq!(
        trade.ask(with(json!({ "X-BAPI-TIMESTAMP": (now + 1000).to_string() }))).await["retCode"],
        10002
    );
    let old = json!({ "X-BAPI-TIMESTAMP": now - 5001, "X-BAPI-RECV-WINDOW": "6000" });
    assert_eq!(trade.ask(with(old)).await["retCode"], 0);
    let mut two = call(&world, "order.create", order("2000"));
    two["args"] = json!([order("2000"), order("2000")]);
    assert_eq!(trade.ask(two).await["retCode"], 10001);
    assert_eq!(trade.ask(call(&world, "order.steal", order("2000"))).await["retCode"], 10404);
    let mut reader = Socket::of(&world, TRADE, "read-only").await;
    assert_eq!(reader.ask(call(&world, "order.create", order("2000"))).await["retCode"], 10005);
}

#[tokio::test]
async fn batches_have_a_code_for_each_of_their_parts() {
    let world = World::new().await;
    let mut trade = Socket::of(&world, TRADE, "trade").await;
    let (mut good, mut bad) = (order("2000"), order("2000"));
    bad["qty"] = json!("0.00001");
    for one in [&mut good, &mut bad] {
        one.as_object_mut().unwrap().remove("category");
    }
    let batch = json!({ "category": "spot", "request": [good, bad] });
    let told = trade.ask(call(&world, "order.create-batch", batch)).await;
    let codes = told["retExtInfo"]["list"].as_array().unwrap();
    assert_eq!((&told["retCode"], &codes[0]["code"]), (&json!(0), &json!(0)), "{told}");
    assert_ne!(codes[1]["code"], 0, "{told}");
    let cancel =
        json!({ "category": "spot", "symbol": "BTCUSDT", "orderId": told["data"]["list"][0]["orderId"] });
    assert_eq!(trade.ask(call(&world, "order.cancel", cancel)).await["retCode"], 0);
}
