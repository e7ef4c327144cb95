//! The record of every call. For calls that move money it is committed before the signature exists and
//! again after the answer, a moment later if the exchange can be asked; for reads it waits in a bounded queue, at most a moment. When it is full
//! reads wait for room: nothing is dropped.

use std::time::Duration;

use exchange::{ExchangeError, Reading};
use rust_decimal::Decimal;

use super::{
    Account, Call, Denial,
    account::Bait,
    credential::Proof,
    ledger::{Became, Verdict},
    spend::Ask,
};
use crate::{
    app::App,
    risk::Alarm,
    upstream::{Answer, Failure},
};

mod line;
mod read;
mod row;
pub(super) mod store;
mod writer;

pub use line::{Line, Own, Used};
pub(super) use line::{name, of_our_own, with_outcome};
pub(super) use read::{Read, later};
pub(super) use row::Row;
pub use writer::{Queue, Writer, queue};

use line::{Subject, line, line_of};

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
    let (line, became) = settled(call, account, outcome, error, took);
    call.app.gate.records.touch(account.user, account.used(call.client.ip));
    call.app.gate.ledger.outcome(line, became, None).await;
}

/// The same; a yes to what the exchange can be asked about does not wait for the commit. A no gives money back, which
/// whoever reads it may count on.
pub(super) async fn outcome_of_order(
    call: &Call<'_>,
    account: &Account,
    outcome: &Result<Answer, Failure>,
    error: Option<ExchangeError>,
    took: Duration,
) {
    call.app.gate.records.touch(account.user, account.used(call.client.ip));
    match settled(call, account, outcome, error, took) {
        (line, Became::Confirmed) => call.app.gate.ledger.confirmed_soon(line).await,
        (line, became) => call.app.gate.ledger.outcome(line, became, None).await,
    }
}

fn settled(
    call: &Call<'_>,
    account: &Account,
    outcome: &Result<Answer, Failure>,
    error: Option<ExchangeError>,
    took: Duration,
) -> (Line, Became) {
    let became = became(call, outcome, error.as_ref());
    let line = with_outcome(line(call, account, "outcome"), outcome, error, took);
    if became == Became::Confirmed && in_parts(call, outcome) {
        // each is asked about by its id
        let error = Some("some of its orders were refused".to_owned());
        return (Line { success: None, error, ..line }, Became::Unknown);
    }
    let line = match became {
        Became::Confirmed => Line { success: Some(true), ..line },
        Became::Rejected => Line { success: Some(false), ..line },
        Became::Unknown => {
            let error = line.error.filter(|code| !code.is_empty());
            Line { success: None, error: error.or(Some("outcome unknown".to_owned())), ..line }
        }
    };
    (line, became)
}

/// Whether a batch that is a success holds orders the exchange did not take.
fn in_parts(call: &Call<'_>, outcome: &Result<Answer, Failure>) -> bool {
    let is_batch = matches!(call.request.reading(), Reading::Orders(orders) if orders.len() > 1);
    is_batch && outcome.as_ref().is_ok_and(|answer| call.definition.refuses_some(&answer.body))
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
    call.app.gate.ledger.outcome(line, Became::Rejected, None).await;
}

/// A call that was refused, with the rule that decided.
pub(super) async fn denial(call: &Call<'_>, account: &Account, denial: &Denial) {
    let line = refused(line(call, account, "event"), denial.rule, &denial.text);
    call.app.gate.records.push(call.app, line, None).await;
}

/// A use of bait. Its owner reads what it was; whoever used it does not.
pub(super) async fn bait(call: &Call<'_>, bait: &Bait, alarm: Alarm) {
    let subject = Subject {
        user: bait.user,
        api_key: bait.api_key,
        access_key: bait.access_key,
        connection: bait.connection,
        bot: Some(bait.bot),
        environment: &bait.environment,
    };
    let line = refused(line_of(call, &subject, "event"), "honey-key", "a honey key was used");
    call.app.gate.records.push_alarm(call.app, line, alarm).await;
}

fn refused(line: Line, rule: &'static str, why: &str) -> Line {
    let (rule, error) = (Some(rule), Some(why.to_owned()));
    Line { decision: "deny", rule, success: Some(false), error, ..line }
}

/// Signatures that are too old to be accepted again need not be remembered.
pub async fn forget_signatures(app: &App) -> crate::error::Result<()> {
    store::forget_signatures(app).await
}
