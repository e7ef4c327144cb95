//! Asking the exchange about a key: does it work, what may it do, what does the account hold. Each way it
//! can fail is its own problem with the exchange's code and what to do.

use std::time::Instant;

use exchange::{
    Balance, Definition, ErrorKind, ExchangeError, NonceUnit, Options, Permissions, Price, Probe, Request,
    Symbol,
};
use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{ExchangeKey, Holding};
use crate::{
    app::App,
    error::{Code, Error, Result},
    gateway::{queue::Place, record},
    upstream::{Answer, Failure},
};

mod at;
mod problem;

pub use at::{At, Only, Stored};
pub use problem::told;
use problem::{busy, refusal, strange, unreachable};

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
/// exchange and its clients disagree about the spelling of secrets, the one that works is kept in the key; so is the
/// unit of its nonces, where another program has counted in a finer one.
pub async fn verify(
    app: &App,
    definition: &Definition,
    at: At<'_>,
    key: &mut ExchangeKey,
) -> Result<Verified> {
    let mut outcome = verify_once(app, definition, at, key).await;
    for form in definition.secret_forms() {
        match &outcome {
            Err(error)
                if error.code == Code::WrongSignature && key.options.secret_transform != Some(form) =>
            {
                let before = key.options.secret_transform.replace(form);
                let again = verify_once(app, definition, at, key).await;
                match again {
                    Ok(_) => outcome = again,
                    Err(_) => key.options.secret_transform = before,
                }
            }
            _ => {}
        }
    }
    for unit in
        definition.probe(Probe::Balances, "", "").into_iter().flat_map(|request| finer(definition, &request))
    {
        if !outcome.as_ref().is_err_and(|error| error.code == Code::ClockSkew) {
            break;
        }
        let before = key.options.nonce_unit.replace(unit);
        let again = verify_once(app, definition, at, key).await;
        match again {
            Ok(_) => outcome = again,
            Err(_) => key.options.nonce_unit = before,
        }
    }
    outcome
}

/// The units to try when the exchange says that a nonce is too small.
fn finer(definition: &Definition, request: &Request) -> Vec<NonceUnit> {
    let kind = definition.nonce_kind(request, &Options::default());
    kind.map_or_else(Vec::new, |kind| NonceUnit::finer_than(kind).collect())
}

async fn verify_once(app: &App, definition: &Definition, at: At<'_>, key: &ExchangeKey) -> Result<Verified> {
    holdings(app, definition, at, key).await?;
    let permissions = match ask(app, definition, at, key, Probe::Permissions).await? {
        Some(answer) => {
            Some(definition.read_permissions(&answer.body, &key.api_key).map_err(|_| strange(definition))?)
        }
        None => None,
    };
    Ok(Verified { permissions, at: app.clock.now() })
}

/// What an account holds, by the exchange's names of assets.
pub async fn holdings(
    app: &App,
    definition: &Definition,
    at: At<'_>,
    key: &ExchangeKey,
) -> Result<Vec<Balance>> {
    let answer = ask(app, definition, at, key, Probe::Balances).await?.ok_or_else(|| strange(definition))?;
    definition.read_balances(&answer.body).map_err(|_| strange(definition))
}

pub async fn balances(
    app: &App,
    definition: &Definition,
    at: At<'_>,
    key: &ExchangeKey,
) -> Result<Vec<Holding>> {
    let balances = holdings(app, definition, at, key).await?;
    let prices = prices(app, definition, at.environment).await;
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
    at: At<'_>,
    key: &ExchangeKey,
    probe: Probe,
) -> Result<Option<Answer>> {
    let first = match definition.probe_before(probe) {
        None => String::new(),
        Some(request) => {
            let Some(answer) = send(app, definition, at, key, &request).await? else {
                return Ok(None);
            };
            definition.read_before(probe, &answer.body).map_err(|_| strange(definition))?
        }
    };
    match definition.probe(probe, &first, &key.api_key) {
        Some(request) => send(app, definition, at, key, &request).await,
        None => Ok(None),
    }
}

/// What an exchange answered to one of our own requests, with its error if it is one. Nothing, when this environment
/// has no such call. Signed with a key that is stored, it is on record.
pub async fn put(
    app: &App,
    definition: &Definition,
    at: At<'_>,
    key: &ExchangeKey,
    request: &Request,
) -> Result<Option<(Answer, Option<ExchangeError>)>> {
    let started = Instant::now();
    let Some((outcome, error)) = signed(app, definition, at, key, request).await? else { return Ok(None) };
    if let Some(stored) = at.stored {
        let own = record::Own { definition, stored, environment: at.environment, request };
        own.record(app, &outcome, error.clone(), started.elapsed());
    }
    let answer = outcome.map_err(|failure| unreachable(definition, &failure))?;
    Ok(Some((answer, error)))
}

/// Signs one of our own requests and sends it, once: what became of it, with the exchange's error if it answered with one.
/// Nothing, when this environment has no such call; an error means that nothing was sent.
pub async fn signed(
    app: &App,
    definition: &Definition,
    at: At<'_>,
    key: &ExchangeKey,
    request: &Request,
) -> Result<Option<(Result<Answer, Failure>, Option<ExchangeError>)>> {
    let Some(upstream) = definition.upstream(at.environment, request) else { return Ok(None) };
    let whose = at.stored.map(|stored| stored.whose);
    let place = Place::new(definition, at.environment, request, whose);
    let mut turn = app.gate.queues.turn(app, place).await.map_err(|_| busy(definition))?;
    let way = app.upstream.reach(upstream.origin()).await;
    let credentials = key.credentials(definition)?;
    let stamp = turn.stamp(app, &key.options).await.map_err(|_| busy(definition))?;
    let signed = definition.sign(request, &upstream, &credentials, &stamp).map_err(Error::internal)?;
    at.still(app).await?;
    let outcome = match way {
        Ok(way) => app.upstream.carry(way, &signed).await,
        Err(failure) => Err(failure),
    };
    let error =
        outcome.as_ref().ok().and_then(|answer| definition.read_error(answer.status.as_u16(), &answer.body));
    turn.end(app, &outcome, error.as_ref().map(|error| error.kind)).await;
    Ok(Some((outcome, error)))
}

async fn send(
    app: &App,
    definition: &Definition,
    at: At<'_>,
    key: &ExchangeKey,
    request: &Request,
) -> Result<Option<Answer>> {
    let Some((answer, error)) = put(app, definition, at, key, request).await? else { return Ok(None) };
    match error {
        None if answer.status.is_success() => Ok(Some(answer)),
        None => Err(strange(definition)),
        // A proxy in front of the exchange, or its own trouble: nothing was said about the key.
        Some(error) if error.kind == ErrorKind::OutcomeUnknown => Err(strange(definition)),
        Some(error)
            if error.kind == ErrorKind::Other
                && (error.code.is_empty() || answer.status.is_server_error()) =>
        {
            Err(strange(definition))
        }
        Some(error) => Err(refusal(definition, &error, key)),
    }
}

/// Public prices; a value is a help, not a promise, so trouble here costs only the values.
async fn prices(app: &App, definition: &Definition, environment: &str) -> Vec<Price> {
    let Some(request) = definition.probe(Probe::Prices, "", "") else { return Vec::new() };
    let Some(upstream) = definition.upstream(environment, &request) else { return Vec::new() };
    match app.upstream.send(&definition.unsigned(&request, &upstream)).await {
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
