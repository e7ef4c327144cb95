//! `/admin/users`: accounts, for administrators. They see who there is, never what anybody owns.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Nothing, RegisterIn};
use crate::{
    app::App,
    auth::{Administer, May, Origin},
    error::Result,
    http::body::Id,
    page::{Frame, Posted, Problems, go, show, show_again},
    user::{self, NewUser, User},
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
    frame: Frame,
    Posted(input): Posted<RegisterIn>,
) -> Result<Response> {
    let made = match NewUser::parse(&input.email, &input.name, input.password) {
        Ok(new) => user::make(&app, new).await,
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
    let user = user::set_active(&app, may.user(), id, false, &origin).await?;
    Ok(go("/admin/users", &format!("{} has no access any more; their bots have stopped.", user.email)))
}

async fn reactivate(
    State(app): State<Arc<App>>,
    may: May<Administer>,
    origin: Origin,
    Id(id): Id,
    _form: Posted<Nothing>,
) -> Result<Response> {
    let user = user::set_active(&app, may.user(), id, true, &origin).await?;
    Ok(go("/admin/users", &format!("{} may sign in again.", user.email)))
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
