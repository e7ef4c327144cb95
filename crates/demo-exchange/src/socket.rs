//! WebSockets: a conversation between one client and one exchange. Frames are answered in the order they come; what
//! happens to the client's orders is told as it happens.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

use crate::fault::Fault;
use crate::floor::AccountId;
use crate::record::Record;
use crate::request::{Received, Signer};
use crate::server::Shared;

/// What one connection has said and heard so far.
#[derive(Default)]
pub(crate) struct Talk {
    /// The API key of frames that name none, and since when.
    pub(crate) key: Option<(String, i64)>,
    pub(crate) opened_ms: i64,
    pub(crate) subscriptions: Vec<Subscription>,
    /// How many subscriptions there were.
    pub(crate) subscribed: u64,
    /// What is to be said behind the answer.
    pub(crate) queue: Vec<String>,
    /// The last change of the floor that was told.
    pub(crate) told: u64,
}

pub(crate) struct Subscription {
    pub(crate) id: u64,
    pub(crate) account: AccountId,
    /// What was subscribed to, as it was asked for; null where there is only one thing.
    pub(crate) arg: serde_json::Value,
}

/// The answer to a frame.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) signer: Option<Signer>,
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

pub(crate) fn is_upgrade(request: &Request<Incoming>) -> bool {
    request
        .headers()
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Agrees to talk, or says that nobody listens here.
pub(crate) fn open(
    mut request: Request<Incoming>,
    peer: IpAddr,
    exchange: &'static str,
    shared: Arc<Shared>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let talks = shared.state().exchange(exchange).is_some_and(|open| open.talks_at(&path));
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let Some(key) = key.filter(|_| talks) else {
        return status(StatusCode::NOT_FOUND);
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let config = WebSocketConfig::default().max_message_size(Some(1024 * 1024));
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        talk(socket, path, peer, exchange, shared).await;
    });
    let mut response = status(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, header::HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, header::HeaderValue::from_static("websocket"));
    if let Ok(key) = key.parse() {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    }
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

async fn talk(mut socket: Socket, path: String, peer: IpAddr, exchange: &'static str, shared: Arc<Shared>) {
    let mut pulse = shared.pulse();
    let mut hangups = shared.hangups();
    let mut talk = Talk { opened_ms: shared.now_ms(), ..Talk::default() };
    loop {
        let sent = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let frame = received(&path, &text, peer, shared.now_ms());
                    answer(&mut socket, &mut talk, frame, exchange, &shared).await
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Some(()),
                Some(_) | None => None,
            },
            _ = pulse.changed() => news(&mut socket, &mut talk, exchange, &shared).await,
            _ = hangups.changed() => None,
        };
        if sent.is_none() {
            return;
        }
    }
}

/// `None` once the connection is gone, or is to be.
async fn answer(
    socket: &mut Socket,
    talk: &mut Talk,
    mut frame: Received,
    exchange: &'static str,
    shared: &Shared,
) -> Option<()> {
    let mut record = Record::new(exchange, &frame);
    let (said, fault) = {
        let mut state = shared.state();
        let method = method_of(&frame);
        let fault = state.faults.next(exchange, &format!("{}/{method}", frame.path));
        record.target = format!("{}/{method}", frame.path);
        record.fault = fault.as_ref().map(Fault::name);
        if let Some(Fault::Skew { ms }) = fault {
            frame.at_ms += ms;
        }
        let executes = !matches!(fault, Some(Fault::DropBefore));
        let open = state.exchange(exchange).filter(|_| executes);
        let said = open.and_then(|open| match fault {
            Some(Fault::RateLimited { retry_after_s }) => {
                open.limited_frame(&frame, retry_after_s).or_else(|| open.hear(talk, &frame))
            }
            _ => open.hear(talk, &frame),
        });
        if let Some(said) = &said {
            record.signed_by = said.signer.clone();
            record.status = Some(said.status).filter(|_| !matches!(fault, Some(Fault::DropAfter)));
            record.error = said.error.clone();
        }
        state.records.push(record);
        (said, fault)
    };
    shared.beat();
    if let Some(Fault::Delay { ms }) = fault {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let text = match (fault, said) {
        (Some(Fault::DropBefore | Fault::DropAfter), _) | (_, None) => return None,
        (Some(Fault::Garbage), _) => "{\"id\": <garbage".to_owned(),
        (Some(Fault::EchoKey), Some(said)) => echo(talk, &frame, &said.text),
        (_, Some(said)) => said.text,
    };
    socket.send(Message::text(text)).await.ok()
}

/// An answer that repeats the API key of the frame, or of the session.
fn echo(talk: &Talk, frame: &Received, answer: &str) -> String {
    let sent: serde_json::Value = serde_json::from_slice(&frame.body).unwrap_or_default();
    let mut answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    let session = talk.key.as_ref().map(|(key, _)| key.as_str());
    answer["echo"] = sent["params"]["apiKey"].as_str().or(session).into();
    answer.to_string()
}

async fn news(socket: &mut Socket, talk: &mut Talk, exchange: &'static str, shared: &Shared) -> Option<()> {
    let now = shared.now_ms();
    let news = shared.state().exchange(exchange).map_or(Vec::new(), |open| open.news(talk, now));
    for text in news {
        socket.send(Message::text(text)).await.ok()?;
    }
    Some(())
}

fn method_of(frame: &Received) -> String {
    let json: serde_json::Value = serde_json::from_slice(&frame.body).unwrap_or_default();
    json["method"].as_str().or(json["op"].as_str()).unwrap_or_default().to_owned()
}

/// A frame as it came in.
fn received(path: &str, text: &str, peer: IpAddr, at_ms: i64) -> Received {
    Received {
        method: Method::GET,
        path: path.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: text.as_bytes().to_vec(),
        peer,
        at_ms,
    }
}
