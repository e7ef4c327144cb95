//! What every dialect asks about a pair: whether an order keeps to its filters, how its day went, its candles.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::config::Pair;
use crate::floor::{Floor, Side, Terms};

/// The filter of a pair that an order does not keep to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Breach {
    /// The price is below one tick or between two.
    Tick,
    /// The quantity is between two steps.
    Step,
    MinQuantity,
    MaxQuantity,
    MinNotional,
}

/// A pair as tickers show it. What was traded counts whole, however long ago.
pub(crate) struct Day {
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) last: Decimal,
    pub(crate) volume: Decimal,
    pub(crate) quote_volume: Decimal,
    pub(crate) trades: usize,
    /// Price and quantity; zeros if the side is empty.
    pub(crate) bid: (Decimal, Decimal),
    pub(crate) ask: (Decimal, Decimal),
}

impl Pair {
    /// Whether an order in this pair may be placed. A market order counts at the pair's middle price.
    pub(crate) fn judge(&self, terms: &Terms) -> Result<(), Breach> {
        if terms.price().is_some_and(|price| price < self.tick || !(price % self.tick).is_zero()) {
            return Err(Breach::Tick);
        }
        let notional = match *terms {
            Terms::Limit { quantity, .. } | Terms::Market { quantity } => {
                self.judge_quantity(quantity)?;
                quantity * terms.price().unwrap_or(self.price)
            }
            Terms::MarketQuote { amount } => amount,
        };
        if notional < self.min_notional { Err(Breach::MinNotional) } else { Ok(()) }
    }

    fn judge_quantity(&self, quantity: Decimal) -> Result<(), Breach> {
        match quantity {
            quantity if quantity < self.min_quantity => Err(Breach::MinQuantity),
            quantity if quantity > self.max_quantity => Err(Breach::MaxQuantity),
            quantity if !(quantity % self.step).is_zero() => Err(Breach::Step),
            _ => Ok(()),
        }
    }
}

impl Day {
    /// Volume-weighted average price.
    pub(crate) fn average(&self) -> Decimal {
        if self.volume.is_zero() { self.last } else { self.quote_volume / self.volume }
    }

    /// How much of the opening price was won since.
    pub(crate) fn change(&self) -> Decimal {
        if self.open.is_zero() { Decimal::ZERO } else { (self.last - self.open) / self.open }
    }
}

impl Floor {
    pub(crate) fn day(&self, pair: usize) -> Day {
        let (open, last, tape) = (self.pairs[pair].price, self.last_price(pair), self.tape(pair));
        let prices = || tape.iter().map(|print| print.price).chain([open, last]);
        let best = |side| self.depth(pair, side, 1).first().copied().unwrap_or_default();
        Day {
            open,
            high: prices().max().unwrap_or(last),
            low: prices().min().unwrap_or(last),
            last,
            volume: tape.iter().map(|print| print.quantity).sum(),
            quote_volume: tape.iter().map(|print| print.quantity * print.price).sum(),
            trades: tape.len(),
            bid: best(Side::Buy),
            ask: best(Side::Sell),
        }
    }

    /// Everything that is traded here, by name.
    pub(crate) fn assets(&self) -> BTreeSet<&str> {
        self.pairs.iter().flat_map(|pair| [pair.base.as_str(), pair.quote.as_str()]).collect()
    }
}

/// Decimal places of a tick or step.
pub(crate) fn decimals(unit: Decimal) -> u32 {
    unit.normalize().scale()
}

/// Without trailing zeros.
pub(crate) fn plain(amount: Decimal) -> String {
    amount.normalize().to_string()
}

/// When the candles of this length begin that lie between two moments, oldest first, the latest `limit` of them.
pub(crate) fn candles(length: i64, from: Option<i64>, until: i64, limit: i64) -> Vec<i64> {
    let last = until.max(0) / length;
    let next = |from: i64| from.max(0) / length + i64::from(from.max(0) % length > 0);
    let first = last.saturating_sub(limit - 1).max(from.map_or(0, next)).max(0);
    (first..=last).map(|number| number * length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::floor::Force;

    #[test]
    fn an_order_keeps_to_every_filter_of_its_pair() {
        let venue = Config::demo().exchanges["htx"].clone();
        let judge = |price: &str, quantity: &str| {
            let (price, quantity) = (price.parse().unwrap(), quantity.parse().unwrap());
            venue.pairs[0].judge(&Terms::Limit { price, quantity, force: Force::GoodTillCancel })
        };
        assert_eq!(judge("50000.1", "0.001"), Ok(()));
        assert_eq!(judge("50000.11", "0.001"), Err(Breach::Tick));
        assert_eq!(judge("0", "0.001"), Err(Breach::Tick));
        assert_eq!(judge("50000", "0.00111"), Err(Breach::Step));
        assert_eq!(judge("50000", "0"), Err(Breach::MinQuantity));
        assert_eq!(judge("50000", "9000.1"), Err(Breach::MaxQuantity));
        assert_eq!(judge("1", "0.001"), Err(Breach::MinNotional));
    }

    #[test]
    fn candles_begin_at_multiples_of_their_length() {
        assert_eq!(candles(60, None, 310, 3), [180, 240, 300]);
        assert_eq!(candles(60, Some(190), 310, 10), [240, 300]);
        assert_eq!(candles(60, Some(400), 310, 10), Vec::<i64>::new());
        assert_eq!(candles(60, Some(i64::MIN), i64::MIN, 10), [0]);
        assert_eq!(candles(60, Some(i64::MAX), 310, 10), Vec::<i64>::new());
    }
}
