//! Every request has an id: the caller's if it is well-formed, else a new one. It goes into the log line,
//! the answer, every error and every record the request leaves.

use std::time::Instant;

use axum::{extract::Request, middleware::Next, response::Response};
use http::HeaderValue;
use tracing::Instrument;
use uuid::Uuid;

/// The id of the request at hand, as an extension.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(pub Uuid);

pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = given(&request).unwrap_or_else(|| Uuid::from_bytes(seal::random::array()));
    request.extensions_mut().insert(RequestId(id));
    let (method, path) = (request.method().clone(), loggable(request.uri().path()));
    let span = tracing::info_span!("request", request_id = %id);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let duration_ms = started.elapsed().as_millis();
    span.in_scope(
        || tracing::info!(%method, path, status = response.status().as_u16(), duration_ms, "answered"),
    );
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

pub fn of(request: &Request) -> String {
    request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.to_string())
}

/// Only a UUID: an id from outside must not be able to forge a log line or a record.
fn given(request: &Request) -> Option<Uuid> {
    let text = request.headers().get("x-request-id")?.to_str().ok()?;
    (text.len() == 36).then(|| Uuid::parse_str(text).ok()).flatten()
}

/// The path without the query, shortened; parameters may hold what no log may keep.
fn loggable(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(200).collect()
}
