//! Which markets may be traded: those of the bot, of the connection's list, and none that is blocked.

use exchange::{Class, Definition, Order, Reading, Symbol};

use super::{Denial, account::Bot};
use crate::limits::Limits;

/// A bot with a symbol trades that one only. What cannot be read is refused. Cancels may always go.
pub fn of_bot(
    definition: &Definition,
    class: Class,
    reading: &Reading,
    bot: Option<&Bot>,
) -> Result<(), Denial> {
    let own = bot.and_then(|bot| bot.symbol.as_ref());
    match own.filter(|_| class == Class::Trade) {
        None => Ok(()),
        Some(own) => {
            let list = std::slice::from_ref(own);
            every(reading, |order| on(definition, list, order), || only("this bot", list))
        }
    }
}

/// A connection with a list trades what is on it; what is blocked is traded by nobody.
pub fn of_connection(
    definition: &Definition,
    class: Class,
    reading: &Reading,
    limits: &Limits,
) -> Result<(), Denial> {
    if class != Class::Trade {
        return Ok(());
    }
    if let Some(list) = limits.allowed_symbols.as_deref() {
        every(reading, |order| on(definition, list, order), || only("this connection", list))?;
    }
    match limits.blocked_symbols.as_slice() {
        [] => Ok(()),
        blocked => every(
            reading,
            |order| !on(definition, blocked, order),
            || format!("this connection may not trade {}", blocked.join(", ")),
        ),
    }
}

fn every(reading: &Reading, fits: impl Fn(&Order) -> bool, rule: impl Fn() -> String) -> Result<(), Denial> {
    match reading {
        Reading::Cancel { .. } => Ok(()),
        Reading::Orders(orders) if orders.iter().all(fits) => Ok(()),
        Reading::Orders(_) => Err(Denial::denied("symbol", rule())),
        _ => Err(Denial::denied("symbol", format!("{}, and this call does not say what it trades", rule()))),
    }
}

fn on(definition: &Definition, list: &[String], order: &Order) -> bool {
    list.iter().any(|allowed| same(definition, &order.symbol, allowed))
}

fn only(whose: &str, list: &[String]) -> String {
    match list {
        [] => format!("{whose} may trade no market"),
        list => format!("{whose} may trade {} only", list.join(", ")),
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
