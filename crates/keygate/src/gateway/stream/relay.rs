//! The two ends of a stream, one task. A message is written before the next one is read, so whoever does not read
//! stops the other side, and after a stated time the stream ends.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use exchange::{Asked, Definition};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Message};
use uuid::Uuid;

use super::{
    bound::{self, Bound},
    end::End,
    pending::Pending,
    slots::Slot,
    token::Tokens,
};
use crate::{app::App, auth::Client, gateway::Denial, http::RequestId, upstream::Socket};

type ClientSocket = WebSocketStream<TokioIo<Upgraded>>;

/// A stream that was agreed upon.
pub struct Opening {
    pub app: Arc<App>,
    pub definition: Arc<Definition>,
    pub path: String,
    /// Path and query, as they go to the exchange.
    pub target: String,
    pub client: Client,
}

/// An open stream.
pub struct Connection<'a> {
    pub(super) app: &'a App,
    pub(super) definition: &'a Definition,
    pub(super) path: String,
    pub(super) target: String,
    pub(super) client: Client,
    pub(super) bound: &'a Bound,
    pub(super) connected_ms: i64,
    /// Since when frames without a key belong to the bound one.
    pub(super) since_ms: Option<i64>,
    pub(super) upstream: Option<Far>,
    /// The exchange key that is logged in at the exchange, where that is what a session is.
    pub(super) logged_in: Option<Uuid>,
    /// The virtual token that was accepted, and the exchange's, where frames carry one.
    pub(super) tokens: Tokens,
    /// Markets by number, where frames name them so, and since when they are known.
    pub(super) markets: BTreeMap<String, String>,
    pub(super) markets_since: Option<Instant>,
    pub(super) pending: Pending<'a>,
    /// Values that no message to the client may repeat.
    pub(super) known: Vec<String>,
    pub(super) near: ClientSocket,
    heard: Instant,
    pub(super) opened: Instant,
    /// When anything public was asked for.
    pub(super) asked: Instant,
    /// Its place among the streams that go on without a key.
    pub(super) keyless: Option<OwnedSemaphorePermit>,
}

/// The connection to the exchange.
pub struct Far {
    pub environment: String,
    pub(super) socket: Socket,
    heard: Instant,
}

impl Far {
    pub fn new(environment: &str, socket: Socket) -> Self {
        Far { environment: environment.to_owned(), socket, heard: Instant::now() }
    }
}

impl Opening {
    /// Relays until something ends it, then settles everything that is under way.
    pub async fn run(self, near: ClientSocket, _slot: Slot, closing: watch::Receiver<bool>) {
        let (bound, now) = (Bound::default(), Instant::now());
        let client = self.client.clone();
        let mut connection = Connection {
            app: &self.app,
            definition: &self.definition,
            path: self.path,
            target: self.target,
            client: self.client,
            bound: &bound,
            connected_ms: self.app.clock.now_ms(),
            since_ms: None,
            upstream: None,
            logged_in: None,
            tokens: Tokens::default(),
            markets: BTreeMap::new(),
            markets_since: None,
            pending: Pending::default(),
            known: Vec::new(),
            near,
            heard: now,
            opened: now,
            asked: now,
            keyless: None,
        };
        let end = tokio::select! {
            end = connection.relay() => end,
            () = bound::watch_over(&self.app, &self.definition, &client, &bound, closing) => End::Stopping,
        };
        connection.finish(end).await;
    }
}

impl Connection<'_> {
    async fn relay(&mut self) -> End {
        let mut tick = tokio::time::interval(TICK);
        loop {
            let done = tokio::select! {
                message = self.near.next() => self.near_said(message).await,
                message = next(&mut self.upstream) => self.far_said(message).await,
                _ = tick.tick() => self.look_around().await,
                end = self.bound.over() => Err(end),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn near_said(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => self.client_said(&text).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Binary(_))) => Err(End::NotText),
            Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => Err(End::ClientLeft),
        }
    }

    async fn far_said(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        if let Some(far) = &mut self.upstream {
            far.heard = Instant::now();
        }
        match message {
            Some(Ok(Message::Text(text))) if self.definition.is_heartbeat_answer(&self.path, &text) => Ok(()),
            Some(Ok(Message::Text(text))) => {
                self.settle(&text).await;
                self.tell(self.clean(&text)).await
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Binary(_))) => Err(End::Broken("a message that is not text".to_owned())),
            Some(Ok(Message::Close(_) | Message::Frame(_))) | None => Err(End::Broken("closed".to_owned())),
            Some(Err(error)) => Err(End::Broken(error.to_string())),
        }
    }

    /// Records the outcome if this message answers a frame.
    pub(super) async fn settle(&mut self, text: &str) {
        let Some(answer) = self.definition.frame_answer(&self.path, text) else { return };
        if let Some(sent) = self.pending.take(&answer) {
            sent.settle(&answer).await;
            self.reconsider_token(&answer);
        }
    }

    /// Once a second: who is silent, who is late.
    async fn look_around(&mut self) -> Result<(), End> {
        let gateway = &self.app.config.gateway;
        let (idle, patience) =
            (Duration::from_millis(gateway.stream_idle_ms), Duration::from_millis(gateway.timeout_ms));
        let is_late = |own: &Self| own.pending.oldest().is_some_and(|sent| sent.elapsed() > patience);
        if is_late(self) || self.far_idle() > idle {
            self.catch_up().await?;
        }
        if is_late(self) {
            return Err(End::Late);
        }
        if self.heard.elapsed() > idle {
            return Err(End::ClientIdle);
        }
        self.may_stay()?;
        let far_idle = self.far_idle();
        if far_idle > idle {
            return Err(End::Broken("no sign of life".to_owned()));
        }
        if self.heard.elapsed() > idle / 3 {
            self.write(Message::Ping(Bytes::new())).await?;
        }
        match self.definition.heartbeat(&self.path).map(str::to_owned) {
            Some(ask) if far_idle > (idle / 3).min(HEARTBEAT) => self.write_far(Message::text(ask)).await,
            None if far_idle > idle / 3 => self.write_far(Message::Ping(Bytes::new())).await,
            _ => Ok(()),
        }
    }

    /// Hears what came while a frame of the client was worked on: an answer that is here is not late.
    async fn catch_up(&mut self) -> Result<(), End> {
        for _ in 0..UNHEARD {
            match timeout(MOMENT, next(&mut self.upstream)).await {
                Ok(message) => self.far_said(message).await?,
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn far_idle(&self) -> Duration {
        self.upstream.as_ref().map_or(Duration::ZERO, |far| far.heard.elapsed())
    }

    pub(super) async fn tell(&mut self, text: String) -> Result<(), End> {
        self.write(Message::text(text)).await
    }

    pub(super) async fn tell_exchange(&mut self, text: String) -> Result<(), End> {
        self.write_far(Message::text(text)).await
    }

    /// Says no in the exchange's dialect.
    pub(super) async fn refuse(&mut self, id: &str, method: &str, denial: &Denial) -> Result<(), End> {
        let text = self.refusal(id, method, denial, RequestId(self.app.clock.id()));
        self.tell(text).await
    }

    pub(super) fn refusal(&self, id: &str, method: &str, denial: &Denial, request: RequestId) -> String {
        let text = format!("{} [{}]", denial.text, denial.rule);
        let asked = Asked { path: &self.path, id, method };
        self.definition.refuse_frame(denial.kind, &text, &request.0.to_string(), asked)
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        let patience = Duration::from_millis(self.app.config.gateway.stream_write_ms);
        tokio::select! {
            sent = self.near.send(message) => sent.map_err(|_| End::ClientLeft),
            () = tokio::time::sleep(patience) => Err(End::ClientSlow),
            end = self.bound.over() => Err(end),
        }
    }

    async fn write_far(&mut self, message: Message) -> Result<(), End> {
        let patience = Duration::from_millis(self.app.config.gateway.stream_write_ms);
        let Some(far) = &mut self.upstream else { return Err(End::Broken("not open".to_owned())) };
        tokio::select! {
            sent = far.socket.send(message) => sent.map_err(|error| End::Broken(error.to_string())),
            () = tokio::time::sleep(patience) => Err(End::Broken("the exchange does not read".to_owned())),
            end = self.bound.over() => Err(end),
        }
    }
}

pub(super) type Error = tokio_tungstenite::tungstenite::Error;

/// The exchange's next message; never, while it is not connected.
pub(super) async fn next(far: &mut Option<Far>) -> Option<Result<Message, Error>> {
    match far {
        Some(far) => far.socket.next().await,
        None => std::future::pending().await,
    }
}

/// OKX ends a stream on which it said and heard nothing for thirty seconds.
const HEARTBEAT: Duration = Duration::from_secs(15);
const TICK: Duration = Duration::from_secs(1);
/// How much of an exchange that never pauses is heard before somebody is judged.
const UNHEARD: usize = 1000;
const MOMENT: Duration = Duration::from_millis(10);
