//! `/connections/new`: which exchange, how to make the key, paste it, and the live check. Nothing is stored
//! before the check ends well; after an error the form comes back without the secret.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use demo_exchange::{Credential, Permission};
use exchange::Definition;
use seal::SecretText;
use serde::Deserialize;

use super::{
    super::{Allow, ExchangeKey, NewConnection, add, parse_label, parse_name},
    check::{Step, steps},
    own_key::asks_about_withdrawals,
};
use crate::{
    app::App,
    auth::{Manage, May, Origin, View},
    error::{Code, Result},
    http::body::Query,
    page::{Frame, Posted, Problems, go, show, show_again},
    start::PRACTICE,
};

pub fn pages() -> Router<Arc<App>> {
    Router::new().route("/connections/new", get(ask).post(create))
}

#[derive(Deserialize)]
struct Which {
    exchange: Option<String>,
}

#[derive(Template)]
#[template(path = "connection_tiles.html")]
struct Tiles {
    frame: Frame,
    exchanges: Vec<Arc<Definition>>,
}

#[derive(Template)]
#[template(path = "connection_new.html")]
pub struct Wizard {
    frame: Frame,
    problems: Problems,
    definition: Arc<Definition>,
    environments: Vec<String>,
    given: Given,
    /// How far the check came, when it failed.
    steps: Vec<Step>,
    demo: bool,
}

/// What was typed, without the secret.
#[derive(Default)]
struct Given {
    environment: String,
    name: String,
    api_key: String,
    trade: bool,
}

#[derive(Deserialize)]
struct NewIn {
    exchange: String,
    environment: String,
    name: String,
    api_key: String,
    secret: SecretText,
    passphrase: Option<SecretText>,
    trade: Option<String>,
    accept_withdraw: Option<String>,
}

async fn ask(
    State(app): State<Arc<App>>,
    may: May<View>,
    Query(which): Query<Which>,
    frame: Frame,
) -> Result<Response> {
    let Some(exchange) = which.exchange else {
        return show(&Tiles { frame: frame.of(&may), exchanges: app.exchanges.iter().cloned().collect() });
    };
    let definition = app.exchanges.get(&exchange).ok_or(Code::NotFound)?;
    show(&Wizard::new(frame.of(&may), definition))
}

async fn create(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    frame: Frame,
    Posted(input): Posted<NewIn>,
) -> Result<Response> {
    let definition = app.exchanges.get(&input.exchange).ok_or(Code::NotFound)?;
    let given = Given {
        environment: input.environment.clone(),
        name: input.name.clone(),
        api_key: input.api_key.trim().to_owned(),
        trade: input.trade.is_some(),
    };
    let made = match input.parse() {
        Ok(new) => add(&app, may.user(), new, &request).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(row) => Ok(go(
            &format!("/connections/{}", row.id),
            "Connected: the exchange knows this key, and it is sealed. Below is what the check found.",
        )),
        Err(error) => {
            let wizard = Wizard::new(frame.of(&may), definition);
            let again = Wizard { problems: Problems::of(&error), steps: steps(&error), given, ..wizard };
            show_again(&error, &again)
        }
    }
}

impl Wizard {
    pub fn new(frame: Frame, definition: &Arc<Definition>) -> Self {
        let mut environments: Vec<String> = definition.environments().map(str::to_owned).collect();
        // The demo exchange first, when it runs: whoever started it wants to try. Then real money, then tests.
        environments.sort_by_key(|name| (name != PRACTICE, name != exchange::PRODUCTION, name.clone()));
        let demo = environments.first().is_some_and(|name| name == PRACTICE);
        let environment = environments.first().cloned().unwrap_or_default();
        Wizard {
            frame,
            problems: Problems::default(),
            definition: definition.clone(),
            environments,
            given: Given { name: "Primary".to_owned(), environment, ..Given::default() },
            steps: Vec::new(),
            demo,
        }
    }

    /// With what stands in the way of a key made here.
    pub fn refused(self, problems: Problems) -> Self {
        Wizard { problems, ..self }
    }

    fn asks_about_withdrawals(&self) -> bool {
        asks_about_withdrawals(&self.problems)
    }

    fn has_passphrase(&self) -> bool {
        self.definition.fields().contains(&exchange::Field::Passphrase)
    }

    /// A key of the demo exchange to paste, where it runs: one that may trade and not withdraw.
    fn demo_key(&self) -> Option<DemoKey> {
        let venue = demo_exchange::Config::demo().exchanges.remove(self.definition.id())?;
        let mut keys = venue.accounts.into_iter().flat_map(|account| account.keys);
        let key = keys.find(|key| key.permissions == [Permission::Read, Permission::Trade])?;
        let secret = match (key.credential, key.private) {
            (Credential::Hmac(secret) | Credential::HmacUpper(secret), _) => secret,
            (_, private) => private?.to_text(),
        };
        let demo = DemoKey { api_key: key.api_key, secret, passphrase: key.passphrase };
        self.demo.then_some(demo)
    }
}

impl NewIn {
    fn parse(self) -> Result<NewConnection> {
        // Browsers send line breaks as CRLF; a PEM key has plain ones.
        let secret = SecretText::from(self.secret.expose().trim().replace("\r\n", "\n"));
        Ok(NewConnection {
            exchange: self.exchange,
            environment: self.environment,
            name: parse_name(Some(&self.name))?,
            label: parse_label(None)?,
            key: ExchangeKey {
                api_key: self.api_key.trim().to_owned(),
                secret,
                passphrase: self.passphrase.filter(|text| !text.expose().is_empty()),
                options: exchange::Options::default(),
            },
            own_key: None,
            allow: Allow { trade: self.trade.is_some(), ..Allow::default() },
            accept_withdraw: self.accept_withdraw.is_some(),
        })
    }
}

/// A public play key of the built-in demo exchange.
struct DemoKey {
    api_key: String,
    secret: String,
    passphrase: Option<String>,
}
