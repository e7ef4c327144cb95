//! The one way out to exchanges. Bytes leave exactly as they were signed: no redirects, no environment
//! proxy, no decompression, and never a second attempt. A failure says whether anything can have arrived.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use exchange::Signed;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::{config::Gateway, error::Fatal};

mod socket;

pub use socket::Socket;

pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// The same way out, for WebSockets.
    connector: HttpsConnector<HttpConnector>,
    timeout: Duration,
    max_answer: usize,
}

/// A request ready to go: the origin comes from the exchange's definition, never from a caller.
pub struct Outgoing {
    pub method: Method,
    pub origin: Arc<str>,
    /// Path and query, byte for byte.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the signer made cannot be put into HTTP; nothing was sent.
#[derive(Debug)]
pub struct Unsendable;

#[derive(Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
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
        let connector = connector.wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(25))
            .retry_canceled_requests(false)
            .build(connector.clone());
        let timeout = Duration::from_millis(settings.timeout_ms);
        Ok(Upstream { client, connector, timeout, max_answer: settings.max_answer })
    }

    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, Failure> {
        let request = build(outgoing)?;
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Unknown("the exchange did not answer in time".to_owned())),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let response = self.client.request(request).await.map_err(|error| match error.is_connect() {
            true => Failure::NotSent(reason(&error)),
            false => Failure::Unknown(reason(&error)),
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, self.max_answer).collect().await.map_err(|error| {
            let oversized = error.downcast_ref::<LengthLimitError>().is_some();
            Failure::Unknown(if oversized { "the answer is too large".to_owned() } else { error.to_string() })
        })?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }
}

impl TryFrom<Signed> for Outgoing {
    type Error = Unsendable;

    fn try_from(signed: Signed) -> Result<Self, Unsendable> {
        let mut headers = HeaderMap::new();
        for (name, value) in &signed.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unsendable)?;
            headers.append(name, HeaderValue::from_str(value).map_err(|_| Unsendable)?);
        }
        let method = Method::from_bytes(signed.method.as_str().as_bytes()).map_err(|_| Unsendable)?;
        Ok(Outgoing {
            method,
            origin: signed.origin,
            target: signed.target,
            headers,
            body: Bytes::from(signed.body),
        })
    }
}

impl std::fmt::Display for Unsendable {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a signed request cannot be put into HTTP")
    }
}

fn build(outgoing: Outgoing) -> Result<Request<Full<Bytes>>, Failure> {
    let unsendable = |what: &str| Failure::NotSent(format!("the {what} cannot be sent"));
    let uri: Uri =
        format!("{}{}", outgoing.origin, outgoing.target).parse().map_err(|_| unsendable("target"))?;
    let mut request = Request::builder().method(outgoing.method).uri(uri);
    if let Some(headers) = request.headers_mut() {
        *headers = outgoing.headers;
    }
    request.body(Full::new(outgoing.body)).map_err(|_| unsendable("request"))
}

fn reason(error: &hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn no_tls(error: impl std::fmt::Display) -> Fatal {
    Fatal::new(format!("cannot set up TLS: {error}"), "install the package ca-certificates")
}
