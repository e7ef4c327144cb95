//! `/bots/{id}/connect`: make a virtual pair and paste the lines; the page turns green at the first call.
//!
//! The form that makes a pair carries the pair's id. Sending it again, as a reload does, finds the id taken:
//! no second pair is made, and the first is not shown again.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use exchange::Definition;
use http::HeaderValue;
use seal::SecretText;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    access_key::{self, Bounds, Issued, NewPair, PAIR_DAYS, Pair},
    activity::{self, Entry},
    app::App,
    auth::{Client, Manage, May, Origin, Permission, View},
    bot,
    error::{Code, Result},
    http::body::Id,
    page::{Frame, Posted, Problems, filled, go, show, show_again},
    snippet::{Access, Program, variables},
    user::{StepUp, is_fresh},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/bots/{id}/connect", get(ask).post(make))
        .route("/bots/{id}/status", get(fragment))
        .route("/bots/{id}/keys/revoke", post(revoke))
}

/// What the bot did last; nothing yet means waiting.
#[derive(Template)]
#[template(path = "status.html")]
pub struct Status {
    pub bot: Uuid,
    pub last: Option<Entry>,
}

#[derive(Template)]
#[template(path = "connect.html")]
struct Ask {
    frame: Frame,
    problems: Problems,
    bot: bot::Row,
    pair_id: Uuid,
    status: Status,
    /// What the connection allows, and whether it is ticked.
    scopes: Vec<(String, bool)>,
    name: String,
    expires_in_days: String,
    allowed_ip_addresses: String,
    honey: bool,
    /// The last sign-in is too long ago to make a pair that may do more than read.
    asks_password: bool,
}

#[derive(Template)]
#[template(path = "pair.html")]
struct Once {
    frame: Frame,
    bot: bot::Row,
    pair: Pair,
    /// The variables that hold the key, the secret and the passphrase.
    names: [String; 3],
    scopes: String,
    snippets: Vec<Snippet>,
    gate: String,
    status: Status,
}

/// A program's lines, with the pair's secret left to an environment variable: a page holds a secret once.
struct Snippet {
    title: &'static str,
    text: SecretText,
}

#[derive(Deserialize)]
struct MakeIn {
    pair_id: Uuid,
    name: String,
    read: Option<String>,
    trade: Option<String>,
    transfer: Option<String>,
    withdraw: Option<String>,
    honey: Option<String>,
    #[serde(default = "longest")]
    expires_in_days: String,
    #[serde(default)]
    allowed_ip_addresses: String,
    #[serde(default)]
    password: Option<SecretText>,
}

#[derive(Deserialize)]
struct RevokeIn {
    key: Uuid,
}

/// What moves money out of the account is ticked by nobody but the reader.
async fn ask(State(app): State<Arc<App>>, may: May<View>, Id(id): Id, frame: Frame) -> Result<Response> {
    let bot = bot::find(&app, may.user(), id).await?;
    let ticked = ["read", "trade"].map(str::to_owned);
    show(&form(&app, &may, bot, frame, &ticked).await?)
}

async fn form<P: Permission>(
    app: &App,
    may: &May<P>,
    bot: bot::Row,
    frame: Frame,
    ticked: &[String],
) -> Result<Ask> {
    let scopes = access_key::grantable(app, may.user(), &bot).await?.into_iter();
    Ok(Ask {
        frame: frame.of(may),
        problems: Problems::default(),
        pair_id: app.clock.id(),
        status: status(app, may.user(), bot.id).await?,
        scopes: scopes.map(|scope| (scope.clone(), ticked.contains(&scope))).collect(),
        name: String::new(),
        expires_in_days: longest(),
        allowed_ip_addresses: String::new(),
        honey: false,
        asks_password: bot.connection_is_used || !is_fresh(app, &may.caller),
        bot,
    })
}

async fn make(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    Id(id): Id,
    origin: Origin,
    frame: Frame,
    Posted(mut input): Posted<MakeIn>,
) -> Result<Response> {
    let bot = bot::find(&app, may.user(), id).await?;
    let step_up = StepUp { caller: &may.caller, client: &client, password: filled(input.password.take()) };
    let made = match input.parse(&app) {
        Ok(new) => access_key::create_for_bot(&app, &bot, new, step_up, &origin).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(issued) => once(&app, &may, bot, frame, issued).await,
        Err(error) => {
            let asked = form(&app, &may, bot, frame, &input.ticked()).await?;
            let asked = Ask {
                problems: Problems::of(&error),
                name: input.name,
                expires_in_days: input.expires_in_days,
                allowed_ip_addresses: input.allowed_ip_addresses,
                honey: input.honey.is_some(),
                ..asked
            };
            show_again(&error, &asked)
        }
    }
}

async fn once(app: &App, may: &May<Manage>, bot: bot::Row, frame: Frame, issued: Issued) -> Result<Response> {
    let pair = issued.pair.ok_or(Code::NotFound)?;
    let definition = app.exchanges.get(&bot.exchange).ok_or(Code::NotFound)?;
    let url = app.config.public_url.trim_end_matches('/');
    show(&Once {
        frame: frame.of(may),
        scopes: issued.row.scopes.join(", "),
        snippets: snippets(url, definition, &pair),
        gate: format!("{url}/x/{}", bot.exchange),
        names: variables(&bot.exchange),
        status: status(app, may.user(), bot.id).await?,
        bot,
        pair,
    })
}

async fn revoke(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Id(id): Id,
    origin: Origin,
    Posted(input): Posted<RevokeIn>,
) -> Result<Response> {
    bot::find(&app, may.user(), id).await?;
    access_key::revoke(&app, may.user(), input.key, &origin).await?;
    Ok(go(&format!("/bots/{id}"), "Revoked. Calls with it are refused from now on."))
}

/// The part that changes, for a script that looks again and again.
async fn fragment(State(app): State<Arc<App>>, may: May<View>, Id(id): Id) -> Result<Response> {
    bot::find(&app, may.user(), id).await?;
    let mut response = show(&status(&app, may.user(), id).await?)?;
    response.headers_mut().insert("keygate-fragment", HeaderValue::from_static("status"));
    Ok(response)
}

pub async fn status(app: &App, user: Uuid, bot: Uuid) -> Result<Status> {
    let filter = activity::Filter { bot: Some(bot), ..activity::Filter::default() };
    let entries = activity::page(app, user, &filter, LATEST).await?.entries;
    // what was done to its keys is no call
    Ok(Status { bot, last: entries.into_iter().find(|entry| entry.method.is_some()) })
}

impl MakeIn {
    fn parse(&self, app: &App) -> Result<NewPair> {
        let name = access_key::parse_name(Some(self.name.clone()))?;
        let bounds = Bounds::of_form(app, &self.expires_in_days, &self.allowed_ip_addresses)?;
        let honey = self.honey.is_some();
        Ok(NewPair { id: self.pair_id, name, scopes: Some(self.ticked()), honey, bounds })
    }

    fn ticked(&self) -> Vec<String> {
        let boxes = [
            ("read", &self.read),
            ("trade", &self.trade),
            ("transfer", &self.transfer),
            ("withdraw", &self.withdraw),
        ];
        boxes.into_iter().filter(|(_, ticked)| ticked.is_some()).map(|(scope, _)| scope.to_owned()).collect()
    }
}

impl Ask {
    /// What a scope lets a program do.
    fn meaning(scope: &str) -> &'static str {
        match scope {
            "read" => "look at balances and orders",
            "trade" => "place and cancel orders",
            "transfer" => "move money inside the exchange",
            _ => "send money away; needs a signature of the pair",
        }
    }
}

fn snippets(url: &str, definition: &Definition, pair: &Pair) -> Vec<Snippet> {
    let [_, secret, passphrase] = variables(definition.id()).map(|name| format!("${name}"));
    let access = Access {
        base_url: url,
        definition,
        key: &pair.key,
        secret: &secret,
        passphrase: pair.passphrase.as_ref().map(|_| &*passphrase),
    };
    let written =
        |program: Program| Some(Snippet { title: program.title(), text: program.text(access)?.into() });
    Program::ALL.into_iter().filter_map(written).collect()
}

fn longest() -> String {
    PAIR_DAYS.to_string()
}

/// Among so many entries the last call is looked for; more is not done to keys between two calls.
const LATEST: i64 = 50;
