//! One line of both logs, and how a call is told in it.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use exchange::{Definition, ExchangeError, Order, Reading, Request, Side, Symbol};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    app::App,
    connection::{self, probe::Stored},
    gateway::{Account, Call, queue::Whose},
    risk::Score,
    upstream::{Answer, Failure},
};

/// One line of both logs (`api_key_usage_audit`, `exchange_api_calls`).
#[derive(Clone)]
pub struct Line {
    pub at: time::OffsetDateTime,
    pub user: Uuid,
    pub request_id: Uuid,
    pub api_key: Uuid,
    /// None: Keygate itself.
    pub access_key: Option<Uuid>,
    pub connection: Uuid,
    pub bot: Option<Uuid>,
    /// `intent` before, `outcome` after, `event` when one line says it all.
    pub phase: &'static str,
    pub exchange: String,
    pub environment: String,
    pub class: &'static str,
    pub decision: &'static str,
    /// The rule that refused it; of what was allowed, the one that would have if this were no dry run.
    pub rule: Option<&'static str>,
    pub method: &'static str,
    pub path: String,
    pub symbol: Option<String>,
    pub summary: Option<Value>,
    pub ip: sqlx::types::ipnetwork::IpNetwork,
    pub agent: Option<String>,
    pub device: Option<Arc<str>>,
    pub score: Score,
    pub status: Option<i32>,
    /// Null: not known (yet).
    pub success: Option<bool>,
    pub error: Option<String>,
    pub took_ms: Option<i32>,
}

/// Whose times of last use to bring up to date.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Used {
    pub access_key: Uuid,
    pub connection: Uuid,
    pub api_key: Uuid,
    /// Where from.
    pub address: IpAddr,
}

/// Whose record it is.
pub(super) struct Subject<'a> {
    pub user: Uuid,
    pub api_key: Uuid,
    pub access_key: Uuid,
    pub connection: Uuid,
    pub bot: Option<Uuid>,
    pub environment: &'a str,
}

pub(super) fn line(call: &Call<'_>, account: &Account, phase: &'static str) -> Line {
    let subject = Subject {
        user: account.user,
        api_key: account.connection.api_key,
        access_key: account.access_key,
        connection: account.connection.id,
        bot: account.bot.as_ref().map(|bot| bot.id),
        environment: &account.connection.environment,
    };
    line_of(call, &subject, phase)
}

pub(super) fn line_of(call: &Call<'_>, subject: &Subject<'_>, phase: &'static str) -> Line {
    let request = &call.request;
    let (symbol, summary) = in_terms_of_money(request.reading());
    Line {
        at: call.app.clock.now(),
        user: subject.user,
        request_id: call.id.0,
        api_key: subject.api_key,
        access_key: Some(subject.access_key),
        connection: subject.connection,
        bot: subject.bot,
        phase,
        exchange: call.definition.id().to_owned(),
        environment: subject.environment.to_owned(),
        class: request.class().as_str(),
        decision: "allow",
        rule: call.noted.rule(),
        method: request.method().as_str(),
        path: request.path().to_owned(),
        symbol,
        summary,
        ip: call.client.network(),
        agent: call.client.agent.clone(),
        device: call.seen.device(),
        score: call.seen.score(),
        status: None,
        success: None,
        error: None,
        took_ms: None,
    }
}

impl Line {
    /// One for each call that is signed, whatever becomes of it.
    pub(in crate::gateway) fn uses(&self) -> i32 {
        i32::from(self.decision == "allow" && self.phase != "outcome")
    }
}

pub fn with_outcome(
    line: Line,
    outcome: &Result<Answer, Failure>,
    error: Option<ExchangeError>,
    took: Duration,
) -> Line {
    let took_ms = Some(i32::try_from(took.as_millis()).unwrap_or(i32::MAX));
    match outcome {
        Ok(answer) => {
            let success = Some(answer.status.is_success() && error.is_none());
            let error = error.map(|error| error.code);
            Line { status: Some(i32::from(answer.status.as_u16())), success, error, took_ms, ..line }
        }
        Err(Failure::NotSent(_)) => Line {
            success: Some(false),
            error: Some("not sent: the exchange cannot be reached".into()),
            took_ms,
            ..line
        },
        Err(Failure::Unknown(_)) => Line { error: Some("outcome unknown".into()), took_ms, ..line },
    }
}

/// What was asked for, without anything that identifies a person or a credential.
fn in_terms_of_money(reading: &Reading) -> (Option<String>, Option<Value>) {
    match reading {
        Reading::Orders(orders) => match orders.as_slice() {
            [order] => (Some(name(&order.symbol)), Some(summary(order))),
            orders => {
                let named = |order| {
                    let mut summary = summary(order);
                    summary["symbol"] = name(&order.symbol).into();
                    summary
                };
                (common_market(orders), Some(orders.iter().map(named).collect()))
            }
        },
        Reading::Withdrawal(withdrawal) => (
            Some(withdrawal.asset.clone()),
            Some(
                json!({"amount": withdrawal.amount, "address": withdrawal.address, "network": withdrawal.network}),
            ),
        ),
        _ => (None, None),
    }
}

fn summary(order: &Order) -> Value {
    json!({
        "side": match order.side { Side::Buy => "buy", Side::Sell => "sell" },
        "type": order.kind,
        "quantity": order.quantity,
        "price": order.price,
        "quote_amount": order.quote_amount,
    })
}

/// The market of a batch, if all its orders are for the same one.
fn common_market(orders: &[Order]) -> Option<String> {
    let first = &orders.first()?.symbol;
    orders.iter().all(|order| order.symbol == *first).then(|| name(first))
}

/// What Keygate itself asks an exchange: of a connection, and otherwise empty.
pub fn of_our_own(app: &App, user: Uuid, row: &connection::Row, request_id: Uuid) -> Line {
    let stored = Stored { whose: Whose { user, api_key: row.api_key_id }, connection: row.id };
    of_stored(app, stored, (&row.exchange, &row.environment), request_id)
}

/// A question of Keygate's own, signed with a key that is stored.
pub struct Own<'a> {
    pub definition: &'a Definition,
    pub stored: Stored,
    pub environment: &'a str,
    pub request: &'a Request,
}

impl Own<'_> {
    /// A moment later: an order may wait for the answer, and shall not wait for this.
    pub fn record(
        &self,
        app: &App,
        outcome: &Result<Answer, Failure>,
        error: Option<ExchangeError>,
        took: Duration,
    ) {
        let Own { definition, stored, environment, request } = *self;
        let line = Line {
            class: request.class().as_str(),
            method: request.method().as_str(),
            path: request.path().to_owned(),
            ..of_stored(app, stored, (definition.id(), environment), app.clock.id())
        };
        app.gate.records.push_later(with_outcome(line, outcome, error, took));
    }
}

fn of_stored(app: &App, stored: Stored, (exchange, environment): (&str, &str), request_id: Uuid) -> Line {
    Line {
        at: app.clock.now(),
        user: stored.whose.user,
        request_id,
        api_key: stored.whose.api_key,
        access_key: None,
        connection: stored.connection,
        bot: None,
        phase: "event",
        exchange: exchange.to_owned(),
        environment: environment.to_owned(),
        class: "",
        decision: "allow",
        rule: None,
        method: "",
        path: String::new(),
        symbol: None,
        summary: None,
        ip: IpAddr::from(Ipv4Addr::LOCALHOST).into(),
        agent: None,
        device: None,
        score: Score::default(),
        status: None,
        success: None,
        error: None,
        took_ms: None,
    }
}

pub fn name(symbol: &Symbol) -> String {
    match symbol {
        Symbol::Market(name) => name.clone(),
        Symbol::Pair { base, quote } => format!("{base}/{quote}"),
    }
}
