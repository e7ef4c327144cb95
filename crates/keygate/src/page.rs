//! Server-rendered pages. Everything works without script; nothing is inline, so the content policy can
//! forbid it.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, header};

use crate::{
    app::App,
    error::{Code, Error},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
}

/// Does this request come from a person's browser, so that errors are pages?
pub fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    !path.starts_with("/api/") && !path.starts_with("/x/") && accept.contains("text/html")
}

/// An error as a page; who is not signed in is led to the door.
pub fn failure(error: &Error, _request_id: &str) -> Response {
    if error.code == Code::Unauthorized {
        return Redirect::to("/login").into_response();
    }
    let mut response = Response::new(Body::from(error.detail.to_string()));
    *response.status_mut() = error.status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
