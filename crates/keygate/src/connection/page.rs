//! `/connections…`: the list, the wizard that adds one, and everything about one.

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

use super::{Change, ConnectionOut, Deletion, parse_label, parse_name, store::Generation};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, Permission, View},
    bot,
    error::{Error, Result},
    http::body::Id,
    page::{Frame, Posted, Problems, filled, go, show, show_again},
    user::StepUp,
};

mod check;
mod own_key;
mod wizard;

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/connections", get(list))
        .route("/connections/{id}", get(one).post(change))
        .route("/connections/{id}/check", post(check))
        .route("/connections/{id}/pause", post(pause))
        .route("/connections/{id}/resume", post(resume))
        .route("/connections/{id}/delete", get(ask_to_delete).post(delete))
        .route("/connections/{id}/restore", post(restore))
        .merge(own_key::pages())
        .merge(wizard::pages())
}

#[derive(Template)]
#[template(path = "connections.html")]
struct Connections {
    frame: Frame,
    connections: Vec<ConnectionOut>,
    /// Keys made here that wait for their API key.
    waiting: Vec<super::own_key::Row>,
}

#[derive(Template)]
#[template(path = "connection.html")]
struct One {
    frame: Frame,
    problems: Problems,
    connection: ConnectionOut,
    /// What stands in the form.
    given: ChangeIn,
    generations: Vec<Generation>,
    bots: Vec<bot::Row>,
}

#[derive(Template)]
#[template(path = "connection_delete.html")]
struct Delete {
    frame: Frame,
    problems: Problems,
    connection: ConnectionOut,
    preview: Deletion,
}

#[derive(Deserialize)]
struct ChangeIn {
    name: String,
    label: String,
    is_default: Option<String>,
}

#[derive(Deserialize)]
struct DeleteIn {
    typed: String,
}

#[derive(Deserialize)]
struct RestoreIn {
    #[serde(default)]
    password: Option<SecretText>,
}

#[derive(Deserialize)]
struct Nothing {}

async fn list(State(app): State<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    let rows = super::list(&app, may.user()).await?;
    let waiting = super::own_key::list(&app, may.user()).await?;
    let connections = rows.into_iter().map(Into::into).collect();
    show(&Connections { frame: frame.of(&may), connections, waiting })
}

async fn one(State(app): State<Arc<App>>, may: May<View>, Id(id): Id, frame: Frame) -> Result<Response> {
    show(&page(&app, &may, id, frame, Problems::default(), None).await?)
}

async fn page<P: Permission>(
    app: &App,
    may: &May<P>,
    id: uuid::Uuid,
    frame: Frame,
    problems: Problems,
    given: Option<ChangeIn>,
) -> Result<One> {
    let connection = ConnectionOut::from(super::find(app, may.user(), id).await?);
    let given = given.unwrap_or_else(|| ChangeIn::of(&connection));
    let generations = super::generations(app, may.user(), id).await?;
    let bots = bot::list(app, may.user()).await?.into_iter().filter(|bot| bot.connection_id == id).collect();
    Ok(One { frame: frame.of(may), problems, connection, given, generations, bots })
}

async fn change(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<ChangeIn>,
) -> Result<Response> {
    let done = match input.parse() {
        Ok(change) => super::change(&app, may.user(), id, change, &request).await.map(drop),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(go(&address(id), "Saved.")),
        Err(error) => {
            let page = page(&app, &may, id, frame, Problems::of(&error), Some(input)).await?;
            show_again(&error, &page)
        }
    }
}

async fn check(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    frame: Frame,
    _form: Posted<Nothing>,
) -> Result<Response> {
    match super::check(&app, may.user(), id, &request).await {
        Ok(_) => Ok(go(&address(id), "Checked at the exchange just now: the key works.")),
        Err(error) => show_again(&error, &page(&app, &may, id, frame, Problems::of(&error), None).await?),
    }
}

async fn pause(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    _form: Posted<Nothing>,
) -> Result<Response> {
    super::pause(&app, may.user(), id, &request).await?;
    Ok(go(&address(id), "Paused. Nothing is signed with this key until you resume it."))
}

async fn resume(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    _form: Posted<Nothing>,
) -> Result<Response> {
    super::resume(&app, may.user(), id, &request).await?;
    Ok(go(&address(id), "Resumed. Bots can use this key again."))
}

async fn ask_to_delete(
    State(app): State<Arc<App>>,
    may: May<View>,
    Id(id): Id,
    frame: Frame,
) -> Result<Response> {
    show(&deletion(&app, &may, id, frame, Problems::default()).await?)
}

async fn deletion<P: Permission>(
    app: &App,
    may: &May<P>,
    id: uuid::Uuid,
    frame: Frame,
    problems: Problems,
) -> Result<Delete> {
    let row = super::find(app, may.user(), id).await?;
    row.live_key()?;
    let preview = super::preview(app, may.user(), &row).await?;
    Ok(Delete { frame: frame.of(may), problems, connection: row.into(), preview })
}

/// Only with the name typed: the reader has seen which bots stop.
async fn delete(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<DeleteIn>,
) -> Result<Response> {
    let row = super::find(&app, may.user(), id).await?;
    if input.typed.trim() != row.name {
        let error = Error::field("/typed", "needs the name of the connection, as it is written above");
        return show_again(&error, &deletion(&app, &may, id, frame, Problems::of(&error)).await?);
    }
    super::delete(&app, may.user(), &row, &request).await?;
    Ok(go(&address(id), "Disabled now, destroyed in seven days. Until then you can restore it here."))
}

async fn restore(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<RestoreIn>,
) -> Result<Response> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: filled(input.password) };
    match super::restore(&app, id, step_up, &request).await {
        Ok(_) => Ok(go(&address(id), "Restored and paused. Look it over, then resume it.")),
        Err(error) => show_again(&error, &page(&app, &may, id, frame, Problems::of(&error), None).await?),
    }
}

impl One {
    /// Action, what the key may do at the exchange, what bots may do here.
    fn rights(&self) -> [(&'static str, &'static str, &'static str); 4] {
        let word = |given| if given { "yes" } else { "no" };
        let known = self.connection.exchange_permissions.as_ref();
        let theirs = |given: Option<bool>| given.map_or("not told", word);
        let ours = &self.connection.permissions;
        [
            ("Read", theirs(known.and_then(|known| known.read)), word(ours.read)),
            ("Trade", theirs(known.and_then(|known| known.trade)), word(ours.trade)),
            ("Transfer", theirs(known.and_then(|known| known.transfer)), word(ours.transfer)),
            ("Withdraw", theirs(known.and_then(|known| known.withdraw)), word(ours.withdraw)),
        ]
    }
}

impl ChangeIn {
    fn of(connection: &ConnectionOut) -> Self {
        ChangeIn {
            name: connection.name.clone(),
            label: connection.label.clone().unwrap_or_default(),
            is_default: connection.is_default.then(|| "on".to_owned()),
        }
    }

    fn parse(&self) -> Result<Change> {
        Ok(Change {
            name: Some(parse_name(Some(&self.name))?),
            label: parse_label(Some(self.label.clone()))?,
            // The default can be moved to another connection, not taken away.
            is_default: self.is_default.as_ref().map(|_| true),
        })
    }
}

impl ConnectionOut {
    /// Colour and word of its state.
    fn state(&self) -> (&'static str, &'static str) {
        match (self.status.as_str(), self.verification_status.as_deref()) {
            ("deleted", _) => ("bad", "deleted"),
            ("paused", _) => ("warn", "paused"),
            (_, Some("failed")) => ("bad", "check failed"),
            _ => ("ok", "active"),
        }
    }

    /// What its bots may do, in words.
    fn allowed(&self) -> String {
        let given = [
            (self.permissions.read, "read"),
            (self.permissions.trade, "trade"),
            (self.permissions.transfer, "transfer"),
            (self.permissions.withdraw, "withdraw"),
        ];
        given.into_iter().filter(|(yes, _)| *yes).map(|(_, word)| word).collect::<Vec<_>>().join(", ")
    }
}

fn address(id: uuid::Uuid) -> String {
    format!("/connections/{id}")
}
