//! May this access key make this call with this key? Default deny: every right has to be there.

use std::net::IpAddr;

use exchange::{Class, Definition, Reading, Request};
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;

use super::{
    Denial,
    account::Account,
    credential::Presented,
    leverage,
    noted::{Noted, is_dry, weigh},
    symbol,
};
use crate::limits::Limits;

/// A call as it is decided on.
pub struct Attempt<'a> {
    pub definition: &'a Definition,
    pub request: &'a Request,
    pub presented: &'a Presented,
    pub whence: Whence,
}

/// From where, and when.
#[derive(Clone, Copy)]
pub struct Whence {
    pub ip: IpAddr,
    pub at: OffsetDateTime,
}

pub fn decide(attempt: &Attempt<'_>, account: &Account, noted: &Noted) -> Result<(), Denial> {
    let Attempt { definition, request, presented, whence } = *attempt;
    let (limits, class, reading) = (&account.limits, request.class(), request.reading());
    allowed(whence, class, account)?;
    withdrawal(request, presented)?;
    symbol::of_bot(definition, class, reading, account.bot.as_ref())?;
    let noted = is_dry(limits, class).then_some(noted);
    weigh(noted, placed(whence.ip, limits))?;
    weigh(noted, symbol::of_connection(definition, class, reading, limits))?;
    weigh(noted, leverage::within(request, limits))?;
    Ok(())
}

/// What holds for every call of a class, whatever it asks for; of an open stream at any moment.
pub fn allowed(whence: Whence, class: Class, account: &Account) -> Result<(), Denial> {
    alive(whence.at, account)?;
    inside(account.allowed_addresses.as_deref(), whence.ip)?;
    if !is_dry(&account.limits, class) {
        placed(whence.ip, &account.limits)?;
    }
    in_scope(class, account)?;
    permitted(class, &account.limits)
}

/// The same of a call that has waited since. Keygate itself asks for the tokens of sessions, which no call may.
pub fn still(whence: Whence, class: Class, account: &Account) -> Result<(), Denial> {
    match class {
        Class::Session => alive(whence.at, account),
        _ => allowed(whence, class, account),
    }
}

/// User, bot, access key and connection must all be in use at this moment.
fn alive(now: OffsetDateTime, account: &Account) -> Result<(), Denial> {
    let stop = |rule, text: &str| Err(Denial::denied(rule, text));
    if account.stopped {
        return stop("panic", "all signing is stopped until its owner starts it again");
    }
    if account.revoked {
        return stop("revoked", "this access key is revoked");
    }
    if account.expires_at.is_some_and(|end| end <= now) {
        return stop("expired", "this access key has expired");
    }
    if !account.user_is_active {
        return stop("inactive-user", "the owner's account is not active");
    }
    if account.bot.as_ref().is_some_and(|bot| !bot.is_active) {
        return stop("bot-stopped", "this bot is stopped");
    }
    match account.connection.status.as_str() {
        "active" => Ok(()),
        "paused" => stop("paused", "the connection is paused"),
        _ => stop("connection-deleted", "the connection is deleted"),
    }
}

/// The addresses of the connection.
pub(super) fn placed(ip: IpAddr, limits: &Limits) -> Result<(), Denial> {
    inside(limits.allowed_ip_addresses.as_deref(), ip)
}

/// No list: from anywhere. An empty list: from nowhere.
fn inside(list: Option<&[IpNetwork]>, ip: IpAddr) -> Result<(), Denial> {
    match list.is_none_or(|list| list.iter().any(|network| network.contains(ip))) {
        true => Ok(()),
        false => Err(Denial::denied("address", format!("calls from {ip} are not allowed"))),
    }
}

fn in_scope(class: Class, account: &Account) -> Result<(), Denial> {
    let needed = match class {
        Class::Public | Class::Read => "read",
        Class::Withdraw => "withdraw",
        Class::Transfer | Class::Subaccount | Class::Finance => "transfer",
        _ => "trade",
    };
    // Whoever may trade may look.
    let covered =
        account.scopes.iter().any(|scope| scope == needed || (needed == "read" && scope == "trade"));
    match covered {
        true => Ok(()),
        false => Err(Denial::denied("scope", format!("this access key does not have the scope '{needed}'"))),
    }
}

/// The owner's choice for the exchange key behind it all.
pub(super) fn permitted(class: Class, limits: &Limits) -> Result<(), Denial> {
    let (allowed, what) = match class {
        Class::Public => (true, "read"),
        Class::Read => (limits.can_read, "read"),
        Class::Trade => (limits.can_trade, "trade"),
        Class::Transfer | Class::Finance => (limits.can_transfer, "transfer"),
        Class::Subaccount => (limits.can_manage_sub_accounts, "manage sub-accounts"),
        Class::Withdraw => (limits.can_withdraw, "withdraw"),
        Class::Session => (false, "open sessions that bypass Keygate"),
        Class::KeyAdmin => (false, "manage API keys"),
    };
    match allowed {
        true => Ok(()),
        false => Err(Denial::denied("permission", format!("this key may not {what}"))),
    }
}

/// A withdrawal is signed with the pair itself, and says what leaves and where to.
fn withdrawal(request: &Request, presented: &Presented) -> Result<(), Denial> {
    if request.class() != Class::Withdraw {
        return Ok(());
    }
    match (presented, request.reading()) {
        (Presented::Token { .. }, _) => Err(Denial::denied(
            "withdraw-needs-pair",
            "withdrawals need a request signed with a virtual pair",
        )),
        (Presented::Pair { .. }, Reading::Withdrawal(_)) => Ok(()),
        _ => Err(Denial::denied(
            "unreadable-withdrawal",
            "this call does not say what is withdrawn and where to",
        )),
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub mod promise;

#[cfg(test)]
mod tests;
