//! The one way out to exchanges. Bytes leave exactly as they were signed: no redirects, no environment
//! proxy, no decompression, and never a second attempt. A failure says whether anything can have arrived.
//!
//! A connection carries one request at a time and is driven by whoever waits for the answer: no task, no channel.

use std::time::Duration;

use bytes::Bytes;
use exchange::Signed;
use http::{StatusCode, Uri};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::{io::AsyncWriteExt, time::timeout};
use tower::ServiceExt;

use crate::{config::Gateway, error::Fatal};

mod answer;
mod headers;
mod pool;
mod request;
mod socket;

pub use headers::Headers;
pub use socket::Socket;

use pool::Connection;

pub struct Upstream {
    connector: HttpsConnector<HttpConnector>,
    pool: pool::Pool,
    timeout: Duration,
    max_answer: usize,
}

/// A connection to an exchange that carries one request next.
pub struct Way(Box<Connection>);

#[derive(Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: Headers,
    pub body: Bytes,
    /// How many seconds it was kept here, if it was.
    pub age: Option<u64>,
}

#[derive(Clone, Debug)]
pub enum Failure {
    /// No byte of the request can have reached the exchange.
    NotSent(String),
    /// It may have arrived: what happened there is unknown.
    Unknown(String),
}

impl Upstream {
    pub fn new(settings: &Gateway) -> Result<Self, Fatal> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(Duration::from_millis(settings.connect_timeout_ms)));
        let tls =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(no_tls)?
                .try_with_platform_verifier()
                .map_err(no_tls)?
                .with_no_client_auth();
        // Plain http is reachable only through definitions, which allow it on loopback alone.
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        Ok(Upstream {
            connector: connector.wrap_connector(tcp),
            pool: pool::Pool::default(),
            timeout: Duration::from_millis(settings.timeout_ms),
            max_answer: settings.max_answer,
        })
    }

    /// Sends a request once and waits for the answer. Whoever stops waiting closes the connection.
    pub async fn send(&self, signed: &Signed) -> Result<Answer, Failure> {
        let way = self.reach(&signed.origin).await?;
        self.carry(way, signed).await
    }

    /// A connection to an exchange, one that waits or a new one, before there is anything to send: what must hold when a
    /// request leaves can be looked at last.
    pub async fn reach(&self, origin: &str) -> Result<Way, Failure> {
        match self.pool.take(origin) {
            Some(connection) => Ok(Way(connection)),
            None => Box::pin(self.connect(origin)).await.map(Way),
        }
    }

    /// Sends a request at once, on a connection to its exchange.
    pub async fn carry(&self, way: Way, signed: &Signed) -> Result<Answer, Failure> {
        let not_sent = |why: &str| Failure::NotSent(why.to_owned());
        let request = request::bytes(signed).ok_or_else(|| not_sent("the request is no HTTP"))?;
        let Way(mut connection) = way;
        if !connection.is_quiet() {
            return Err(not_sent("the exchange closed the connection"));
        }
        let (answer, again) = timeout(self.timeout, self.exchange(&mut connection, &request))
            .await
            .map_err(|_| Failure::Unknown("the exchange did not answer in time".to_owned()))?
            .map_err(Failure::Unknown)?;
        if again {
            self.pool.give(&signed.origin, connection);
        }
        Ok(answer)
    }

    /// Closes connections that nobody used for a while.
    pub fn close_old(&self) {
        self.pool.close_old();
    }

    async fn connect(&self, origin: &str) -> Result<Box<Connection>, Failure> {
        let uri: Uri = origin.parse().map_err(|_| Failure::NotSent("the origin is no address".to_owned()))?;
        let opened = timeout(self.timeout, self.connector.clone().oneshot(uri)).await;
        let opened = opened.map_err(|_| Failure::NotSent("no connection in time".to_owned()))?;
        let opened = opened.map_err(|error| Failure::NotSent(reason(error.as_ref())))?;
        Ok(Box::new(Connection { stream: TokioIo::new(opened), buffer: Vec::new() }))
    }

    async fn exchange(&self, on: &mut Connection, request: &[u8]) -> Result<(Answer, bool), String> {
        let Connection { stream, buffer } = on;
        let failed = |error: std::io::Error| error.to_string();
        stream.write_all(request).await.map_err(failed)?;
        stream.flush().await.map_err(failed)?;
        answer::Reader::new(stream, buffer, self.max_answer).answer().await
    }
}

fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn no_tls(error: impl std::fmt::Display) -> Fatal {
    Fatal::new(format!("cannot set up TLS: {error}"), "install the package ca-certificates")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicUsize, atomic::Ordering};

    use exchange::Method;
    use tokio::{
        io::AsyncReadExt,
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::config::{Config, Flags};

    /// What an exchange does with a connection after its answer.
    #[derive(Clone, Copy, PartialEq)]
    enum Then {
        Wait,
        Close,
        SpeakAgain,
    }

    struct Exchange {
        upstream: Upstream,
        signed: Signed,
        connections: Arc<AtomicUsize>,
    }

    impl Exchange {
        /// Answers every request with the number of its connection.
        async fn that_will(then: Then) -> Exchange {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let origin = format!("http://{}", listener.local_addr().unwrap());
            let connections = Arc::new(AtomicUsize::new(0));
            let count = connections.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(answer_all(stream, count.fetch_add(1, Ordering::SeqCst), then));
                }
            });
            let upstream = Upstream::new(&Config::load(&Flags::default()).unwrap().gateway).unwrap();
            let (target, headers, body) = ("/".to_owned(), Vec::new(), Vec::new());
            Exchange {
                upstream,
                signed: Signed { method: Method::Get, origin: origin.into(), target, headers, body },
                connections,
            }
        }

        async fn ask(&self) -> String {
            let answer = self.upstream.send(&self.signed).await.unwrap();
            String::from_utf8(answer.body.to_vec()).unwrap()
        }
    }

    async fn answer_all(mut stream: TcpStream, number: usize, then: Then) {
        let mut request = [0; 1024];
        while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            if then == Then::SpeakAgain {
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray").await.unwrap();
            }
            if then == Then::Close {
                return;
            }
        }
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_carries_one_request_at_a_time() {
        let exchange = Exchange::that_will(Then::Wait).await;
        assert_eq!([exchange.ask().await, exchange.ask().await], ["0", "0"]);
        let (one, other) = tokio::join!(exchange.ask(), exchange.ask());
        assert_ne!(one, other);
        assert_eq!(exchange.connections.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_or_spoke_unasked_is_not_used_again() {
        for then in [Then::Close, Then::SpeakAgain] {
            let exchange = Exchange::that_will(then).await;
            assert_eq!(exchange.ask().await, "0");
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(exchange.ask().await, "1");
        }
    }

    #[tokio::test]
    async fn a_request_that_was_given_up_takes_its_connection_with_it() {
        let exchange = Exchange::that_will(Then::Wait).await;
        let impatient = tokio::time::timeout(Duration::from_millis(5), exchange.ask()).await;
        assert!(impatient.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(exchange.ask().await, "1");
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_was_sent() {
        let mut exchange = Exchange::that_will(Then::Wait).await;
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        exchange.signed.origin = format!("http://127.0.0.1:{port}").into();
        let failure = exchange.upstream.send(&exchange.signed).await.err();
        assert!(matches!(failure, Some(Failure::NotSent(_))), "{failure:?}");
    }
}
