//! `/setup`, `/login`, `/logout`, `/register`.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::cookie::Cookie;
use http::{HeaderMap, HeaderValue};
use seal::SecretText;
use serde::Deserialize;
use time::Duration;
use uuid::Uuid;

use super::{Device, NewUser};
use crate::{
    app::App,
    auth::{Client, May, Origin, View, session},
    error::{Code, Error, Result},
    http::body::Query,
    page::{Frame, Next, Posted, Problems, go_with, show, show_again},
};

mod account;
mod accounts;

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/setup", get(setup).post(set_up))
        .route("/login", get(login).post(sign_in))
        .route("/logout", post(sign_out))
        .route("/register", get(registration).post(register))
        .merge(account::pages())
        .merge(accounts::pages())
}

#[derive(Template)]
#[template(path = "setup.html")]
struct Setup {
    frame: Frame,
    problems: Problems,
    /// Kept over a mistake in another field: the link's fragment is gone from the address by then.
    token: Option<SecretText>,
    email: String,
    name: String,
}

#[derive(Deserialize)]
struct SetupIn {
    token: SecretText,
    email: String,
    name: String,
    password: SecretText,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    problems: Problems,
    email: String,
    next: Next,
    registration_open: bool,
}

/// Where the visitor wanted to go before being asked who they are.
#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    next: Next,
}

#[derive(Deserialize)]
struct LoginIn {
    email: String,
    password: SecretText,
    #[serde(default)]
    next: Next,
}

#[derive(Template)]
#[template(path = "register.html")]
struct Register {
    frame: Frame,
    problems: Problems,
    email: String,
    name: String,
}

#[derive(Deserialize)]
struct RegisterIn {
    email: String,
    name: String,
    password: SecretText,
}

async fn setup(State(app): State<Arc<App>>, frame: Frame) -> Result<Response> {
    if super::is_set_up(&app).await? {
        return Ok(Redirect::to("/login").into_response());
    }
    let problems = Problems::default();
    show(&Setup { frame, problems, token: None, email: String::new(), name: String::new() })
}

async fn set_up(
    State(app): State<Arc<App>>,
    client: Client,
    frame: Frame,
    Posted(input): Posted<SetupIn>,
) -> Result<Response> {
    let link = SecretText::from(input.token.expose().trim().to_owned());
    let made = match NewUser::parse(&input.email, &input.name, input.password) {
        Ok(new) => super::set_up(&app, &link, new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(owner) => welcome(&app, owner, &client, "Your account is ready.").await,
        Err(error) => {
            let problems = Problems::of(&error);
            show_again(
                &error,
                &Setup { frame, problems, token: Some(link), email: input.email, name: input.name },
            )
        }
    }
}

async fn login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(Wish { next }): Query<Wish>,
    frame: Frame,
) -> Result<Response> {
    if session::caller(&app, &headers).await.is_ok() {
        return Ok(Redirect::to(next.address()).into_response());
    }
    let registration_open = app.config.registration.open;
    show(&Login { frame, problems: Problems::default(), email: String::new(), next, registration_open })
}

async fn sign_in(
    State(app): State<Arc<App>>,
    client: Client,
    origin: Origin,
    headers: HeaderMap,
    frame: Frame,
    Posted(input): Posted<LoginIn>,
) -> Result<Response> {
    let device = session::cookie_hash(&headers, session::DEVICE_COOKIE);
    match super::sign_in(&app, &input.email, input.password, &client, &origin, device.as_deref()).await {
        Ok(user) => {
            let mut cookies = vec![session::open(&app, user, &client).await?];
            cookies.extend(device_cookie(&super::remember_device(&app, user, device).await?));
            Ok(go_with(input.next.address(), "", cookies))
        }
        Err(error) => again(&app, frame, input.email, input.next, &error),
    }
}

fn again(app: &App, frame: Frame, email: String, next: Next, error: &Error) -> Result<Response> {
    let registration_open = app.config.registration.open;
    show_again(error, &Login { frame, problems: Problems::of(error), email, next, registration_open })
}

/// Marks this browser as one the user signed in from: its attempts are counted apart from strangers'.
fn device_cookie(device: &Device) -> Option<Cookie<'static>> {
    let token = device.cookie.as_ref()?;
    Some(session::cookie(session::DEVICE_COOKIE, token.expose().to_owned(), Some(DEVICE_LIFE)))
}

async fn sign_out(
    State(app): State<Arc<App>>,
    _may: May<View>,
    headers: HeaderMap,
    _form: Posted<Nothing>,
) -> Result<Response> {
    let cookie = session::close(&app, &headers).await?;
    let mut response = go_with("/login", "You are signed out.", vec![cookie]);
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"storage\""));
    Ok(response)
}

async fn registration(State(app): State<Arc<App>>, frame: Frame) -> Result<Response> {
    if !app.config.registration.open {
        return Err(Code::RegistrationClosed.with("Ask the owner of this Keygate for an account."));
    }
    show(&Register { frame, problems: Problems::default(), email: String::new(), name: String::new() })
}

async fn register(
    State(app): State<Arc<App>>,
    client: Client,
    frame: Frame,
    Posted(input): Posted<RegisterIn>,
) -> Result<Response> {
    let made = match NewUser::parse(&input.email, &input.name, input.password) {
        Ok(new) => super::register(&app, new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(user) => welcome(&app, user, &client, "Your account is ready.").await,
        Err(error) => {
            let problems = Problems::of(&error);
            show_again(&error, &Register { frame, problems, email: input.email, name: input.name })
        }
    }
}

async fn welcome(app: &App, user: Uuid, client: &Client, done: &str) -> Result<Response> {
    Ok(go_with("/", done, vec![session::open(app, user, client).await?]))
}

/// A form with a token and nothing else.
#[derive(Deserialize)]
struct Nothing {}

const DEVICE_LIFE: Duration = Duration::days(400);
