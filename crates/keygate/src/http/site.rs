//! Who answers a request: the gateway whatever is under `/x/`, the router everything else.
//!
//! `/x/…` never reaches the router: a router decodes `%2F` and keeps `..`, the gateway must not. And the way of a
//! bot's call is short: none of the router's layers is on it, only what they promise.

use std::sync::{Arc, atomic::Ordering};

use axum::{Router, body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use hyper::body::Incoming;
use tower::ServiceExt;
use tracing::Instrument;

use super::{RequestId, guard, problem, request_id::Line, router};
use crate::{app::App, auth::Peer, config::Config, error::Result, gateway, user};

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

    pub(super) async fn answer(&self, peer: Peer, mut request: Request<Incoming>) -> Response {
        if request.uri().path().starts_with("/x/") {
            return self.call(peer, request).await;
        }
        request.extensions_mut().insert(peer);
        let routed = self.router.clone().oneshot(request.map(Body::new));
        let Ok(response) = Box::pin(routed).await;
        response
    }

    /// A bot's call.
    async fn call(&self, peer: Peer, request: Request<Incoming>) -> Response {
        // what a call sets aside is kept under its id: a caller who chose it could settle another call of theirs
        let id = RequestId(self.app.clock.id());
        let line = Line::begin(request.method(), request.uri().path());
        let answer = self.pass(peer, id, request).instrument(id.span()).await;
        let mut response = answer.unwrap_or_else(|error| problem(&error, &id.0.to_string()));
        protect(response.headers_mut());
        id.sign(&mut response);
        line.end(id, &response);
        response
    }

    async fn pass(&self, peer: Peer, id: RequestId, request: Request<Incoming>) -> Result<Response> {
        guard::refuse_odd(&self.app, &request)?;
        if !self.app.has_owner.load(Ordering::Relaxed) && !Box::pin(user::is_set_up(&self.app)).await? {
            return Err(super::not_set_up());
        }
        gateway::serve(&self.app, peer, id, request).await
    }
}

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
