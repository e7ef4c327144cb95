//! What several dialects need to know about a market before each says it in its own words.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::config::Pair;
use crate::floor::{AccountId, Fill, Floor, Order, Side, Terms};

/// The last day of a pair; the tape is never older.
pub(crate) struct Day {
    pub(crate) open: Decimal,
    pub(crate) last: Decimal,
    pub(crate) last_quantity: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) volume: Decimal,
    pub(crate) quote_volume: Decimal,
    /// Best price with its quantity; zeros if that side is empty.
    pub(crate) bid: (Decimal, Decimal),
    pub(crate) ask: (Decimal, Decimal),
}

/// What is wrong with an order at a pair.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    PriceRange,
    PriceTick,
    QuantityStep,
    TooLarge,
    TooSmall,
    /// Worth too little.
    TooCheap,
}

/// How far a price may lie above the pair's.
const PRICE_FACTOR: Decimal = Decimal::ONE_HUNDRED;

impl Day {
    pub(crate) fn of(floor: &Floor, pair: usize) -> Self {
        let (open, last) = (floor.pairs[pair].price, floor.last_price(pair));
        let tape = floor.tape(pair);
        let prices = || tape.iter().map(|print| print.price).chain([open, last]);
        let best = |side| floor.depth(pair, side, 1).first().copied().unwrap_or_default();
        Self {
            open,
            last,
            last_quantity: tape.back().map_or(Decimal::ZERO, |print| print.quantity),
            high: prices().max().unwrap_or(last),
            low: prices().min().unwrap_or(last),
            volume: tape.iter().map(|print| print.quantity).sum(),
            quote_volume: tape.iter().map(|print| print.quantity * print.price).sum(),
            bid: best(Side::Buy),
            ask: best(Side::Sell),
        }
    }

    /// The change since the day began, as a share of the first price.
    pub(crate) fn change(&self) -> Decimal {
        (self.last - self.open) / self.open
    }
}

/// The first rule of the pair that the order breaks.
pub(crate) fn flaw(pair: &Pair, terms: &Terms) -> Option<Flaw> {
    if let Some(price) = terms.price() {
        if price < pair.tick || price > pair.price * PRICE_FACTOR {
            return Some(Flaw::PriceRange);
        }
        if !(price % pair.tick).is_zero() {
            return Some(Flaw::PriceTick);
        }
    }
    let worth = match *terms {
        Terms::Limit { quantity, .. } | Terms::Market { quantity } => {
            if let Some(flaw) = quantity_flaw(pair, quantity) {
                return Some(flaw);
            }
            quantity * terms.price().unwrap_or(pair.price)
        }
        Terms::MarketQuote { amount } if amount > pair.max_quantity * pair.price => {
            return Some(Flaw::TooLarge);
        }
        Terms::MarketQuote { amount } => amount,
    };
    (worth < pair.min_notional).then_some(Flaw::TooCheap)
}

fn quantity_flaw(pair: &Pair, quantity: Decimal) -> Option<Flaw> {
    if quantity < pair.min_quantity {
        Some(Flaw::TooSmall)
    } else if quantity > pair.max_quantity {
        Some(Flaw::TooLarge)
    } else {
        (!(quantity % pair.step).is_zero()).then_some(Flaw::QuantityStep)
    }
}

/// When the newest candles of this length opened, oldest first: those between `from` and `to` if both are given.
pub(crate) fn candles(length: i64, from: Option<i64>, to: i64, limit: usize) -> Vec<i64> {
    let count = i64::try_from(limit).unwrap_or(i64::MAX);
    let last = to.saturating_sub(to.rem_euclid(length));
    let first = match from {
        Some(from) => from.saturating_add((length - from.rem_euclid(length)) % length),
        None => last.saturating_sub(length.saturating_mul(count - 1)),
    };
    let opens = (0..count).map(|index| first.saturating_add(length.saturating_mul(index)));
    opens.take_while(|open| *open <= last).collect()
}

/// Every asset that is traded, once.
pub(crate) fn assets(floor: &Floor) -> BTreeSet<&str> {
    floor.pairs.iter().flat_map(|pair| [pair.base.as_str(), pair.quote.as_str()]).collect()
}

/// The account's trades, newest first.
pub(crate) fn fills(floor: &Floor, account: AccountId) -> Vec<(&Order, &Fill)> {
    let orders = floor.orders(account);
    let mut fills: Vec<_> =
        orders.flat_map(|order| order.fills.iter().map(move |fill| (order, fill))).collect();
    fills.sort_by_key(|(_, fill)| std::cmp::Reverse(fill.trade_id));
    fills
}

/// The client id of an order that came without one.
pub(crate) fn nameless(floor: &Floor) -> String {
    format!("#{}", floor.last_id() + 1)
}

/// The client id the order came with; empty if it came without.
pub(crate) fn client_id(order: &Order) -> &str {
    if order.client_id.starts_with('#') { "" } else { &order.client_id }
}

/// Without zeros at the end.
pub(crate) fn plain(amount: Decimal) -> String {
    amount.normalize().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::floor::Force;

    #[test]
    fn candles_open_at_whole_lengths_and_whatever_is_asked_does_no_harm() {
        assert_eq!(candles(60, None, 200, 3), [60, 120, 180]);
        assert_eq!(candles(60, Some(61), 200, 5), [120, 180]);
        assert_eq!(candles(60, Some(-60), 200, 2), [-60, 0]);
        for edge in [i64::MIN, i64::MAX] {
            assert!(candles(60, Some(edge), edge, 1000).len() <= 1000);
            assert!(candles(60, None, edge, 1000).len() <= 1000);
        }
    }

    #[test]
    fn an_order_breaks_one_rule_at_a_time() {
        let pair = &Config::demo().exchanges["okx"].pairs[0];
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        let limit = |price: &str, quantity: &str| {
            let force = Force::GoodTillCancel;
            flaw(pair, &Terms::Limit { price: dec(price), quantity: dec(quantity), force })
        };
        assert_eq!(limit("50000.1", "0.0001"), None);
        assert_eq!(limit("50000.15", "0.0001"), Some(Flaw::PriceTick));
        assert_eq!(limit("6000000.1", "0.0001"), Some(Flaw::PriceRange));
        assert_eq!(limit("50000", "0.00005"), Some(Flaw::TooSmall));
        assert_eq!(limit("50000", "0.00015"), Some(Flaw::QuantityStep));
        assert_eq!(limit("50000", "9000.0001"), Some(Flaw::TooLarge));
        assert_eq!(limit("49999.9", "0.0001"), Some(Flaw::TooCheap));
        let quote = |amount: &str| flaw(pair, &Terms::MarketQuote { amount: dec(amount) });
        assert_eq!((quote("5"), quote("4.99")), (None, Some(Flaw::TooCheap)));
        assert_eq!(quote("540000000.01"), Some(Flaw::TooLarge));
    }
}
