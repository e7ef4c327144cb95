//! Server-rendered pages: the frame around them, and what every one of them does the same way. Each feature's
//! own pages stand in its folder.
//!
//! Always holds: everything works without script; nothing is inline, so the content policy can forbid it; a
//! form is read only through [`Posted`], which refuses one that our own page did not make; a secret is on a
//! page once, in answer to the request that made it.

use std::{convert::Infallible, sync::Arc};

use askama::Template;
use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts};

use crate::{
    access_key, activity, alert,
    app::App,
    auth::{Caller, May, session},
    bot, connection,
    error::{Code, Error, Result},
    limits, panic, risk, unsettled, user,
};

mod assets;
mod flash;
mod form;
mod home;
mod keyboard;
mod next;
mod problem;
mod reference;
mod setting;
pub mod text;
mod theme;

pub use assets::url as asset;
pub use flash::{go, go_with};
pub use form::{Posted, Problems, filled};
pub use next::Next;
pub use theme::Theme;

/// What the layout shows around a page.
pub struct Frame {
    /// Nobody on the pages before signing in.
    pub person: Option<Caller>,
    pub form_token: String,
    /// The outcome of the form that led here.
    pub flash: Option<String>,
    pub theme: Theme,
    /// Single letters are not turned off.
    pub letters: bool,
    path: String,
    /// Where the reader can come back to; nowhere on the answer to a form, which may show a secret for the
    /// only time.
    back: Option<Next>,
}

/// Every page, one line each.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(home::routes())
        .merge(user::pages())
        .merge(connection::pages())
        .merge(limits::pages())
        .merge(panic::pages())
        .merge(risk::pages())
        .merge(unsettled::pages())
        .merge(bot::pages())
        .merge(access_key::pages())
        .merge(activity::pages())
        .merge(alert::pages())
        .merge(problem::routes())
        .merge(reference::routes())
        .merge(theme::routes())
        .merge(keyboard::routes())
        .layer(middleware::from_fn(flash::forget_when_shown))
        .route("/assets/{file}", get(assets::serve))
}

/// Does this request come from a person's browser, so that errors are pages?
pub fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    !path.starts_with("/api/") && !path.starts_with("/x/") && accept.contains("text/html")
}

/// An error as a page; who is not signed in is led to the door, and from there to where they wanted to go.
pub fn failure(frame: Frame, error: &Error, request_id: &str) -> Response {
    if error.code == Code::Unauthorized {
        return match frame.back {
            Some(back) => Redirect::to(&back.login()).into_response(),
            None => lost(&frame.path),
        };
    }
    let page = Failure { frame, error, request_id };
    page.render().map_or_else(|_| error.status.into_response(), |text| answer(error.status, text))
}

/// A form that came after its session had ended has done nothing, which its sender must not take for done.
fn lost(path: &str) -> Response {
    match path {
        "/panic" => go(&Next::parse(path).login(), "Nothing was stopped: sign in first."),
        "/logout" => go("/login", "You are signed out."),
        _ => go("/login", "Nothing was done: sign in first, then send the form again."),
    }
}

/// A page that is as it should be.
pub fn show(page: &impl Template) -> Result<Response> {
    page.render().map(|text| answer(http::StatusCode::OK, text)).map_err(Error::internal)
}

/// The same form again, with what is wrong in it.
pub fn show_again(error: &Error, page: &impl Template) -> Result<Response> {
    page.render().map(|text| answer(error.status, text)).map_err(Error::internal)
}

fn answer(status: http::StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Failure<'a> {
    frame: Frame,
    error: &'a Error,
    request_id: &'a str,
}

impl Frame {
    /// Before anything is known about who asks: all that an error needs.
    pub fn bare(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let address = uri.path_and_query().map_or("", |address| address.as_str());
        Frame {
            person: None,
            form_token: String::new(),
            flash: None,
            theme: Theme::chosen(headers),
            letters: keyboard::letters(headers),
            path: uri.path().to_owned(),
            back: (method == Method::GET).then(|| Next::parse(address)),
        }
    }

    /// The frame for somebody who is signed in.
    pub fn of<P>(mut self, may: &May<P>) -> Self {
        self.person = Some(may.caller.clone());
        self
    }

    /// On pages that are open to everybody: who is signed in keeps the navigation.
    pub async fn of_whoever(mut self, app: &App, headers: &HeaderMap) -> Self {
        self.person = session::caller(app, headers).await.ok();
        self
    }

    /// Also where something went wrong, who is signed in can stop everything. Nobody is asked for where the database is away, or
    /// where the answer leads to the door.
    pub async fn of_failure(self, app: &App, headers: &HeaderMap, error: &Error) -> Self {
        if [Code::Unauthorized, Code::Unavailable].contains(&error.code) {
            return self;
        }
        let frame = self.of_whoever(app, headers).await;
        let form_token = frame.person.as_ref().map(|_| session::form_token(app, headers)).unwrap_or_default();
        Frame { form_token, ..frame }
    }

    /// Where the form for the theme leads back to, if it can stand on this page.
    pub fn back(&self) -> Option<&str> {
        self.back.as_ref().filter(|_| !self.form_token.is_empty()).map(Next::address)
    }

    /// May a single letter lead away from this page?
    pub fn jumps(&self) -> bool {
        self.letters && self.back.is_some()
    }

    /// For the link in the navigation that leads to where the reader is.
    pub fn here(&self, path: &str) -> &'static str {
        let inside = match path {
            "/" => self.path == "/",
            _ => self.path == path || self.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')),
        };
        if inside { "page" } else { "false" }
    }
}

impl FromRequestParts<Arc<App>> for Frame {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Frame {
            form_token: session::form_token(app, &parts.headers),
            flash: flash::shown(&parts.headers),
            ..Frame::bare(&parts.method, &parts.uri, &parts.headers)
        })
    }
}
