//! What became of calls whose answer was lost: the exchange is asked by the client's id of the order or withdrawal, until it
//! says.
//!
//! Always holds: a reservation is given back only when the exchange knows of no such order or withdrawal, long enough after
//! it can have arrived; what the exchange does not say stays held. Nothing is ever sent a second time.

use std::{collections::BTreeMap, time::Instant};

use exchange::{Definition, Method, OrderState, OrderStatus, Placed, Request, Symbol};
use futures_util::{StreamExt, stream};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
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

/// An order or withdrawal as the exchange is asked about it; kept with its reservation.
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

/// A call whose answer was lost, and what it can be found by.
#[derive(Clone, Copy)]
pub struct Lost<'a> {
    pub question: Option<&'a Value>,
    pub client_id: Option<&'a str>,
    pub made_at: OffsetDateTime,
}

/// What to ask later about an order, or about a withdrawal of an asset.
pub fn question(request: &Request, symbol: &Symbol, quantity: Option<Decimal>) -> Value {
    let market = match symbol {
        Symbol::Market(name) => Market::Name(name.clone()),
        Symbol::Pair { base, quote } => Market::Pair { base: base.clone(), quote: quote.clone() },
    };
    let question = Question {
        method: request.method().as_str().to_owned(),
        group: request.group().map(str::to_owned),
        path: request.path().to_owned(),
        market,
        quantity,
    };
    serde_json::to_value(question).unwrap_or_default()
}

/// Asks about what is due: a few calls of every account, and a few times over, unless an account was slow.
pub async fn round(app: &App) -> Result<()> {
    let (begun, mut turns) = (Instant::now(), 0..TURNS);
    while turns.next().is_some() && begun.elapsed() < PATIENCE {
        match store::take_due(app, NEXT).await? {
            none if none.is_empty() => break,
            due => ask_all(app, due).await,
        }
    }
    Ok(())
}

/// Each account by itself: one that cannot be asked holds up no other.
async fn ask_all(app: &App, due: Vec<Open>) {
    let mut accounts: BTreeMap<(Uuid, Uuid), Vec<Open>> = BTreeMap::new();
    for open in due {
        accounts.entry((open.user, open.connection)).or_default().push(open);
    }
    let asking =
        stream::iter(accounts).for_each_concurrent(AT_ONCE, |((user, connection), open)| async move {
            if let Err(error) = settle(app, user, connection, &open).await {
                tracing::warn!(%error, %connection, "an exchange could not be asked what became of calls");
            }
        });
    asking.await;
}

/// While everything stands still nothing is asked, whenever that begins: what is held stays held until signing goes on. The
/// key of a connection that is deleted signs nothing.
async fn settle(app: &App, user: Uuid, connection: Uuid, all: &[Open]) -> Result<()> {
    if panic::stands_still(app, user, connection).await? {
        return Ok(());
    }
    let row = connection::find(app, user, connection).await?;
    let definition = app.exchanges.get(&row.exchange).ok_or_else(|| Error::internal("no such exchange"))?;
    let key = secrets::open(app, user, &row).await?;
    let (begun, mut away, is_live) = (Instant::now(), Ok(()), row.live_key().is_ok());
    let at = probe::At { only: probe::Only::WhileSigning, ..row.at(user) };
    for open in all {
        let is_due = away.is_ok() && begun.elapsed() < PATIENCE;
        let said = match is_due && is_live {
            true => ask(app, definition, at, &key, open).await,
            false => Ok(None),
        };
        if is_due {
            let again = open.is_asked_again(app, definition) || said.is_err();
            store::note_asked(app, open, again).await?;
        }
        let said = said.unwrap_or_else(|error| {
            away = Err(error);
            None
        });
        let Some(became) = said.or_else(|| open.nobody_says(app)) else { continue };
        let line = line(app, &row, open, became);
        app.gate.ledger.outcome(line, became, Some(open.place)).await;
    }
    away
}

/// What the exchange says; nothing, while it says neither yes nor no.
async fn ask(
    app: &App,
    definition: &Definition,
    at: probe::At<'_>,
    key: &connection::ExchangeKey,
    open: &Open,
) -> Result<Option<Became>> {
    let lost = open.lost();
    let Some((question, symbol)) = lost.question() else { return Ok(gives_up(open)) };
    let Some(placed) = lost.placed(&question, &symbol) else { return Ok(gives_up(open)) };
    let requests = requests(app, definition, &placed);
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
    let arrived = app.clock.now() - open.made_at >= if open.is_withdrawal() { LISTED } else { LAST_ARRIVAL };
    Ok(arrived.then_some(Became::Rejected))
}

fn requests(app: &App, definition: &Definition, placed: &Placed<'_>) -> Vec<Request> {
    definition.order_status_requests(placed, u64::try_from(app.clock.now_ms()).unwrap_or(0))
}

/// It cannot be asked: whoever owns it has to look. It stays held, and is not asked again.
fn gives_up(open: &Open) -> Option<Became> {
    (open.state != Became::Unknown.state()).then_some(Became::Unknown)
}

fn line(app: &App, row: &connection::Row, open: &Open, became: Became) -> Line {
    let (success, error) = match became {
        Became::Confirmed => (Some(true), "asked later: the exchange has it"),
        Became::Rejected => (Some(false), "asked later: the exchange never took it"),
        Became::Unknown => (None, "outcome unknown: the exchange does not tell"),
    };
    Line {
        api_key: open.api_key,
        access_key: Some(open.access_key),
        phase: "outcome",
        class: if open.is_withdrawal() { "withdraw" } else { "trade" },
        path: "reconcile".to_owned(),
        symbol: open.symbol.clone(),
        success,
        error: Some(error.to_owned()),
        ..of_our_own(app, open.user, row, open.request)
    }
}

impl Open {
    /// Whoever sent it died, and the exchange does not tell: by then it is an answer that was lost, which its owner sees.
    fn nobody_says(&self, app: &App) -> Option<Became> {
        let is_over = app.clock.now() - self.made_at >= LAST_ARRIVAL;
        gives_up(self).filter(|_| is_over)
    }

    /// Not what no question finds, once that is on record, nor what the exchange has not said so often: that is its owner's to
    /// settle.
    fn is_asked_again(&self, app: &App, definition: &Definition) -> bool {
        let finds = self.state != Became::Unknown.state() || self.lost().can_be_asked(app, definition);
        finds && self.asked + 1 < OFTEN
    }

    fn is_withdrawal(&self) -> bool {
        self.kind == "withdraw"
    }

    fn lost(&self) -> Lost<'_> {
        let (question, client_id) = (self.question.as_ref(), self.client_order_id.as_deref());
        Lost { question, client_id, made_at: self.made_at }
    }
}

impl<'a> Lost<'a> {
    /// Whether there is, now, a question by which the exchange finds it.
    pub fn can_be_asked(self, app: &App, definition: &Definition) -> bool {
        let Some((question, symbol)) = self.question() else { return false };
        self.placed(&question, &symbol).is_some_and(|placed| !requests(app, definition, &placed).is_empty())
    }

    fn question(self) -> Option<(Question, Symbol)> {
        let question = Question::deserialize(self.question?).ok()?;
        let symbol = match &question.market {
            Market::Name(name) => Symbol::Market(name.clone()),
            Market::Pair { base, quote } => Symbol::Pair { base: base.clone(), quote: quote.clone() },
        };
        Some((question, symbol))
    }

    fn placed(self, question: &'a Question, symbol: &'a Symbol) -> Option<Placed<'a>> {
        Some(Placed {
            method: Method::parse(&question.method)?,
            group: question.group.as_deref(),
            path: &question.path,
            symbol,
            client_id: self.client_id?,
            quantity: question.quantity,
            at_ms: u64::try_from(self.made_at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0),
        })
    }
}

/// Lists of withdrawals may be a little behind: one that is not in them after this was never made.
const LISTED: Duration = Duration::minutes(10);
/// So often in one round each account may have its turn.
const TURNS: usize = 5;
/// For one account in one round; what was not asked about is asked in the next.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
const NEXT: Duration = Duration::seconds(15);
/// Within an hour: each question waits a quarter of a minute longer than the one before.
pub const OFTEN: i32 = 20;
/// Accounts that are asked about beside each other.
const AT_ONCE: usize = 16;
