//! `/bots…`: the list, one bot, and its virtual pair: shown once, in answer to the request that made it,
//! together with the lines to paste.

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
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Change, NewBot, Row, parse_name, parse_symbol};
use crate::{
    access_key,
    app::App,
    auth::{Client, Manage, May, Origin, Permission, View},
    connection,
    error::{Error, Result},
    http::body::{Id, Query},
    page::{Frame, Posted, Problems, filled, go, show, show_again},
    risk,
    user::StepUp,
};

mod connect;

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/bots", get(list))
        .route("/bots/new", get(ask).post(create))
        .route("/bots/{id}", get(one).post(change))
        .route("/bots/{id}/symbol/cancel", post(cancel))
        .route("/bots/{id}/delete", post(delete))
        .merge(connect::pages())
}

#[derive(Template)]
#[template(path = "bots.html")]
struct Bots {
    frame: Frame,
    bots: Vec<Row>,
}

#[derive(Template)]
#[template(path = "bot_new.html")]
struct New {
    frame: Frame,
    problems: Problems,
    connections: Vec<connection::Row>,
    given: NewIn,
}

#[derive(Template)]
#[template(path = "bot.html")]
struct One {
    frame: Frame,
    problems: Problems,
    bot: Row,
    /// What stands in the form.
    given: ChangeIn,
    keys: Vec<access_key::Row>,
    now: OffsetDateTime,
    /// Access keys that stand still.
    suspended: Vec<Uuid>,
    status: connect::Status,
}

impl One {
    fn is_suspended(&self, key: &Uuid) -> bool {
        self.suspended.contains(key)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NewIn {
    connection: String,
    name: String,
    symbol: String,
}

#[derive(Deserialize)]
struct ChangeIn {
    name: String,
    symbol: String,
    is_active: Option<String>,
    #[serde(default)]
    password: Option<SecretText>,
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct DeleteIn {
    typed: String,
}

async fn list(State(app): State<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    show(&Bots { frame: frame.of(&may), bots: super::list(&app, may.user()).await? })
}

async fn ask(
    State(app): State<Arc<App>>,
    may: May<View>,
    Query(given): Query<NewIn>,
    frame: Frame,
) -> Result<Response> {
    show(&form(&app, &may, frame, Problems::default(), given).await?)
}

async fn create(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    origin: Origin,
    frame: Frame,
    Posted(input): Posted<NewIn>,
) -> Result<Response> {
    let made = match input.parse() {
        Ok(new) => super::create(&app, may.user(), new, &origin).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(bot) => Ok(go(&format!("/bots/{}/connect", bot.id), "The bot is made. Give it a virtual pair.")),
        Err(error) => show_again(&error, &form(&app, &may, frame, Problems::of(&error), input).await?),
    }
}

async fn form<P: Permission>(
    app: &App,
    may: &May<P>,
    frame: Frame,
    problems: Problems,
    given: NewIn,
) -> Result<New> {
    let connections = connection::list(app, may.user()).await?;
    let connections = connections.into_iter().filter(|row| row.destroy_after.is_none()).collect();
    Ok(New { frame: frame.of(may), problems, connections, given })
}

async fn one(State(app): State<Arc<App>>, may: May<View>, Id(id): Id, frame: Frame) -> Result<Response> {
    show(&page(&app, &may, id, frame, Problems::default(), None).await?)
}

async fn page<P: Permission>(
    app: &App,
    may: &May<P>,
    id: Uuid,
    frame: Frame,
    problems: Problems,
    given: Option<ChangeIn>,
) -> Result<One> {
    let bot = super::find(app, may.user(), id).await?;
    let keys = access_key::list(app, may.user(), Some(id)).await?;
    let status = connect::status(app, may.user(), id).await?;
    let suspended = risk::list(app, may.user()).await?.into_iter();
    let suspended = suspended.filter(risk::Row::is_in_force).map(|row| row.access_key_id).collect();
    let given = given.unwrap_or_else(|| ChangeIn::of(&bot));
    Ok(One { frame: frame.of(may), problems, bot, given, keys, now: app.clock.now(), suspended, status })
}

async fn change(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(mut input): Posted<ChangeIn>,
) -> Result<Response> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: filled(input.password.take()) };
    let done = match input.parse() {
        Ok(change) => super::change(&app, id, change, step_up, &origin).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(bot) if bot.pending().is_some() => Ok(go(
            &format!("/bots/{id}"),
            "Saved. The symbol waits; below stands until when, and you can take it back.",
        )),
        Ok(_) => Ok(go(&format!("/bots/{id}"), "Saved.")),
        Err(error) => {
            let page = page(&app, &may, id, frame, Problems::of(&error), Some(input)).await?;
            show_again(&error, &page)
        }
    }
}

async fn cancel(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    origin: Origin,
    Id(id): Id,
    _form: Posted<Nothing>,
) -> Result<Response> {
    super::cancel(&app, may.user(), id, &origin).await?;
    Ok(go(&format!("/bots/{id}"), "Taken back. The symbol stays as it is."))
}

async fn delete(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    origin: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<DeleteIn>,
) -> Result<Response> {
    let bot = super::find(&app, may.user(), id).await?;
    if input.typed.trim() != bot.name {
        let error = Error::field("/typed", "needs the name of the bot");
        return show_again(&error, &page(&app, &may, id, frame, Problems::of(&error), None).await?);
    }
    super::delete(&app, may.user(), id, &origin).await?;
    Ok(go("/bots", &format!("{} is gone, and its virtual pairs with it.", bot.name)))
}

impl NewIn {
    fn parse(&self) -> Result<NewBot> {
        let connection = Uuid::parse_str(&self.connection);
        Ok(NewBot {
            connection: connection.map_err(|_| Error::field("/connection", "needs a connection"))?,
            name: parse_name(&self.name)?,
            symbol: parse_symbol(Some(self.symbol.clone()))?,
        })
    }

    fn chose(&self, id: &Uuid) -> bool {
        self.connection == id.to_string()
    }
}

impl ChangeIn {
    fn of(bot: &Row) -> Self {
        ChangeIn {
            name: bot.name.clone(),
            symbol: bot.symbol.clone().unwrap_or_default(),
            is_active: bot.is_active.then(|| "on".to_owned()),
            password: None,
        }
    }

    fn parse(&self) -> Result<Change> {
        Ok(Change {
            name: Some(parse_name(&self.name)?),
            symbol: Some(parse_symbol(Some(self.symbol.clone()))?),
            is_active: Some(self.is_active.is_some()),
        })
    }
}
