//! `/admin/users`: accounts, for administrators. They see who there is, never what anybody owns.

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
use uuid::Uuid;

use super::Nothing;
use crate::{
    app::App,
    auth::{Administer, Client, May, Origin},
    error::Result,
    http::body::Id,
    page::{Frame, Posted, Problems, filled, go, show, show_again},
    user::{self, NewUser, StepUp, User},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/users", get(list).post(create))
        .route("/admin/users/{id}/deactivate", post(deactivate))
        .route("/admin/users/{id}/reactivate", post(reactivate))
}

#[derive(Template)]
#[template(path = "users.html")]
struct Accounts {
    frame: Frame,
    problems: Problems,
    users: Vec<User>,
    me: Uuid,
    given: Given,
}

#[derive(Deserialize)]
struct AccountIn {
    email: String,
    name: String,
    password: SecretText,
    #[serde(default)]
    your_password: Option<SecretText>,
}

#[derive(Deserialize)]
struct ReactivateIn {
    #[serde(default)]
    password: Option<SecretText>,
}

/// What was typed, without the password.
#[derive(Default, Deserialize)]
struct Given {
    email: String,
    name: String,
}

async fn list(State(app): State<Arc<App>>, may: May<Administer>, frame: Frame) -> Result<Response> {
    show(&accounts(&app, &may, frame, Problems::default(), Given::default()).await?)
}

async fn create(
    State(app): State<Arc<App>>,
    may: May<Administer>,
    client: Client,
    origin: Origin,
    frame: Frame,
    Posted(input): Posted<AccountIn>,
) -> Result<Response> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: filled(input.your_password) };
    let made = match NewUser::parse(&input.email, &input.name, input.password) {
        Ok(new) => user::make_for(&app, new, step_up, &origin).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(_) => Ok(go("/admin/users", "The account is made. Tell its holder the password.")),
        Err(error) => {
            let given = Given { email: input.email, name: input.name };
            show_again(&error, &accounts(&app, &may, frame, Problems::of(&error), given).await?)
        }
    }
}

async fn deactivate(
    State(app): State<Arc<App>>,
    may: May<Administer>,
    origin: Origin,
    Id(id): Id,
    _form: Posted<Nothing>,
) -> Result<Response> {
    let user = user::deactivate(&app, may.user(), id, &origin).await?;
    Ok(go("/admin/users", &format!("{} has no access any more; their bots have stopped.", user.email)))
}

async fn reactivate(
    State(app): State<Arc<App>>,
    may: May<Administer>,
    client: Client,
    origin: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<ReactivateIn>,
) -> Result<Response> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: filled(input.password) };
    match user::reactivate(&app, id, step_up, &origin).await {
        Ok(user) => Ok(go("/admin/users", &format!("{} may sign in again.", user.email))),
        Err(error) => {
            let page = accounts(&app, &may, frame, Problems::of(&error), Given::default()).await?;
            show_again(&error, &page)
        }
    }
}

async fn accounts(
    app: &App,
    may: &May<Administer>,
    frame: Frame,
    problems: Problems,
    given: Given,
) -> Result<Accounts> {
    let users = user::list(app, may.user()).await?;
    Ok(Accounts { frame: frame.of(may), problems, users, me: may.user(), given })
}
