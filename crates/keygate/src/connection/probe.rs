//! Asking the exchange about a key: does it work, what may it do, what does the account hold. Each way it
//! can fail is its own problem with the exchange's code and what to do.

use exchange::{Definition, ErrorKind, ExchangeError, Permissions, Price, Probe, Request, Stamp, Symbol};
use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{ExchangeKey, Holding};
use crate::{
    app::App,
    error::{Code, Error, Result},
    upstream::{Answer, Failure, Outgoing},
};

/// What the exchange said about a key.
pub struct Verified {
    /// The exchange's own record; `None` when it keeps none a key can read.
    pub permissions: Option<Permissions>,
    pub at: OffsetDateTime,
}

impl Verified {
    pub fn may_withdraw(&self) -> bool {
        self.permissions.as_ref().is_some_and(|known| known.withdraw == Some(true))
    }
}

/// Balances prove key, secret and address; the exchange's own record says what the key may do. Where the
/// exchange and its clients disagree about the spelling of secrets, the one that works is kept in the key.
pub async fn verify(
    app: &App,
    definition: &Definition,
    environment: &str,
    key: &mut ExchangeKey,
) -> Result<Verified> {
    let mut outcome = verify_once(app, definition, environment, key).await;
    for form in definition.secret_forms() {
        match &outcome {
            Err(error)
                if error.code == Code::WrongSignature && key.options.secret_transform != Some(form) =>
            {
                let before = key.options.secret_transform.replace(form);
                let again = verify_once(app, definition, environment, key).await;
                match again {
                    Ok(_) => outcome = again,
                    Err(_) => key.options.secret_transform = before,
                }
            }
            _ => {}
        }
    }
    outcome
}

async fn verify_once(
    app: &App,
    definition: &Definition,
    environment: &str,
    key: &ExchangeKey,
) -> Result<Verified> {
    let answer =
        ask(app, definition, environment, key, Probe::Balances).await?.ok_or_else(|| strange(definition))?;
    definition.read_balances(&answer.body).map_err(|_| strange(definition))?;
    let permissions = match ask(app, definition, environment, key, Probe::Permissions).await? {
        Some(answer) => {
            Some(definition.read_permissions(&answer.body, &key.api_key).map_err(|_| strange(definition))?)
        }
        None => None,
    };
    Ok(Verified { permissions, at: app.clock.now() })
}

pub async fn balances(
    app: &App,
    definition: &Definition,
    environment: &str,
    key: &ExchangeKey,
) -> Result<Vec<Holding>> {
    let answer =
        ask(app, definition, environment, key, Probe::Balances).await?.ok_or_else(|| strange(definition))?;
    let balances = definition.read_balances(&answer.body).map_err(|_| strange(definition))?;
    let prices = prices(app, definition, environment).await;
    let held = balances.into_iter().filter(|balance| !(balance.free + balance.used).is_zero());
    Ok(held
        .map(|balance| {
            let usd_value = usd_price(&balance.asset, &prices)
                .and_then(|price| price.checked_mul(balance.free + balance.used));
            Holding { asset: balance.asset, free: balance.free, used: balance.used, usd_value }
        })
        .collect())
}

/// Signs one of our own requests, sends it, and turns an exchange's error into ours. Nothing, when this
/// environment has no such call.
async fn ask(
    app: &App,
    definition: &Definition,
    environment: &str,
    key: &ExchangeKey,
    probe: Probe,
) -> Result<Option<Answer>> {
    let first = match definition.probe_before(probe) {
        None => String::new(),
        Some(request) => {
            let Some(answer) = send(app, definition, environment, key, &request).await? else {
                return Ok(None);
            };
            definition.read_before(probe, &answer.body).map_err(|_| strange(definition))?
        }
    };
    match definition.probe(probe, &first, &key.api_key) {
        Some(request) => send(app, definition, environment, key, &request).await,
        None => Ok(None),
    }
}

async fn send(
    app: &App,
    definition: &Definition,
    environment: &str,
    key: &ExchangeKey,
    request: &Request,
) -> Result<Option<Answer>> {
    let Some(upstream) = definition.upstream(environment, request) else { return Ok(None) };
    let credentials = key.credentials(definition)?;
    let now_ms = u64::try_from(app.clock.now_ms()).unwrap_or(0);
    let nonce = definition
        .nonce_kind(request, credentials.kind())
        .map(|kind| kind.text(now_ms, seal::random::array()));
    let signed = definition
        .sign(request, &upstream, &credentials, &Stamp { now_ms, nonce })
        .map_err(Error::internal)?;
    let outgoing = Outgoing::try_from(signed).map_err(Error::internal)?;
    let answer = app.upstream.send(outgoing).await.map_err(|failure| unreachable(definition, &failure))?;
    match definition.read_error(answer.status.as_u16(), &answer.body) {
        None if answer.status.is_success() => Ok(Some(answer)),
        None => Err(strange(definition)),
        // A proxy in front of the exchange, or its own trouble: nothing was said about the key.
        Some(error)
            if error.kind == ErrorKind::Other
                && (error.code.is_empty() || answer.status.is_server_error()) =>
        {
            Err(strange(definition))
        }
        Some(error) => Err(refusal(definition, &error, key)),
    }
}

/// The exchange's code and scrubbed text, and what to do about it.
fn refusal(definition: &Definition, error: &ExchangeError, key: &ExchangeKey) -> Error {
    let (code, advice) = match error.kind {
        ErrorKind::BadKey | ErrorKind::KeyIpOrPermission => (
            Code::WrongKey,
            "Check that the key is copied whole, active, and made for this environment; if it is bound to addresses, add ours.",
        ),
        ErrorKind::BadSignature => (
            Code::WrongSignature,
            "The secret does not belong to this key. Copy both again; most exchanges show a secret only once.",
        ),
        ErrorKind::BadTimestamp => {
            (Code::ClockSkew, "Set this machine's clock (for example with systemd-timesyncd) and try again.")
        }
        ErrorKind::IpNotAllowed => {
            (Code::IpNotAllowed, "Add this server's address to the key's address list at the exchange.")
        }
        ErrorKind::Permission => (Code::MissingPermission, "Give the key permission to read the account."),
        ErrorKind::RateLimited => {
            (Code::ExchangeUnreachable, "The exchange limits us for now; try again in a minute.")
        }
        ErrorKind::Other => (Code::ExchangeRefused, "See the exchange's own text."),
    };
    let text = scrub(&error.text, key);
    code.with(format!("{} answered {}: {text} {advice}", definition.name(), error.code))
}

/// An exchange may repeat the key in its text; no secret value leaves us in one.
fn scrub(text: &str, key: &ExchangeKey) -> String {
    let secrets = [
        Some(key.api_key.as_str()),
        Some(key.secret.expose()),
        key.passphrase.as_ref().map(|text| text.expose()),
    ];
    let mut text: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
    for secret in secrets.into_iter().flatten().filter(|secret| secret.len() >= 4) {
        text = text.replace(secret, "********");
    }
    text
}

fn unreachable(definition: &Definition, failure: &Failure) -> Error {
    let reason = match failure {
        Failure::NotSent(reason) | Failure::Unknown(reason) => reason,
    };
    tracing::warn!(exchange = definition.id(), reason, "an exchange cannot be reached");
    Code::ExchangeUnreachable.with(format!(
        "{} cannot be reached from here. Nothing was stored; try again later.",
        definition.name()
    ))
}

fn strange(definition: &Definition) -> Error {
    Code::ExchangeUnreachable.with(format!(
        "{} answered in a way we do not understand. Nothing was stored; try again later.",
        definition.name()
    ))
}

/// Public prices; a value is a help, not a promise, so trouble here costs only the values.
async fn prices(app: &App, definition: &Definition, environment: &str) -> Vec<Price> {
    let Some(request) = definition.probe(Probe::Prices, "", "") else { return Vec::new() };
    let Some(upstream) = definition.upstream(environment, &request) else { return Vec::new() };
    let Ok(outgoing) = Outgoing::try_from(definition.unsigned(&request, &upstream)) else {
        return Vec::new();
    };
    match app.upstream.send(outgoing).await {
        Ok(answer) if answer.status.is_success() => definition.read_prices(&answer.body).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn usd_price(asset: &str, prices: &[Price]) -> Option<Decimal> {
    if DOLLARS.contains(&asset) {
        return Some(Decimal::ONE);
    }
    DOLLARS.iter().find_map(|dollar| {
        let named = |symbol: &Symbol| match symbol {
            Symbol::Market(name) => *name == format!("{asset}{dollar}"),
            Symbol::Pair { base, quote } => base == asset && quote == dollar,
        };
        prices.iter().find(|price| named(&price.symbol)).map(|price| price.price)
    })
}

/// Dollar and the tokens valued as one dollar here.
const DOLLARS: [&str; 4] = ["USDT", "USDC", "FDUSD", "USD"];
