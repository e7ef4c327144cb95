//! May this access key make this call with this key? Default deny: every right has to be there.

use exchange::{Class, Definition, Reading, Symbol};

use super::{
    Call, Denial,
    account::{Account, Rights},
    credential::Presented,
};
use crate::{app::App, auth::Client};

pub fn decide(call: &Call<'_>, account: &Account, presented: &Presented) -> Result<(), Denial> {
    allowed(call.app, &call.client, call.request.class(), account)?;
    withdrawal(call, presented)?;
    within_symbol(call, account)
}

/// What holds for every call of a class, whatever it asks for; of an open stream at any moment.
pub fn allowed(app: &App, client: &Client, class: Class, account: &Account) -> Result<(), Denial> {
    alive(app, account)?;
    from_allowed_address(client, account)?;
    in_scope(class, account)?;
    permitted(class, &account.rights)
}

/// User, bot, access key and connection must all be in use at this moment.
fn alive(app: &App, account: &Account) -> Result<(), Denial> {
    let now = app.clock.now();
    let stop = |rule, text: &str| Err(Denial::denied(rule, text));
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

/// No list: from anywhere. An empty list: from nowhere.
fn from_allowed_address(client: &Client, account: &Account) -> Result<(), Denial> {
    let lists = [&account.allowed_addresses, &account.rights.allowed_addresses];
    let inside = |list: &Vec<sqlx::types::ipnetwork::IpNetwork>| {
        list.iter().any(|network| network.contains(client.ip))
    };
    match lists.into_iter().flatten().all(inside) {
        true => Ok(()),
        false => Err(Denial::denied("address", format!("calls from {} are not allowed", client.ip))),
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
fn permitted(class: Class, rights: &Rights) -> Result<(), Denial> {
    let (allowed, what) = match class {
        Class::Public => (true, "read"),
        Class::Read => (rights.read, "read"),
        Class::Trade => (rights.trade, "trade"),
        Class::Transfer | Class::Finance => (rights.transfer, "transfer"),
        Class::Subaccount => (rights.sub_accounts, "manage sub-accounts"),
        Class::Withdraw => (rights.withdraw, "withdraw"),
        Class::Session => (false, "open sessions that bypass Keygate"),
        Class::KeyAdmin => (false, "manage API keys"),
    };
    match allowed {
        true => Ok(()),
        false => Err(Denial::denied("permission", format!("this key may not {what}"))),
    }
}

/// A withdrawal is signed with the pair itself, and says what leaves and where to.
fn withdrawal(call: &Call<'_>, presented: &Presented) -> Result<(), Denial> {
    if call.request.class() != Class::Withdraw {
        return Ok(());
    }
    match (presented, call.request.reading()) {
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

/// A bot with a symbol trades that one only; what cannot be read is refused. Cancels may always go.
fn within_symbol(call: &Call<'_>, account: &Account) -> Result<(), Denial> {
    let Some(symbol) = account.bot.as_ref().and_then(|bot| bot.symbol.as_deref()) else { return Ok(()) };
    if call.request.class() != Class::Trade {
        return Ok(());
    }
    match call.request.reading() {
        Reading::Cancel { .. } => Ok(()),
        Reading::Orders(orders)
            if orders.iter().all(|order| same(call.definition, &order.symbol, symbol)) =>
        {
            Ok(())
        }
        Reading::Orders(_) => Err(Denial::denied("symbol", format!("this bot may trade {symbol} only"))),
        _ => Err(Denial::denied(
            "symbol",
            format!("this bot may trade {symbol} only, and this call does not say what it trades"),
        )),
    }
}

/// `BTC/USDT` is one market however the exchange spells it. A name as the exchange spells it is that market alone: Upbit's
/// `BTC-USDT` is dollars for bitcoins.
fn same(definition: &Definition, traded: &Symbol, allowed: &str) -> bool {
    if let Symbol::Market(name) = traded
        && name.eq_ignore_ascii_case(allowed)
    {
        return true;
    }
    let separator = allowed.chars().find(|sign| ['/', '-', '_'].contains(sign));
    match (separator.and_then(|sign| allowed.split_once(sign)), traded) {
        (Some((base, quote)), Symbol::Pair { .. }) => definition.is_market(traded, base, quote),
        (Some((base, quote)), Symbol::Market(_)) => {
            let own = separator.is_some_and(|sign| sign != '/' && definition.spells_with(sign));
            !own && definition.is_market(traded, base, quote)
        }
        (None, Symbol::Market(_)) => false,
        (None, Symbol::Pair { base, quote }) => format!("{base}{quote}").eq_ignore_ascii_case(allowed),
    }
}

#[cfg(test)]
mod tests {
    use exchange::Exchanges;

    use super::*;

    #[test]
    fn a_market_is_held_to_by_its_usual_name_and_by_the_exchanges_own() {
        let exchanges = Exchanges::builtin();
        let same = |id: &str, traded: &str, allowed: &str| {
            same(exchanges.get(id).unwrap(), &Symbol::Market(traded.to_owned()), allowed)
        };
        for (id, traded, allowed) in [
            ("binance", "BTCUSDT", "BTC/USDT"),
            ("binance", "BTCUSDT", "BTC-USDT"),
            ("binance", "BTCUSDT", "BTCUSDT"),
            ("kraken", "XXBTZUSD", "BTC/USD"),
            ("kraken", "XXBTZUSD", "XXBTZUSD"),
            ("upbit", "KRW-BTC", "BTC/KRW"),
            ("upbit", "KRW-BTC", "KRW-BTC"),
            ("upbit", "BTC-USDT", "BTC-USDT"),
        ] {
            assert!(same(id, traded, allowed), "{id} {traded} {allowed}");
        }
        for (id, traded, allowed) in [
            ("binance", "ETHUSDT", "BTC/USDT"),
            ("upbit", "BTC-KRW", "BTC/KRW"),
            ("upbit", "USDT-BTC", "BTC-USDT"),
            ("okx", "BTC-USDT-SWAP", "BTC-USDT"),
        ] {
            assert!(!same(id, traded, allowed), "{id} {traded} {allowed}");
        }
    }
}
