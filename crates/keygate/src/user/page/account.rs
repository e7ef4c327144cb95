//! `/account`: a new password, and the end of all other sign-ins.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use seal::SecretText;
use serde::Deserialize;

use super::Nothing;
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, View, session},
    error::Result,
    page::{Frame, Posted, Problems, filled, go_with, show, show_again},
    user::{self, StepUp},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/account", get(one))
        .route("/account/password", post(change))
        .route("/account/sign-ins/end", post(end))
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    problems: Problems,
    email: String,
}

#[derive(Deserialize)]
struct PasswordIn {
    #[serde(default)]
    password: Option<SecretText>,
    new_password: SecretText,
}

async fn one(may: May<View>, frame: Frame) -> Result<Response> {
    let email = may.caller.email.clone();
    show(&Account { frame: frame.of(&may), problems: Problems::default(), email })
}

async fn change(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    frame: Frame,
    Posted(input): Posted<PasswordIn>,
) -> Result<Response> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: filled(input.password) };
    match user::change_password(&app, input.new_password, step_up, &origin).await {
        Ok(()) => anew(&app, &may, &client, "Your password is changed. All other sign-ins have ended.").await,
        Err(error) => {
            let email = may.caller.email.clone();
            show_again(&error, &Account { frame: frame.of(&may), problems: Problems::of(&error), email })
        }
    }
}

async fn end(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    _form: Posted<Nothing>,
) -> Result<Response> {
    user::end_sign_ins(&app, &may.caller, &origin).await?;
    anew(&app, &may, &client, "All other sign-ins have ended.").await
}

/// The session that asked has ended with the others.
async fn anew(app: &App, may: &May<Manage>, client: &Client, done: &str) -> Result<Response> {
    Ok(go_with("/account", done, vec![session::open(app, may.user(), client).await?]))
}
