//! The HTTP side: bytes in, bytes out, on one loopback port for the page and one per exchange.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::config::{Config, Venue};
use crate::fault::{Fault, Faults};
use crate::house::Exchange;
use crate::page;
use crate::record::{Record, Records};
use crate::request::{Answer, Received};
use crate::row::Row;
use crate::socket;
use crate::spoken::{SPOKEN, Spoken};

/// Everything the exchange knows while it runs.
pub(crate) struct State {
    /// The page's.
    pub(crate) address: SocketAddr,
    /// In the order of their ports.
    pub(crate) exchanges: Vec<Open>,
    pub(crate) records: Records,
    pub(crate) faults: Faults,
}

/// One of the exchanges, at work.
pub(crate) struct Open {
    pub(crate) spoken: &'static Spoken,
    pub(crate) exchange: Box<dyn Exchange>,
}

pub(crate) struct Shared {
    clock: Clock,
    state: Mutex<State>,
    /// Beats after every request: something may have changed.
    pulse: watch::Sender<()>,
    /// Beats when every open conversation is to end.
    hangups: watch::Sender<()>,
}

/// The listening tasks; they stop with every open connection when dropped.
pub(crate) struct Listening {
    tasks: Vec<JoinHandle<()>>,
}

/// Bodies above this are refused with 413.
const MAX_BODY: usize = 1024 * 1024;

impl Shared {
    /// The address is the page's.
    pub(crate) fn new(config: &Config, clock: Clock, address: SocketAddr) -> Self {
        let now = clock.now_ms();
        let configured = SPOKEN.iter().filter_map(|spoken| Some((spoken, config.venue(spoken.id)?)));
        let open = |(spoken, venue): (&'static Spoken, &Venue)| {
            let exchange = (spoken.open)(venue, &config.limits, now);
            Open { spoken, exchange }
        };
        let state = State {
            address,
            exchanges: configured.map(open).collect(),
            records: Records::default(),
            faults: Faults::default(),
        };
        Self {
            clock,
            state: Mutex::new(state),
            pulse: watch::Sender::new(()),
            hangups: watch::Sender::new(()),
        }
    }

    /// Says that something may have changed.
    pub(crate) fn beat(&self) {
        self.pulse.send_replace(());
    }

    pub(crate) fn pulse(&self) -> watch::Receiver<()> {
        self.pulse.subscribe()
    }

    pub(crate) fn hangups(&self) -> watch::Receiver<()> {
        self.hangups.subscribe()
    }

    /// Ends every open conversation; new ones may begin.
    pub(crate) fn hang_up(&self) {
        self.hangups.send_replace(());
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    pub(crate) fn start(row: Row, shared: &Arc<Shared>) -> Self {
        let doors = std::iter::once(None).chain(SPOKEN.iter().map(|exchange| Some(exchange.id)));
        let serve = |(listener, door)| tokio::spawn(accept(listener, door, shared.clone()));
        Self { tasks: row.listeners.into_iter().zip(doors).map(serve).collect() }
    }

    pub(crate) fn stop(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The exchange behind a port; `None` at the page's.
type Door = Option<&'static str>;

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: TcpListener, door: Door, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => drop(connections.spawn(serve(stream, peer.ip(), door, shared.clone()))),
            // Out of file descriptors, most likely: give connections time to end.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, peer: IpAddr, door: Door, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| respond(request, peer, door, shared.clone()));
    // A failed connection is the client's business: it went away, or a fault asked for it.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

async fn respond(
    request: Request<Incoming>,
    peer: IpAddr,
    door: Door,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Dropped> {
    if let Some(id) = door.filter(|_| socket::is_upgrade(&request)) {
        return Ok(socket::open(request, peer, id, shared));
    }
    let answer = match (receive(request, peer, shared.now_ms()).await, door) {
        (Some(request), None) => page::answer(&shared, &request),
        (Some(request), Some(id)) => exchange(&shared, id, request).await?,
        (None, _) => Answer::text(413, "text/plain", "body too large\n"),
    };
    Ok(response(answer))
}

async fn receive(request: Request<Incoming>, peer: IpAddr, at_ms: i64) -> Option<Received> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.ok()?.to_bytes().to_vec();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Some(Received {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body,
        peer,
        at_ms,
    })
}

/// Lets a request meet its fault, or the exchange, and records it.
async fn exchange(shared: &Shared, id: &'static str, mut request: Received) -> Result<Answer, Dropped> {
    let mut record = Record::new(id, &request);
    let (outcome, fault) = {
        let mut state = shared.state();
        let fault = state.faults.next(id, &request.path);
        record.fault = fault.as_ref().map(Fault::name);
        let outcome = state.play(id, &mut request, fault.as_ref(), &mut record);
        record.status = outcome.as_ref().ok().map(|answer| answer.status);
        state.records.push(record);
        (outcome, fault)
    };
    shared.beat();
    if let Some(Fault::Delay { ms }) = fault {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    outcome
}

impl State {
    fn play(
        &mut self,
        id: &str,
        request: &mut Received,
        fault: Option<&Fault>,
        record: &mut Record,
    ) -> Result<Answer, Dropped> {
        let Some(open) = self.exchange(id) else {
            return Ok(Answer::text(404, "text/plain", "this exchange is not open\n"));
        };
        if let Some(answer) = fault.and_then(|fault| fault.instead(open.as_ref(), request)) {
            return Ok(answer);
        }
        match fault {
            Some(Fault::DropBefore) => return Err(Dropped),
            Some(Fault::Skew { ms }) => request.at_ms += ms,
            _ => {}
        }
        let (answer, signer) = open.answer(request);
        record.signed_by = signer;
        record.error = answer.error.clone();
        match fault {
            Some(Fault::DropAfter) => Err(Dropped),
            Some(Fault::Garbage) => Ok(Answer::text(200, "application/json", "{\"orderId\": <garbage")),
            _ => Ok(answer),
        }
    }

    pub(crate) fn exchange(&mut self, id: &str) -> Option<&mut Box<dyn Exchange>> {
        self.exchanges.iter_mut().find(|open| open.spoken.id == id).map(|open| &mut open.exchange)
    }

    /// Where an exchange is, `http://127.0.0.1:port`.
    ///
    /// # Panics
    /// If it is not spoken.
    #[expect(clippy::panic, reason = "a caller that asks for an exchange by a wrong name is wrong")]
    pub(crate) fn origin(&self, id: &str) -> String {
        let port = crate::port(self.address.port(), id).unwrap_or_else(|| panic!("{id} is not spoken"));
        format!("http://{}", SocketAddr::new(self.address.ip(), port))
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in answer.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
