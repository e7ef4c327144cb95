//! One sentence that survives the redirect after a form: what was done. It travels in a cookie only we can
//! set, is shown once, and never holds a secret.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, header};
use time::Duration;

use crate::{auth::session::cookie, error::Error};

/// After a form: to another page, which says what was done.
pub fn go(to: &str, done: &str) -> Response {
    go_with(to, done, Vec::new())
}

/// The same, with cookies of the caller's own.
pub fn go_with(to: &str, done: &str, mut cookies: Vec<Cookie<'static>>) -> Response {
    cookies.push(cookie(COOKIE, URL_SAFE_NO_PAD.encode(done), Some(Duration::minutes(1))));
    let mut response = Redirect::to(to).into_response();
    for cookie in cookies {
        match HeaderValue::from_str(&cookie.to_string()) {
            Ok(value) => drop(response.headers_mut().append(header::SET_COOKIE, value)),
            Err(error) => return Error::internal(error).into_response(),
        }
    }
    response
}

pub fn shown(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let bytes = URL_SAFE_NO_PAD.decode(jar.get(COOKIE)?.value()).ok()?;
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty() && text.len() <= 500)
}

/// A whole page has shown it; a fragment has not.
pub async fn forget_when_shown(request: Request, next: Next) -> Response {
    let given = request.method() == Method::GET && shown(request.headers()).is_some();
    let mut response = next.run(request).await;
    let page = response.status().is_success() && !response.headers().contains_key("keygate-fragment");
    if given
        && page
        && let Ok(value) =
            HeaderValue::from_str(&cookie(COOKIE, String::new(), Some(Duration::ZERO)).to_string())
    {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

const COOKIE: &str = "__Host-keygate_flash";
