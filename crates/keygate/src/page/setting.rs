//! How a reader wants the pages, kept in the browser: no account is needed for it, and none is told.

use axum_extra::extract::cookie::{Cookie, CookieJar};
use http::HeaderMap;
use time::Duration;

use crate::auth::session;

/// Keeps a choice; nothing takes it back.
pub fn cookie(name: &'static str, value: Option<&str>) -> Cookie<'static> {
    match value {
        Some(value) => session::cookie(name, value.to_owned(), Some(KEPT)),
        None => session::cookie(name, String::new(), Some(Duration::ZERO)),
    }
}

pub fn given(headers: &HeaderMap, name: &str) -> Option<String> {
    CookieJar::from_headers(headers).get(name).map(|cookie| cookie.value().to_owned())
}

/// The longest that browsers keep a cookie.
const KEPT: Duration = Duration::days(400);
