//! Every request has an id: the caller's if it is well-formed, else a new one. It goes into the log line,
//! the answer, every error and every record the request leaves. A call to an exchange always has a new one.

use std::time::Instant;

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue, Method};
use tracing::Instrument;
use uuid::Uuid;

/// The id of the request at hand, as an extension.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(pub Uuid);

pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId::given(request.headers());
    let id = id.unwrap_or_else(|| RequestId(Uuid::from_bytes(seal::random::array())));
    request.extensions_mut().insert(id);
    let line = Line::begin(request.method(), request.uri().path());
    let mut response = next.run(request).instrument(id.span()).await;
    id.sign(&mut response);
    line.end(id, &response);
    response
}

pub fn of(request: &Request) -> String {
    request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.to_string())
}

impl RequestId {
    /// Only a UUID: an id from outside must not be able to forge a log line or a record.
    pub fn given(headers: &HeaderMap) -> Option<RequestId> {
        let text = headers.get("x-request-id")?.to_str().ok()?;
        (text.len() == 36).then(|| Uuid::parse_str(text).ok().map(RequestId)).flatten()
    }

    /// Whatever is logged inside carries the id.
    pub fn span(self) -> tracing::Span {
        tracing::info_span!("request", request_id = %self.0)
    }

    pub fn sign(self, response: &mut Response) {
        let mut text = Uuid::encode_buffer();
        if let Ok(value) = HeaderValue::from_str(self.0.hyphenated().encode_lower(&mut text)) {
            response.headers_mut().insert("x-request-id", value);
        }
    }
}

/// The line about a request, if the log wants to have one.
pub struct Line(Option<(Method, String, Instant)>);

impl Line {
    pub fn begin(method: &Method, path: &str) -> Line {
        let wanted = tracing::enabled!(tracing::Level::INFO);
        Line(wanted.then(|| (method.clone(), loggable(path), Instant::now())))
    }

    pub fn end(self, id: RequestId, response: &Response) {
        let Some((method, path, started)) = self.0 else { return };
        let (status, duration_ms) = (response.status().as_u16(), started.elapsed().as_millis());
        id.span().in_scope(|| tracing::info!(%method, path, status, duration_ms, "answered"));
    }
}

/// The path without the query, shortened; parameters may hold what no log may keep.
fn loggable(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(200).collect()
}
