//! The listener, who answers what it hears, the router and the order of the layers around it.
//!
//! Order, outermost first: the request id and the log line, the bodies of errors (the request id is known
//! here), a raw-request guard (one known Host, origin form), the set-up gate, the net for handlers that panic, the
//! router. The gateway for `/x/` is not behind them: `site` gives it the same promises.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Uri, header};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    access_key, activity, alert, api_key,
    app::App,
    audit, auth, bot, connection,
    error::{Code, Error, Problem},
    exchanges, health, idempotency, limits, openapi, page, panic, risk, unsettled, user,
};

pub mod body;
mod guard;
mod listener;
mod networks;
pub mod request_id;
mod site;
mod slots;
mod steady;

pub use listener::{Listener, serve};
pub use networks::{Networks, OfNetwork};
pub use request_id::RequestId;
pub use site::Site;

/// Routes anyone may call without a credential. A test walks the router and allows no others.
pub const PUBLIC_ROUTES: &[&str] = &[
    "GET /livez",
    "GET /readyz",
    "GET /healthz",
    "GET /openapi.json",
    "GET /docs/api",
    "GET /problems/{code}",
    "GET /assets/{file}",
    "GET /setup",
    "POST /setup",
    "GET /login",
    "POST /login",
    "POST /theme",
    "GET /keys",
    "POST /keys",
    "GET /register",
    "POST /register",
    "POST /api/v1/auth/setup",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
];

/// The API's routes and the document that describes them. Every feature registers here, one line each.
pub fn api() -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let (routes, mut description) = OpenApiRouter::with_openapi(openapi::description())
        .merge(user::routes())
        .merge(exchanges::routes())
        .merge(connection::routes())
        .merge(limits::routes())
        .merge(panic::routes())
        .merge(risk::routes())
        .merge(unsettled::routes())
        .merge(alert::routes())
        .merge(api_key::routes())
        .merge(bot::routes())
        .merge(access_key::routes())
        .merge(activity::routes())
        .merge(audit::routes())
        .split_for_parts();
    openapi::name_operations(&mut description);
    openapi::offer_idempotency(&mut description);
    (routes, description)
}

fn router(app: &Arc<App>) -> Router {
    let (api, description) = api();
    let routes = Router::new()
        .merge(api.layer(middleware::from_fn_with_state(app.clone(), idempotency::once)))
        .merge(health::routes())
        .merge(openapi::routes(description))
        .merge(page::routes())
        .fallback(|| async { Error::from(Code::NotFound) })
        .method_not_allowed_fallback(|| async { Error::from(Code::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app.clone());
    // Around the whole router, so that the last slash is gone before a route is chosen.
    Router::new()
        .fallback_service(routes)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(without_last_slash))
        .layer(middleware::from_fn_with_state(app.clone(), own_pages_only))
        .layer(middleware::from_fn_with_state(app.clone(), set_up_first))
        .layer(middleware::from_fn_with_state(app.clone(), refuse_odd_requests))
        .layer(middleware::from_fn_with_state(app.clone(), speak))
        .layer(middleware::from_fn(request_id::assign))
}

/// A fault of ours is an answer like any other. What the handler said is in the log already, by its thread.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::internal("a handler panicked").into_response()
}

/// The API answers with and without a final slash, because its oldest routes were documented with one.
async fn without_last_slash(mut request: Request, next: Next) -> Response {
    if let Some(uri) = trimmed(request.uri()) {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

fn trimmed(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| path.starts_with("/api/"))?;
    match uri.query() {
        Some(query) => format!("{path}?{query}").parse().ok(),
        None => path.parse().ok(),
    }
}

async fn refuse_odd_requests(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match guard::refuse_odd(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Until there is an owner, everything but the setup itself answers 503 with the hint.
async fn set_up_first(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let needed = ["/setup", "/api/v1/auth/setup"].contains(&path)
        || health::PATHS.contains(&path)
        || path.starts_with("/assets/");
    let is_set_up = if needed { Ok(true) } else { user::is_set_up(&app).await };
    match is_set_up {
        Ok(true) => next.run(request).await,
        Ok(false) => not_set_up().into_response(),
        Err(error) => error.into_response(),
    }
}

fn not_set_up() -> Error {
    Code::NotSetUp
        .with("Open the setup link that `keygate serve` printed; `keygate setup-link` makes a new one.")
}

/// Pages change state only from our own pages; the API takes no cookie, so it needs no such check.
async fn own_pages_only(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/")
        && let Err(error) = auth::session::check_origin(&app, request.method(), request.headers())
    {
        return error.into_response();
    }
    next.run(request).await
}

/// Gives errors their body, as a problem for programs and as a page for people, and every answer its headers.
async fn speak(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request_id::of(&request);
    let frame = page::wants_page(&request).then(|| {
        let headers = request.headers();
        (page::Frame::bare(request.method(), request.uri(), headers), headers.clone())
    });
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        response = match frame {
            Some((frame, headers)) => {
                page::failure(frame.of_failure(&app, &headers, &error).await, &error, &id)
            }
            None => problem(&error, &id),
        };
    }
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// An error as the body that programs read.
pub fn problem(error: &Error, request_id: &str) -> Response {
    let body = serde_json::to_vec(&Problem::new(error, request_id)).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = error.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = error.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.code == Code::Unauthorized {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"keygate\""));
    }
    response
}

/// Requests of the API and the pages are small; the gateway has its own limit.
pub const MAX_BODY: usize = 64 * 1024;

const HEADERS: [(header::HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        header::HeaderName::from_static("permissions-policy"),
        "publickey-credentials-get=(self), publickey-credentials-create=(self)",
    ),
    (header::CACHE_CONTROL, "no-store"),
];

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn handler_that_panics_is_answered_with_a_problem() {
        async fn broken() -> Response {
            panic!("a handler of this test")
        }
        let router = Router::new().route("/", get(broken)).layer(CatchPanicLayer::custom(panicked));
        let mut response = router.oneshot(Request::new(Body::empty())).await.expect("an answer");
        let error = response.extensions_mut().remove::<Error>().expect("what is told as every other error");
        let response = problem(&error, "");
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
