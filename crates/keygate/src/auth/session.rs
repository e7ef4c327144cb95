//! Page sessions: an opaque cookie whose SHA-256 is stored, idle 15 minutes, at most 12 hours. Forms carry
//! a token derived from the cookie, and unsafe requests must come from our own pages.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use http::{HeaderMap, Method};
use seal::{mac, token::Opaque};
use time::Duration;
use uuid::Uuid;

use super::{Caller, Client, Role, Via};
use crate::{
    app::App,
    error::{Code, Result},
};

pub const COOKIE: &str = "__Host-keygate_sid";
pub const DEVICE_COOKIE: &str = "__Host-keygate_device";

/// Opens a session for a user who has just proved who they are; the answer sets the cookie.
pub async fn open(app: &App, user: Uuid, client: &Client) -> Result<Cookie<'static>> {
    let token = Opaque::generate();
    let now = app.clock.now();
    let mut tx = app.db.user(user).await?;
    sqlx::query!(
        "select keygate.open_session($1, $2, $3, $4, $5, $6)",
        app.clock.id(),
        token.hash,
        now,
        now + ABSOLUTE,
        client.network(),
        client.agent
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(cookie(COOKIE, token.token.expose().to_owned(), None))
}

pub async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller> {
    let absent = || Code::Unauthorized.with("Sign in first.");
    let token = presented(headers).ok_or_else(absent)?;
    let mut tx = app.db.guest().await?;
    let row = sqlx::query!(
        r#"select session_id as "session_id!", user_id as "user_id!", email as "email!", name, role as "role!",
                  is_active as "is_active!", confirmed_at as "confirmed_at!"
           from keygate.find_session($1, $2, make_interval(secs => $3))"#,
        token,
        app.clock.now(),
        IDLE.as_seconds_f64()
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    let row = row.ok_or_else(absent)?;
    if !row.is_active {
        return Err(Code::Inactive.into());
    }
    Ok(Caller {
        user: row.user_id,
        email: row.email,
        name: row.name.unwrap_or_default(),
        role: Role::parse(&row.role),
        via: Via::Session { id: row.session_id, confirmed_at: row.confirmed_at },
    })
}

pub async fn close(app: &App, headers: &HeaderMap) -> Result<Cookie<'static>> {
    if let Some(token) = presented(headers) {
        let mut tx = app.db.guest().await?;
        sqlx::query!("select keygate.close_session($1)", token).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(cookie(COOKIE, String::new(), Some(Duration::ZERO)))
}

/// The token every form of this session carries. Before login it hangs on nothing but the key, and the
/// check of origin and `Sec-Fetch-Site` carries the weight.
pub fn form_token(app: &App, headers: &HeaderMap) -> String {
    data_encoding::HEXLOWER.encode(&mac::sign(&app.keys.csrf, form_subject(headers).as_bytes()))
}

/// Refuses an unsafe request that did not come from one of our own pages.
pub fn check_form(app: &App, headers: &HeaderMap, form_token: &str) -> Result<()> {
    let given = data_encoding::HEXLOWER.decode(form_token.as_bytes()).unwrap_or_default();
    match mac::verify(&app.keys.csrf, form_subject(headers).as_bytes(), &given) {
        true => Ok(()),
        false => Err(Code::CsrfFailed.with("Reload the page and send the form again.")),
    }
}

fn form_subject(headers: &HeaderMap) -> String {
    presented(headers).unwrap_or_else(|| "no session".to_owned())
}

/// Browsers say where a request comes from; what another site sent is refused before it is read.
pub fn check_origin(app: &App, method: &Method, headers: &HeaderMap) -> Result<()> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site_ok = text("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    let origin_ok = text("origin").is_none_or(|origin| {
        // Under `no-referrer` browsers hide the origin of our own forms too, and still say they are ours.
        if origin == "null" {
            return text("sec-fetch-site") == Some("same-origin");
        }
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        app.gate.hosts.iter().any(|host| host == authority)
    });
    match site_ok && origin_ok {
        true => Ok(()),
        false => Err(Code::CsrfFailed.with("The form was sent from another site.")),
    }
}

/// `Secure` holds on plain-HTTP loopback too: browsers treat it as trustworthy.
pub fn cookie(name: &'static str, value: String, max_age: Option<Duration>) -> Cookie<'static> {
    let mut cookie =
        Cookie::build((name, value)).path("/").http_only(true).secure(true).same_site(SameSite::Strict);
    if let Some(age) = max_age {
        cookie = cookie.max_age(age);
    }
    cookie.build()
}

/// The hash of the session cookie, if it has the form of one.
pub fn presented(headers: &HeaderMap) -> Option<String> {
    cookie_hash(headers, COOKIE)
}

pub fn cookie_hash(headers: &HeaderMap, name: &str) -> Option<String> {
    CookieJar::from_headers(headers).get(name).and_then(|cookie| Opaque::parse(cookie.value()).ok())
}

const IDLE: Duration = Duration::minutes(15);
const ABSOLUTE: Duration = Duration::hours(12);
