//! `/connections/new`: which exchange, how to make the key, paste it, and the live check. Nothing is stored
//! before the check ends well; after an error the form comes back without the secret.

use std::sync::Arc;

use askama::Template;
use axum::{Extension, Router, extract::State, response::Response, routing::get};
use exchange::Definition;
use seal::SecretText;
use serde::Deserialize;

use super::super::{Allow, ExchangeKey, NewConnection, add, parse_label, parse_name};
use crate::{
    app::App,
    auth::{Manage, May, View},
    error::{Code, Error, Result},
    http::{RequestId, body::Query},
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
struct Wizard {
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
    trade: Option<String>,
    accept_withdraw: Option<String>,
}

/// One line of the live check: `good`, `stop` or `open`.
struct Step {
    state: &'static str,
    text: &'static str,
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
    let mut wizard = Wizard::new(frame.of(&may), definition);
    wizard.given.name = "Primary".to_owned();
    wizard.given.environment = wizard.environments.first().cloned().unwrap_or_default();
    show(&wizard)
}

async fn create(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Extension(request): Extension<RequestId>,
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
        Ok(new) => add(&app, may.user(), new, request).await,
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
    fn new(frame: Frame, definition: &Arc<Definition>) -> Self {
        let mut environments: Vec<String> = definition.environments().map(str::to_owned).collect();
        // The demo exchange first, when it runs: whoever started it wants to try. Then real money, then tests.
        environments.sort_by_key(|name| (name != PRACTICE, name != exchange::PRODUCTION, name.clone()));
        let demo = environments.first().is_some_and(|name| name == PRACTICE);
        Wizard {
            frame,
            problems: Problems::default(),
            definition: definition.clone(),
            environments,
            given: Given::default(),
            steps: Vec::new(),
            demo,
        }
    }

    fn asks_about_withdrawals(&self) -> bool {
        self.problems.0.as_ref().is_some_and(|error| error.code == Code::WithdrawAllowed)
    }

    /// A key of the demo exchange to paste.
    fn demo_key(&self) -> (&'static str, &'static str) {
        match self.definition.id() {
            "coinone" => DEMO_COINONE,
            _ => DEMO_BINANCE,
        }
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
                passphrase: None,
                options: exchange::Options::default(),
            },
            own_key: None,
            allow: Allow { trade: self.trade.is_some(), ..Allow::default() },
            accept_withdraw: self.accept_withdraw.is_some(),
        })
    }
}

/// The check goes in this order and ends at the first thing that is wrong.
fn steps(error: &Error) -> Vec<Step> {
    let Some(failed) = ORDER.iter().position(|(codes, _)| codes.contains(&error.code)) else {
        return Vec::new();
    };
    let state = |index: usize| match index.cmp(&failed) {
        std::cmp::Ordering::Less => "good",
        std::cmp::Ordering::Equal => "stop",
        std::cmp::Ordering::Greater => "open",
    };
    ORDER.iter().enumerate().map(|(index, (_, text))| Step { state: state(index), text }).collect()
}

const ORDER: [(&[Code], &str); 8] = [
    (&[Code::DuplicateKey], "The key is not in the vault yet"),
    (&[Code::ExchangeUnreachable], "The exchange answers"),
    (&[Code::ClockSkew], "Its clock and ours agree"),
    (&[Code::WrongKey], "It knows the key"),
    (&[Code::IpNotAllowed], "It accepts the key from our address"),
    (&[Code::WrongSignature, Code::ExchangeRefused], "The secret fits the key"),
    (&[Code::MissingPermission], "The key may read the account"),
    (&[Code::WithdrawAllowed], "The key may not withdraw"),
];

/// Public play keys of the built-in demo exchange.
const DEMO_BINANCE: (&str, &str) = (
    "DemoTradeKey0000000000000000000000000000000000000000000000000002",
    "DemoTradeSecret0000000000000000000000000000000000000000000000002",
);
const DEMO_COINONE: (&str, &str) =
    ("de300000-0000-4000-8000-000000000001", "de305ec7-0000-4000-8000-000000000001");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_shows_what_passed_before_it_failed() {
        let steps = steps(&Code::WrongSignature.into());
        let states: Vec<&str> = steps.iter().map(|step| step.state).collect();
        assert_eq!(states, ["good", "good", "good", "good", "good", "stop", "open", "open"]);
    }

    #[test]
    fn typing_error_is_no_check() {
        assert!(steps(&Error::field("/name", "needs 1 to 100 characters")).is_empty());
    }
}
