//! `/connections/new/own-key` and `/connections/own-keys/{id}`: a key made here, its public half to paste, and the
//! field for the API key that comes for it. The private half is on no page.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{Redirect, Response},
    routing::{get, post},
};
use exchange::Definition;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    super::{Allow, ExchangeKey, NewConnection, Row, add, own_key, parse_name},
    check::{Step, steps},
    wizard::Wizard,
};
use crate::{
    app::App,
    auth::{Manage, May, Origin, View},
    error::{Code, Error, Result},
    http::body::Id,
    page::{Frame, Posted, Problems, go, show, show_again},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/connections/new/own-key", get(back).post(make))
        .route("/connections/own-keys/{id}", get(one).post(complete))
        .route("/connections/own-keys/{id}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "own_key.html")]
struct Waiting {
    frame: Frame,
    problems: Problems,
    definition: Arc<Definition>,
    key: own_key::Row,
    paste: String,
    given: Given,
    steps: Vec<Step>,
}

/// What was typed; none of it is secret.
struct Given {
    name: String,
    api_key: String,
    trade: bool,
}

#[derive(Deserialize)]
struct MakeIn {
    exchange: String,
    environment: String,
    kind: String,
}

#[derive(Deserialize)]
struct CompleteIn {
    name: String,
    api_key: String,
    trade: Option<String>,
    accept_withdraw: Option<String>,
}

#[derive(Deserialize)]
struct Nothing {}

/// Whoever loads the answer to a form anew.
async fn back(_may: May<View>) -> Redirect {
    Redirect::to("/connections/new")
}

async fn make(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    frame: Frame,
    Posted(input): Posted<MakeIn>,
) -> Result<Response> {
    let definition = app.exchanges.get(&input.exchange).ok_or(Code::NotFound)?;
    let new =
        own_key::NewOwnKey { exchange: input.exchange, environment: input.environment, kind: input.kind };
    match own_key::make(&app, may.user(), new, &request).await {
        Ok(made) => Ok(go(&address(made.id), "Made: the private half is sealed, the public half is below.")),
        Err(error) => {
            let wizard = Wizard::new(frame.of(&may), definition);
            show_again(&error, &wizard.refused(Problems::of(&error)))
        }
    }
}

async fn one(State(app): State<Arc<App>>, may: May<View>, Id(id): Id, frame: Frame) -> Result<Response> {
    let key = own_key::find(&app, may.user(), id).await?;
    show(&Waiting::new(&app, frame.of(&may), key)?)
}

async fn complete(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<CompleteIn>,
) -> Result<Response> {
    let key = own_key::find(&app, may.user(), id).await?;
    let given = Given {
        name: input.name.clone(),
        api_key: input.api_key.trim().to_owned(),
        trade: input.trade.is_some(),
    };
    match connect(&app, may.user(), &key, input, &request).await {
        Ok(row) => Ok(go(
            &format!("/connections/{}", row.id),
            "Connected: the exchange knows this key, and its secret was never anywhere but here.",
        )),
        Err(error) => {
            let page = Waiting::new(&app, frame.of(&may), key)?;
            let again = Waiting { problems: Problems::of(&error), steps: steps(&error), given, ..page };
            show_again(&error, &again)
        }
    }
}

async fn delete(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    _form: Posted<Nothing>,
) -> Result<Response> {
    own_key::delete(&app, may.user(), id, &request).await?;
    Ok(go("/connections", "Destroyed. Delete the key at the exchange too, if it is there."))
}

async fn connect(
    app: &App,
    user: Uuid,
    key: &own_key::Row,
    input: CompleteIn,
    request: &Origin,
) -> Result<Row> {
    let name = parse_name(Some(&input.name))?;
    let secret = own_key::open(app, user, key.id, &key.exchange, &key.environment).await?;
    let new = NewConnection {
        exchange: key.exchange.clone(),
        environment: key.environment.clone(),
        name,
        label: None,
        key: ExchangeKey {
            api_key: input.api_key.trim().to_owned(),
            secret,
            passphrase: None,
            options: exchange::Options::default(),
        },
        own_key: Some(key.id),
        allow: Allow { trade: input.trade.is_some(), ..Allow::default() },
        accept_withdraw: input.accept_withdraw.is_some(),
    };
    add(app, user, new, request).await
}

impl Waiting {
    fn new(app: &App, frame: Frame, key: own_key::Row) -> Result<Self> {
        let definition = app.exchanges.get(&key.exchange).ok_or(Code::NotFound)?.clone();
        let given = Given { name: "Primary".to_owned(), api_key: String::new(), trade: false };
        let paste = own_key::paste(app, &key);
        Ok(Waiting { frame, problems: Problems::default(), definition, paste, key, given, steps: Vec::new() })
    }

    fn asks_about_withdrawals(&self) -> bool {
        asks_about_withdrawals(&self.problems)
    }
}

pub fn asks_about_withdrawals(problems: &Problems) -> bool {
    problems.0.as_ref().is_some_and(|error: &Error| error.code == Code::WithdrawAllowed)
}

fn address(id: Uuid) -> String {
    format!("/connections/own-keys/{id}")
}
