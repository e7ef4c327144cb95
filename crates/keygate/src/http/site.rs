//! Who answers a request: the gateway whatever is under `/x/`, the router everything else.
//!
//! `/x/…` never reaches the router: a router decodes `%2F` and keeps `..`, the gateway must not. And the way of a
//! bot's call is short: none of the router's layers is on it, only what they promise.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
};

use axum::{Router, body::Body, response::Response};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use hyper::body::Incoming;
use tower::ServiceExt;
use tracing::Instrument;

use super::{RequestId, guard, problem, request_id::Line, router};
use crate::{
    app::App,
    auth::Peer,
    config::Config,
    error::Result,
    gateway::{self, Taken},
    user,
};

#[derive(Clone)]
pub struct Site {
    app: Arc<App>,
    router: Router,
}

impl Site {
    pub fn new(app: Arc<App>) -> Self {
        Site { router: router(&app), app }
    }

    pub(super) fn config(&self) -> &Config {
        &self.app.config
    }

    /// Boxed, because what an answer needs is large and would be moved from hand to hand.
    pub(super) fn answer(&self, peer: Peer, mut request: Request<Incoming>) -> Answering<'_> {
        if request.uri().path().starts_with("/x/") {
            return self.call(peer, request);
        }
        request.extensions_mut().insert(peer);
        Box::pin(self.router.clone().oneshot(request.map(Body::new)))
    }

    /// A bot's call. It is read here and now: when the connection looks for the next one, nothing of its head is left, and
    /// the same memory takes it.
    fn call(&self, peer: Peer, request: Request<Incoming>) -> Answering<'_> {
        // what a call sets aside is kept under its id: a caller who chose it could settle another call of theirs
        let id = RequestId(self.app.clock.id());
        let line = Line::begin(request.method(), request.uri().path());
        let span = id.span();
        let taken = span.in_scope(|| self.take(peer, id, request));
        Box::pin(async move {
            let answer = self.pass(peer, id, taken).instrument(span).await;
            let mut response = answer.unwrap_or_else(|error| problem(&error, &id.0.to_string()));
            protect(response.headers_mut());
            id.sign(&mut response);
            line.end(id, &response);
            Ok(response)
        })
    }

    fn take(&self, peer: Peer, id: RequestId, request: Request<Incoming>) -> Result<Taken> {
        guard::refuse_odd(&self.app, &request)?;
        match self.app.has_owner.load(Ordering::Relaxed) {
            true => gateway::take(&self.app, peer, id, request),
            false => Ok(Taken::Whole(Box::new(request))),
        }
    }

    async fn pass(&self, peer: Peer, id: RequestId, taken: Result<Taken>) -> Result<Response> {
        let taken = taken?;
        if !self.app.has_owner.load(Ordering::Relaxed) && !Box::pin(user::is_set_up(&self.app)).await? {
            return Err(super::not_set_up());
        }
        gateway::serve(&self.app, peer, id, taken).await
    }
}

type Answering<'s> = BoxFuture<'s, std::result::Result<Response, Infallible>>;

/// An exchange's answer is data for a program. A browser that is led to it shall neither run nor keep it.
fn protect(headers: &mut HeaderMap) {
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

const PROTECTION: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];
