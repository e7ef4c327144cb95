//! Kraken's WebSocket API v2, as a client meets it.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::caller::{FORM, Reply, World, key, secret};

struct Socket {
    stream: WebSocketStream<TcpStream>,
    token: String,
}

/// A token of this key, asked for with a signature.
async fn token(world: &World, name: &str, nonce: i64) -> String {
    let (path, body) = ("/0/private/GetWebSocketsToken", format!("nonce={nonce}"));
    let key = key(&world.config.exchanges["kraken"], name);
    let hash = digest::digest(&digest::SHA256, format!("{nonce}{body}").as_bytes());
    let mac = hmac::Key::new(hmac::HMAC_SHA512, &STANDARD.decode(secret(&key)).unwrap());
    let signature = STANDARD.encode(hmac::sign(&mac, &[path.as_bytes(), hash.as_ref()].concat()));
    let request = world.http.post(format!("{}{path}", world.exchange.origin("kraken")));
    let request = request.header("api-key", &key.api_key).header("api-sign", signature);
    let told = Reply::of(request.header("content-type", FORM).body(body)).await.body;
    assert_eq!((&told["error"], &told["result"]["expires"]), (&json!([]), &json!(900)), "{told}");
    told["result"]["token"].as_str().unwrap().to_owned()
}

impl Socket {
    async fn open(world: &World, token: &str) -> Self {
        let origin = world.exchange.origin("kraken");
        let host = origin.strip_prefix("http://").unwrap();
        let request = format!("ws://{host}/v2").into_client_request().unwrap();
        let stream = TcpStream::connect(host).await.unwrap();
        Self { stream: client_async(request, stream).await.unwrap().0, token: token.to_owned() }
    }

    async fn say(&mut self, method: &str, mut params: Value) {
        params["token"] = json!(self.token);
        let frame = json!({ "method": method, "params": params, "req_id": 5 });
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.say(method, params).await;
        self.until(|said| said["req_id"] == 5).await
    }

    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let patience = std::time::Duration::from_secs(5);
            let message = tokio::time::timeout(patience, self.stream.next()).await.unwrap().unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let said: Value = serde_json::from_str(&text).unwrap();
            if wanted(&said) {
                return said;
            }
        }
    }

    /// The next message of a channel.
    async fn hears(&mut self, channel: &str) -> Value {
        self.until(|said| said["channel"] == channel).await
    }
}

fn buy(price: f64) -> Value {
    json!({ "order_type": "limit", "side": "buy", "order_qty": 0.001, "symbol": "BTC/USD", "limit_price": price })
}

#[track_caller]
fn done(answer: Value) -> Value {
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"].clone()
}

#[track_caller]
fn refused(answer: &Value, error: &str) {
    assert_eq!((&answer["success"], &answer["error"]), (&json!(false), &json!(error)), "{answer}");
}

#[tokio::test]
async fn a_token_begins_a_talk_for_a_quarter_of_an_hour_and_lasts_as_long_as_the_talk() {
    let world = World::new().await;
    let own = token(&world, "trade", 1).await;
    let mut socket = Socket::open(&world, "made up").await;
    refused(&socket.ask("cancel_all", json!({})).await, "ESession:Invalid session");
    socket.token.clone_from(&own);
    assert_eq!(done(socket.ask("cancel_all", json!({})).await)["count"], 0);
    world.advance(901_000);
    done(socket.ask("cancel_all", json!({})).await);
    let mut late = Socket::open(&world, &own).await;
    refused(&late.ask("cancel_all", json!({})).await, "ESession:Invalid session");
    late.token = token(&world, "trade", 2).await;
    done(late.ask("cancel_all", json!({})).await);
}

#[tokio::test]
async fn an_order_is_told_as_it_begins_and_ends() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &token(&world, "trade", 1).await).await;
    done(socket.ask("subscribe", json!({ "channel": "executions" })).await);
    let snapshot = socket.hears("executions").await;
    assert_eq!((&snapshot["type"], &snapshot["data"]), (&json!("snapshot"), &json!([])));
    let id = done(socket.ask("add_order", buy(50_000.0)).await)["order_id"].clone();
    for state in ["pending_new", "new"] {
        let event = socket.hears("executions").await["data"][0].clone();
        assert_eq!((&event["exec_type"], &event["order_id"]), (&json!(state), &id));
        assert_eq!((&event["symbol"], &event["limit_price"]), (&json!("BTC/USD"), &json!(50_000)));
    }
    done(socket.ask("cancel_order", json!({ "order_id": [id] })).await);
    assert_eq!(socket.hears("executions").await["data"][0]["order_status"], "canceled");
    refused(&socket.ask("cancel_order", json!({ "order_id": [id] })).await, "EOrder:Unknown order");
}

#[tokio::test]
async fn a_trade_is_told_with_what_it_did_to_the_balances() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &token(&world, "trade", 1).await).await;
    done(socket.ask("subscribe", json!({ "channel": "executions", "snap_trades": true })).await);
    done(socket.ask("subscribe", json!({ "channel": "balances" })).await);
    let before = socket.hears("balances").await;
    assert!(
        before["data"].as_array().unwrap().iter().any(|row| row["asset"] == "BTC" && row["balance"] == 2)
    );
    let order = json!({ "order_type": "market", "side": "sell", "order_qty": 5e-5, "symbol": "BTC/USD" });
    done(socket.ask("add_order", order).await);
    let trade = socket.until(|said| said["data"][0]["exec_type"] == "trade").await["data"][0].clone();
    assert_eq!((&trade["order_status"], &trade["last_qty"]), (&json!("filled"), &json!(0.00005)), "{trade}");
    let changed = socket.until(|said| said["channel"] == "balances" && said["type"] == "update").await;
    assert_eq!(
        (&changed["data"][0]["asset"], &changed["data"][0]["amount"]),
        (&json!("BTC"), &json!(-0.00005))
    );
}

#[tokio::test]
async fn several_orders_are_placed_as_one_and_their_cancels_answered_one_by_one() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &token(&world, "trade", 1).await).await;
    let one =
        |price| json!({ "order_type": "limit", "side": "buy", "order_qty": 0.001, "limit_price": price });
    let batch = json!({ "symbol": "BTC/USD", "orders": [one(50_000), one(50_001), one(50_002)] });
    let placed = done(socket.ask("batch_add", batch).await);
    let ids: Vec<_> = placed.as_array().unwrap().iter().map(|one| one["order_id"].clone()).collect();
    socket.say("cancel_order", json!({ "order_id": [ids[0], ids[1]] })).await;
    for id in &ids[..2] {
        assert_eq!(done(socket.until(|said| said["req_id"] == 5).await)["order_id"], *id);
    }
    assert_eq!(done(socket.ask("batch_cancel", json!({ "orders": [ids[2]] })).await)["count"], 1);
}

#[tokio::test]
async fn what_a_frame_may_not_be_or_do_is_said() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &token(&world, "read-only", 1).await).await;
    refused(&socket.ask("add_order", buy(50_000.0)).await, "EGeneral:Permission denied");
    refused(&socket.ask("nothing", json!({})).await, "EGeneral:Unknown method");
    refused(&socket.ask("subscribe", json!({ "channel": "ticker" })).await, "Channel not supported");
    done(socket.ask("subscribe", json!({ "channel": "balances" })).await);
    refused(&socket.ask("subscribe", json!({ "channel": "balances" })).await, "Already subscribed");
    socket.token = token(&world, "trade", 1).await;
    let mut other = buy(50_000.0);
    other["price"] = json!(1);
    let told = "Unsupported field: 'price' for the given msg type: add order";
    refused(&socket.ask("add_order", other).await, told);
    let mut other = buy(50_000.0);
    other["order_qty"] = json!("0.001");
    refused(&socket.ask("add_order", other).await, "EGeneral:Invalid arguments:order_qty");
    let mut other = buy(50_000.0);
    other["symbol"] = json!("XBT/USD");
    refused(&socket.ask("add_order", other).await, "EQuery:Unknown asset pair");
    socket.stream.send(Message::text("{\"method\":\"ping\",\"req_id\":6}")).await.unwrap();
    let pong = socket.until(|said| said["req_id"] == 6).await;
    assert_eq!((&pong["method"], pong.get("success")), (&json!("pong"), None));
    socket.stream.send(Message::text("hello")).await.unwrap();
    refused(&socket.until(|said| said["success"] == false).await, "Malformed request");
}
