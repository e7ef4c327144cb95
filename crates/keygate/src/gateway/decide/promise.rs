//! What is promised of every decision, whatever arrives and whatever account, limits, prices and moment it meets: a call
//! passes if no rule refuses it, and only then. The rules are stated once more in `rules`, each by itself and without a
//! function of the decision; a call is decided here as the gateway decides it, without what lies between the steps: the
//! network, the database, how often and how unusually a key is used, and what the account has lost.

#![allow(clippy::expect_used, clippy::panic, reason = "for the tests and the fuzz target alone")]

mod dice;
mod found;
mod market;
mod met;
mod rules;
mod state;
mod worth;

use std::sync::LazyLock;

use exchange::{Answer as Dialect, Class, Definition, Exchanges, Incoming, Reading, Request};
use seal::token::StoredAccessKey;

use super::{Attempt, Whence, decide, still};
use crate::gateway::{
    Denial,
    account::Account,
    credential::Presented,
    exposure::Bounded,
    ledger::{
        Verdict, Window,
        sample::{Asker, Sample},
    },
    noted::{self, Noted},
    spend::{Ask, Scale},
};
use found::Found;
use rules::Past;
use state::{SIGNATURES, State, Used};

/// The exchanges calls are made to.
pub static EXCHANGES: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);

/// How a call was decided.
#[derive(Debug, PartialEq, Eq)]
pub enum Decided {
    /// It has no reading, so there is nothing to decide.
    Unread,
    Refused(&'static str),
    /// By this rule it would have been refused if this were no dry run.
    Noted(&'static str),
    Passed,
}

/// Any bytes, from a fuzzer: first what the call is decided on, then exchange and method, a line with the target, and the body.
#[cfg(feature = "fuzzing")]
pub fn fuzz(data: &[u8]) {
    let (state, call) = data.split_at(data.len().min(STATE));
    let [exchange, method, rest @ ..] = call else { return };
    let definition = EXCHANGES.iter().nth(usize::from(*exchange) % EXCHANGES.iter().count());
    let Some(definition) = definition else { return };
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let Ok(target) = std::str::from_utf8(&rest[..end]) else { return };
    let method = ["GET", "POST", "PUT", "DELETE", "PATCH"][usize::from(*method) % 5];
    let body = rest.get(end + 1..).unwrap_or_default();
    let incoming = Incoming { method, target, body, ..Incoming::default() };
    if let Err(broken) = kept(definition, incoming, state) {
        panic!("{}: {broken}", definition.id());
    }
}

/// Decides on a call, and once more on what is left if it passes; says how the first time, or which promise was broken.
pub fn kept(definition: &Definition, incoming: Incoming<'_>, state: &[u8]) -> Result<Decided, String> {
    let Ok(request) = definition.request(incoming) else { return Ok(Decided::Unread) };
    let state = State::new(state, definition, &request);
    let account = state.account();
    keeps_standing(&state, &account, request.class())?;
    let mut ledger = state.rows(&account).open();
    let first = Past { used: state.used, bought: state.bought.clone(), is_replay: state.pair == Some(false) };
    let signature = SIGNATURES[0];
    let decided = Scene { definition, request: &request, state: &state, account: &account, signature }
        .keeps(&mut ledger, &first)?;
    if matches!(decided, Decided::Passed | Decided::Noted(_)) {
        let again = Past {
            used: rules::used_after(&state, first.used, definition, &request),
            bought: [first.bought, state.purchases(definition, &request)].concat(),
            is_replay: state.pair.is_some() && !state.signs_anew,
        };
        let signature = SIGNATURES[usize::from(state.signs_anew)];
        Scene { definition, request: &request, state: &state, account: &account, signature }
            .keeps(&mut ledger, &again)?;
    }
    Ok(decided)
}

/// One call.
struct Scene<'a> {
    definition: &'a Definition,
    request: &'a Request,
    state: &'a State,
    account: &'a Account,
    signature: [u8; 32],
}

impl Scene<'_> {
    fn keeps(&self, ledger: &mut Sample, past: &Past) -> Result<Decided, String> {
        let Scene { definition, request, state, .. } = *self;
        let rules = rules::rules(state, past, definition, request);
        let noted = Noted::default();
        let decided = match self.decide(&noted, ledger) {
            Err(denial) if denial.kind == Dialect::Down => return Err(format!("trouble: {}", denial.text)),
            Err(denial) => Decided::Refused(denial.rule),
            Ok(()) => noted.rule().map_or(Decided::Passed, Decided::Noted),
        };
        let is_dry = rules::is_dry(state, request.class());
        let is_right = match decided {
            Decided::Refused(rule) => rules.refuses(rule) || !is_dry && rules.limits.has(rule),
            Decided::Noted(rule) => is_dry && !rules.surely_refuse() && rules.limits.has(rule),
            Decided::Passed => !rules.surely_refuse() && !rules.limits.surely_refuse(),
            Decided::Unread => false,
        };
        if !is_right {
            return Err(format!("{decided:?}, and these rules refuse it: {rules:?}"));
        }
        let expected = match decided {
            Decided::Passed | Decided::Noted(_) => rules::used_after(state, past.used, definition, request),
            Decided::Refused(_) | Decided::Unread => past.used,
        };
        let used = self.used(ledger);
        match used == expected {
            true => Ok(decided),
            false => Err(format!("{decided:?}: {expected:?} is to be used of the windows, and {used:?} is")),
        }
    }

    /// As the gateway does it: by what needs no figures, by what it is worth, and by the ledger.
    fn decide(&self, noted: &Noted, ledger: &mut Sample) -> Result<(), Denial> {
        let Scene { definition, request, state, account, signature } = *self;
        let presented = match state.pair {
            Some(_) => Presented::Pair { prefix: account.key_prefix.clone() },
            None => Presented::Token {
                key: StoredAccessKey { prefix: account.key_prefix.clone(), hash: String::new() },
                connection: None,
            },
        };
        let attempt = Attempt { definition, request, presented: &presented, whence: whence(state) };
        decide(&attempt, account, noted)?;
        if !request.class().moves_money() {
            return Ok(());
        }
        let limits = &account.limits;
        let dry = noted::is_dry(limits, request.class()).then_some(noted);
        let is_priced = match request.reading() {
            Reading::Orders(_) => limits.values_trades(),
            Reading::Withdrawal(_) => limits.values_withdrawals() || limits.stops_at_a_loss(),
            _ => false,
        };
        let book = state.book(definition).filter(|_| is_priced);
        let scale = Scale { definition, limits, noted: dry };
        let mut ask = scale.ask(request.class(), request.reading(), book.as_ref())?;
        if let (Some(book), Some(bounded)) = (&book, Bounded::of(&ask, limits)) {
            let position = noted::weigh(dry, bounded.position(&state.look(), book))?;
            ask = Ask { position, ..ask };
        }
        scale.shows(request, &ask)?;
        let asker = Asker {
            user: account.user,
            access_key: account.access_key,
            signature: state.pair.map(|_| signature),
            connection: account.connection.id,
            at: state.at,
        };
        match ledger.decide(&asker, &ask) {
            Verdict::Noted(rule) => noted.note(rule),
            verdict => verdict.denial(ask.usd()).map_or(Ok(()), Err)?,
        }
        Ok(())
    }

    fn used(&self, ledger: &Sample) -> Used {
        let used = |window| ledger.used(self.account.connection.id, window, self.state.at);
        Used {
            trade_day: used(Window::TradeDay),
            withdraw_day: used(Window::WithdrawDay),
            withdraw_month: used(Window::WithdrawMonth),
        }
    }
}

/// A call that has waited is held to what its access key and connection are by then.
fn keeps_standing(state: &State, account: &Account, class: Class) -> Result<(), String> {
    let mut found = Found::default();
    match class {
        // Keygate itself asks for tokens
        Class::Session => rules::alive(&mut found, state),
        _ => rules::standing(&mut found, state, class),
    }
    match still(whence(state), class, account) {
        Ok(()) if found.is_empty() => Ok(()),
        Err(denial) if found.has(denial.rule) => Ok(()),
        still => Err(format!("{:?} while it waits, and {found:?}", still.map_err(|denial| denial.rule))),
    }
}

fn whence(state: &State) -> Whence {
    Whence { ip: state.peer.to_canonical(), at: state.at }
}

/// Bytes that say what a call is decided on.
pub const STATE: usize = 128;
