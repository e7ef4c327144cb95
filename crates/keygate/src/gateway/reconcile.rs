//! What became of calls whose answer was lost: the exchange is asked by the client's order id, until it says.
//!
//! Always holds: a reservation is given back only when the exchange knows of no such order, long enough after it can have
//! arrived; what the exchange does not say stays held. Nothing is ever sent a second time.

use std::collections::BTreeMap;

use exchange::{Definition, Method, Order, OrderState, OrderStatus, Placed, Request, Symbol};
use futures_util::{StreamExt, stream};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::Duration;
use uuid::Uuid;

use super::{
    ledger::{Became, LAST_ARRIVAL},
    record::{Line, of_our_own},
};
use crate::{
    app::App,
    connection::{self, probe, secrets},
    error::{Error, Result},
    panic,
};

mod store;

pub use store::Open;

/// An order as the exchange is asked about it; kept with its reservation.
#[derive(Serialize, Deserialize)]
struct Question {
    method: String,
    group: Option<String>,
    path: String,
    market: Market,
    quantity: Option<Decimal>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Market {
    Name(String),
    Pair { base: String, quote: String },
}

/// What to ask about an order later.
pub fn question(request: &Request, order: &Order) -> Value {
    let market = match &order.symbol {
        Symbol::Market(name) => Market::Name(name.clone()),
        Symbol::Pair { base, quote } => Market::Pair { base: base.clone(), quote: quote.clone() },
    };
    let question = Question {
        method: request.method().as_str().to_owned(),
        group: request.group().map(str::to_owned),
        path: request.path().to_owned(),
        market,
        quantity: order.quantity,
    };
    serde_json::to_value(question).unwrap_or_default()
}

/// Asks about everything that is due, each account by itself: one that cannot be asked, or is slow, holds up no other.
pub async fn round(app: &App) -> Result<()> {
    let mut accounts: BTreeMap<(Uuid, Uuid), Vec<Open>> = BTreeMap::new();
    for open in store::take_due(app, NEXT).await? {
        accounts.entry((open.user, open.connection)).or_default().push(open);
    }
    let asking =
        stream::iter(accounts).for_each_concurrent(AT_ONCE, |((user, connection), open)| async move {
            if let Err(error) = settle(app, user, connection, &open).await {
                tracing::warn!(%error, %connection, "an exchange could not be asked what became of calls");
            }
        });
    asking.await;
    Ok(())
}

/// While everything stands still nothing is asked: what is held stays held until signing goes on.
async fn settle(app: &App, user: Uuid, connection: Uuid, all: &[Open]) -> Result<()> {
    if panic::stands_still(app, user, connection).await? {
        return Ok(());
    }
    let row = connection::find(app, user, connection).await?;
    let definition = app.exchanges.get(&row.exchange).ok_or_else(|| Error::internal("no such exchange"))?;
    let key = secrets::open(app, user, &row).await?;
    for open in all {
        let Some(became) = ask(app, definition, row.at(user), &key, open).await? else { continue };
        let line = line(app, &row, open, became);
        app.gate.ledger.outcome(line, became, Some(open.place)).await;
    }
    Ok(())
}

/// What the exchange says; nothing, while it says neither yes nor no.
async fn ask(
    app: &App,
    definition: &Definition,
    at: probe::At<'_>,
    key: &connection::ExchangeKey,
    open: &Open,
) -> Result<Option<Became>> {
    let Some((question, client_id)) = open.asked_by() else { return Ok(gives_up(open)) };
    let symbol = match question.market {
        Market::Name(name) => Symbol::Market(name),
        Market::Pair { base, quote } => Symbol::Pair { base, quote },
    };
    let Some(method) = Method::parse(&question.method) else { return Ok(gives_up(open)) };
    let placed = Placed {
        method,
        group: question.group.as_deref(),
        path: &question.path,
        symbol: &symbol,
        client_id,
        quantity: question.quantity,
        at_ms: u64::try_from(open.made_at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0),
    };
    let requests = definition.order_status_requests(&placed, u64::try_from(app.clock.now_ms()).unwrap_or(0));
    if requests.is_empty() {
        return Ok(gives_up(open));
    }
    for (nth, request) in requests.iter().enumerate() {
        let Some((answer, _)) = probe::put(app, definition, at, key, request).await? else {
            return Ok(gives_up(open));
        };
        match definition.read_order_status(&placed, nth, answer.status.as_u16(), &answer.body) {
            OrderStatus::Found { state: OrderState::Rejected, .. } => return Ok(Some(Became::Rejected)),
            OrderStatus::Found { .. } => return Ok(Some(Became::Confirmed)),
            OrderStatus::NotFound => {}
            OrderStatus::Unreadable => return Ok(None),
        }
    }
    let arrived = app.clock.now() - open.made_at >= LAST_ARRIVAL;
    Ok(arrived.then_some(Became::Rejected))
}

/// It cannot be asked: whoever owns it has to look. It stays held, and is not asked again.
fn gives_up(open: &Open) -> Option<Became> {
    (open.state != Became::Unknown.state()).then_some(Became::Unknown)
}

fn line(app: &App, row: &connection::Row, open: &Open, became: Became) -> Line {
    let (success, error) = match became {
        Became::Confirmed => (Some(true), "asked later: the exchange has it"),
        Became::Rejected => (Some(false), "asked later: the exchange never took it"),
        Became::Unknown => (None, "outcome unknown: this exchange cannot be asked"),
    };
    Line {
        api_key: open.api_key,
        access_key: Some(open.access_key),
        phase: "outcome",
        class: if open.kind == "withdraw" { "withdraw" } else { "trade" },
        path: "reconcile".to_owned(),
        symbol: open.symbol.clone(),
        success,
        error: Some(error.to_owned()),
        ..of_our_own(app, open.user, row, open.request)
    }
}

impl Open {
    fn asked_by(&self) -> Option<(Question, &str)> {
        let question = serde_json::from_value(self.question.clone()?).ok()?;
        Some((question, self.client_order_id.as_deref()?))
    }
}

const NEXT: Duration = Duration::seconds(15);
/// Accounts that are asked about beside each other.
const AT_ONCE: usize = 16;
