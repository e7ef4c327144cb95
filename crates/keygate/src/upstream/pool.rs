//! Connections to exchanges that wait for their next request.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
};

/// A way to an exchange.
pub struct Connection {
    pub stream: Stream,
    /// Room for answers; empty between them.
    pub buffer: Vec<u8>,
}

impl Connection {
    /// Whether the exchange has neither said anything since the last answer nor closed the connection.
    pub fn is_quiet(&mut self) -> bool {
        let (mut byte, mut context) = ([0], Context::from_waker(Waker::noop()));
        let read = Pin::new(&mut self.stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte));
        matches!(read, Poll::Pending)
    }
}

/// Plain on this machine, TLS everywhere else.
type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// By origin, the one used last at the end.
#[derive(Default)]
pub struct Pool(Mutex<HashMap<String, Vec<Idle>>>);

struct Idle {
    /// Boxed, because it is large and moves from hand to hand.
    connection: Box<Connection>,
    since: Instant,
}

impl Pool {
    /// The connection used last that is still good. Two requests never share one.
    pub fn take(&self, origin: &str) -> Option<Box<Connection>> {
        let mut idle = self.lock();
        let own = idle.get_mut(origin)?;
        while let Some(Idle { mut connection, since }) = own.pop() {
            if since.elapsed() < GOOD_FOR && connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }

    pub fn give(&self, origin: &str, connection: Box<Connection>) {
        let mut idle = self.lock();
        let one = Idle { connection, since: Instant::now() };
        match idle.get_mut(origin) {
            Some(own) if own.len() < MOST => own.push(one),
            Some(_) => {}
            None => {
                idle.insert(origin.to_owned(), vec![one]);
            }
        }
    }

    /// Closes what has waited too long. Taking does not use it any more; this gives the sockets back.
    pub fn close_old(&self) {
        self.lock().retain(|_, own| {
            own.retain(|idle| idle.since.elapsed() < GOOD_FOR);
            !own.is_empty()
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Idle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shorter than exchanges keep a quiet connection.
const GOOD_FOR: Duration = Duration::from_secs(25);
/// More to one exchange at a time are closed after their answer.
const MOST: usize = 256;
