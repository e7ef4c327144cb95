//! A program that talks over a WebSocket. It signs with code of its own.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};

use crate::bot::{Bot, binance_signature, now};

pub const WS: &str = "/x/binance/ws-api/v3";
pub const SUBSCRIBE: &str = "userDataStream.subscribe.signature";

pub struct Stream {
    pub socket: WebSocketStream<TcpStream>,
    bot: Bot,
    asked: u64,
}

impl Stream {
    pub async fn open(bot: &Bot) -> Stream {
        Stream::at(bot, WS).await.unwrap()
    }

    /// At any address; an error if the gate does not agree.
    pub async fn at(bot: &Bot, path: &str) -> Result<Stream, Box<Error>> {
        Stream::from(bot, path, None).await
    }

    /// The same for a client whose address a proxy tells.
    pub async fn from(bot: &Bot, path: &str, address: Option<&str>) -> Result<Stream, Box<Error>> {
        let host = bot.api.base.strip_prefix("http://").unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        // small, so that a client that does not read is noticed soon
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(host.parse().unwrap()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = format!("ws://{host}{path}").into_client_request().unwrap();
        if let Some(address) = address {
            request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        }
        let (socket, _) = client_async(request, stream).await?;
        Ok(Stream { socket, bot: bot.clone(), asked: 0 })
    }

    pub async fn say(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// The next message.
    pub async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.hear_text().await).unwrap()
    }

    /// The next message as it came.
    pub async fn hear_text(&mut self) -> String {
        loop {
            match self.next().await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The end of the stream, whatever is still said before.
    pub async fn end(&mut self) -> Option<CloseFrame> {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Demands this end and gives its reason.
    pub async fn ends_with(&mut self, code: u16) -> String {
        let frame = self.end().await.unwrap_or_else(|| panic!("closed without a word"));
        assert_eq!(u16::from(frame.code), code, "{}", frame.reason);
        frame.reason.to_string()
    }

    async fn next(&mut self) -> Option<Result<Message, Error>> {
        let patience = Duration::from_secs(10);
        tokio::time::timeout(patience, self.socket.next()).await.expect("nothing was said for ten seconds")
    }

    /// A frame signed with the pair, and the answer to it.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        let params = signed(&self.bot, params, now());
        self.ask_plain(method, params).await
    }

    /// The same with exactly these parameters.
    pub async fn ask_plain(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = format!("ask-{}", self.asked);
        self.say(json!({"id": id, "method": method, "params": params}).to_string()).await;
        self.answer(&json!(id)).await
    }

    /// A public frame; nothing once the stream has ended.
    pub async fn try_ask(&mut self, method: &str) -> Option<()> {
        let frame = json!({"id": "try", "method": method}).to_string();
        self.socket.send(Message::text(frame)).await.ok()?;
        loop {
            match self.next().await {
                Some(Ok(Message::Text(_))) => return Some(()),
                Some(Ok(Message::Ping(_))) => {}
                _ => return None,
            }
        }
    }

    /// The answer with this id; events before it are passed over.
    pub async fn answer(&mut self, id: &Value) -> Value {
        loop {
            let said = self.hear().await;
            if said["id"] == *id {
                return said;
            }
        }
    }

    /// The next report of an order.
    pub async fn report(&mut self) -> Value {
        loop {
            let said = self.hear().await;
            if said["event"]["e"] == "executionReport" {
                return said["event"].clone();
            }
        }
    }
}

pub fn buy() -> Value {
    json!({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001",
           "price": "50000"})
}

/// Parameters with key, time and signature.
pub fn signed(bot: &Bot, mut params: Value, at_ms: i64) -> Value {
    params["apiKey"] = json!(bot.key);
    params["timestamp"] = json!(at_ms);
    let mut pairs: Vec<String> = Vec::new();
    for (name, value) in params.as_object().unwrap() {
        pairs.push(format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    pairs.sort();
    params["signature"] = json!(binance_signature(&bot.secret, &pairs.join("&")));
    params
}

/// Demands a refusal of the gate.
#[track_caller]
pub fn refused(answer: &Value, status: u16, code: i64, rule: &str) {
    assert_eq!((&answer["status"], &answer["error"]["code"]), (&json!(status), &json!(code)), "{answer}");
    let text = answer["error"]["msg"].as_str().unwrap();
    assert!(text.starts_with("Keygate:") && text.contains(&format!("[{rule}]")), "{text}");
}

/// Demands a success and gives its result.
#[track_caller]
pub fn granted(answer: &Value) -> Value {
    assert_eq!(answer["status"], 200, "{answer}");
    answer["result"].clone()
}
