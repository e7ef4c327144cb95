//! The record of every call. For calls that move money it is committed before the signature exists and
//! again after the answer; for reads it waits in a bounded queue, at most a moment. When it is full
//! reads wait for room: nothing is dropped.

use std::{net::IpAddr, sync::Arc, time::Duration};

use exchange::{ExchangeError, Order, Reading, Side, Symbol};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Account, Call, Denial,
    account::Bait,
    credential::Proof,
    ledger::{Became, Verdict},
    spend::Ask,
};
use crate::{
    app::App,
    risk::Score,
    upstream::{Answer, Failure},
};

mod own;
mod row;
pub(super) mod store;
mod writer;

pub(super) use own::of_our_own;
pub use writer::{Queue, Touched, Writer, queue};

use writer::Room;

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

/// Commits the intent, uses the signature up and sets the money aside, in one transaction. Without it there is no
/// signature.
pub(super) async fn intent(
    call: &Call<'_>,
    account: &Account,
    proof: Option<Proof>,
    ask: Ask,
) -> Result<(), Denial> {
    let wanted = ask.usd();
    let verdict = call.app.gate.ledger.intent(line(call, account, "intent"), proof, ask).await;
    let denial = match verdict {
        Verdict::Failed(error) => return Err(Denial::down(error)),
        Verdict::Noted(rule) => {
            call.noted.note(rule);
            return Ok(());
        }
        verdict => match verdict.denial(wanted) {
            None => return Ok(()),
            Some(denial) => denial,
        },
    };
    self::denial(call, account, &denial).await;
    call.note_denial(account, &denial);
    Err(denial)
}

/// A log-on opens whatever the key may do, so it is on record, and its signature is used up, before it counts.
pub(super) async fn logon(call: &Call<'_>, account: &Account, proof: Proof) -> Result<(), Denial> {
    let line = Line { success: Some(true), ..line(call, account, "event") };
    match call.app.gate.ledger.intent(line, Some(proof), Ask::default()).await {
        Verdict::Replay => Err(Denial::denied("replay", "this log-on was used already; sign it anew")),
        verdict => verdict.denial(Decimal::ZERO).map_or(Ok(()), Err),
    }
}

/// A subscription, which is sent and not answered.
pub(super) async fn listens(call: &Call<'_>, account: &Account) {
    let line = Line { success: Some(true), ..line(call, account, "event") };
    call.app.gate.records.push(call.app, line, Some(account.used(call.client.ip))).await;
}

/// Adds the outcome and settles what was set aside. If we die before, the intent stands alone, which means: ask the
/// exchange.
pub(super) async fn outcome(
    call: &Call<'_>,
    account: &Account,
    outcome: &Result<Answer, Failure>,
    error: Option<ExchangeError>,
    took: Duration,
) {
    let became = became(call, outcome, error.as_ref());
    let line = with_outcome(line(call, account, "outcome"), outcome, error, took);
    let line = match became {
        Became::Confirmed => Line { success: Some(true), ..line },
        Became::Rejected => Line { success: Some(false), ..line },
        Became::Unknown => {
            let error = line.error.filter(|code| !code.is_empty());
            Line { success: None, error: error.or(Some("outcome unknown".to_owned())), ..line }
        }
    };
    call.app.gate.ledger.outcome(line, Some(account.used(call.client.ip)), became, None).await;
}

/// What the answer, or its absence, says about a call.
pub(super) fn became(
    call: &Call<'_>,
    outcome: &Result<Answer, Failure>,
    error: Option<&ExchangeError>,
) -> Became {
    let orders = match call.request.reading() {
        Reading::Orders(orders) => orders.len(),
        _ => 1,
    };
    Became::of(outcome, error, orders)
}

/// The intent was recorded and nothing left us.
pub(super) async fn not_sent(call: &Call<'_>, account: &Account, denial: &Denial) {
    let line = Line {
        success: Some(false),
        error: Some(format!("not sent: {}", denial.text)),
        ..line(call, account, "outcome")
    };
    call.app.gate.ledger.outcome(line, None, Became::Rejected, None).await;
}

/// A call that was refused, with the rule that decided.
pub(super) async fn denial(call: &Call<'_>, account: &Account, denial: &Denial) {
    let line = refused(line(call, account, "event"), denial.rule, &denial.text);
    call.app.gate.records.push(call.app, line, None).await;
}

/// A use of bait. Its owner reads what it was; whoever used it does not.
pub(super) async fn bait(call: &Call<'_>, bait: &Bait) {
    let subject = Subject {
        user: bait.user,
        api_key: bait.api_key,
        access_key: bait.access_key,
        connection: bait.connection,
        bot: Some(bait.bot),
        environment: &bait.environment,
    };
    let line = refused(line_of(call, &subject, "event"), "honey-key", "a honey key was used");
    call.app.gate.records.push(call.app, line, None).await;
}

fn refused(line: Line, rule: &'static str, why: &str) -> Line {
    let (rule, error) = (Some(rule), Some(why.to_owned()));
    Line { decision: "deny", rule, success: Some(false), error, ..line }
}

/// The answer to a read that came over a stream: recorded a moment later.
pub(super) async fn later(
    call: &Call<'_>,
    account: &Account,
    outcome: &Result<Answer, Failure>,
    error: Option<ExchangeError>,
    took: Duration,
) {
    let line = with_outcome(line(call, account, "event"), outcome, error, took);
    call.app.gate.records.push(call.app, line, Some(account.used(call.client.ip))).await;
}

/// A read under way. It has its place in the queue of records before it is sent, so that it is on record whatever
/// becomes of its task: dropped in the middle, because the client went away, it says that nobody knows the outcome.
pub(super) struct Read<'c> {
    call: &'c Call<'c>,
    account: &'c Account,
    room: Option<Room<'c>>,
}

impl<'c> Read<'c> {
    /// Waits for a place while the queue is full.
    pub async fn begin(call: &'c Call<'c>, account: &'c Account) -> Self {
        Read { call, account, room: call.app.gate.records.room().await }
    }

    pub async fn end(
        mut self,
        outcome: &Result<Answer, Failure>,
        error: Option<ExchangeError>,
        took: Duration,
    ) {
        let line = with_outcome(line(self.call, self.account, "event"), outcome, error, took);
        let used = Some(self.account.used(self.call.client.ip));
        match self.room.take() {
            Some(room) => room.fill(line, used),
            None => self.call.app.gate.records.push(self.call.app, line, used).await,
        }
    }

    /// Nothing left us, and this is why.
    pub async fn refuse(mut self, denial: &Denial) {
        let line = refused(line(self.call, self.account, "event"), denial.rule, &denial.text);
        match self.room.take() {
            Some(room) => room.fill(line, None),
            None => self.call.app.gate.records.push(self.call.app, line, None).await,
        }
    }
}

impl Drop for Read<'_> {
    fn drop(&mut self) {
        let Some(room) = self.room.take() else { return };
        let error = Some("outcome unknown: the client went away".to_owned());
        room.fill(
            Line { error, ..line(self.call, self.account, "event") },
            Some(self.account.used(self.call.client.ip)),
        );
    }
}

/// Whose record it is.
struct Subject<'a> {
    user: Uuid,
    api_key: Uuid,
    access_key: Uuid,
    connection: Uuid,
    bot: Option<Uuid>,
    environment: &'a str,
}

fn line(call: &Call<'_>, account: &Account, phase: &'static str) -> Line {
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

fn line_of(call: &Call<'_>, subject: &Subject<'_>, phase: &'static str) -> Line {
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
    fn uses(&self) -> i32 {
        i32::from(self.decision == "allow" && self.phase != "outcome")
    }
}

pub(super) fn with_outcome(
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

/// Signatures that are too old to be accepted again need not be remembered.
pub async fn forget_signatures(app: &App) -> crate::error::Result<()> {
    store::forget_signatures(app).await
}

pub(super) fn name(symbol: &Symbol) -> String {
    match symbol {
        Symbol::Market(name) => name.clone(),
        Symbol::Pair { base, quote } => format!("{base}/{quote}"),
    }
}
