//! What anyone may know of a market, before each dialect says it in its own words.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::amount::plain;
use crate::floor::{Floor, Side};

/// The last day of a pair; the tape is never older.
pub(crate) struct Day {
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) last: Decimal,
    pub(crate) last_quantity: Decimal,
    pub(crate) volume: Decimal,
    pub(crate) quote_volume: Decimal,
    pub(crate) trades: usize,
    /// Best price with its quantity; zeros if that side is empty.
    pub(crate) bid: (Decimal, Decimal),
    pub(crate) ask: (Decimal, Decimal),
}

impl Day {
    /// The change since the day began, as a share of the first price.
    pub(crate) fn change(&self) -> Decimal {
        (self.last - self.open) / self.open
    }

    /// Volume-weighted average price.
    pub(crate) fn average(&self) -> Decimal {
        if self.volume.is_zero() { self.last } else { self.quote_volume / self.volume }
    }
}

impl Floor {
    pub(crate) fn day(&self, pair: usize) -> Day {
        let (open, last, tape) = (self.pairs[pair].price, self.last_price(pair), self.tape(pair));
        let prices = || tape.iter().map(|print| print.price).chain([open, last]);
        Day {
            open,
            high: prices().max().unwrap_or(last),
            low: prices().min().unwrap_or(last),
            last,
            last_quantity: tape.back().map_or(Decimal::ZERO, |print| print.quantity),
            volume: tape.iter().map(|print| print.quantity).sum(),
            quote_volume: tape.iter().map(|print| print.quantity * print.price).sum(),
            trades: tape.len(),
            bid: self.best(pair, Side::Buy),
            ask: self.best(pair, Side::Sell),
        }
    }

    fn best(&self, pair: usize, side: Side) -> (Decimal, Decimal) {
        self.depth(pair, side, 1).first().copied().unwrap_or_default()
    }

    /// One side of the book as price and quantity in text, best price first.
    pub(crate) fn levels(&self, pair: usize, side: Side, limit: usize) -> Vec<[String; 2]> {
        let levels = self.depth(pair, side, limit).into_iter();
        levels.map(|(price, quantity)| [plain(price), plain(quantity)]).collect()
    }

    /// Everything that is traded here, by name.
    pub(crate) fn assets(&self) -> BTreeSet<&str> {
        self.pairs.iter().flat_map(|pair| [pair.base.as_str(), pair.quote.as_str()]).collect()
    }

    /// The pair of these two assets.
    pub(crate) fn pair_of(&self, base: &str, quote: &str) -> Option<usize> {
        self.pairs.iter().position(|pair| pair.base == base && pair.quote == quote)
    }

    /// The pair whose name is written like this, such as `BTC-USDT` with `-` between its assets.
    pub(crate) fn pair_named(&self, name: &str, between: &str) -> Option<usize> {
        let (base, quote) = name.split_once(between)?;
        self.pair_of(base, quote)
    }
}

/// When candles of this length opened, oldest first and at most `limit`: the first at `from` or later, or without
/// that the last ones until `to`. The unit is that of the arguments.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_open_at_whole_lengths_and_whatever_is_asked_does_no_harm() {
        assert_eq!(candles(60, None, 200, 3), [60, 120, 180]);
        assert_eq!(candles(60, Some(61), 200, 5), [120, 180]);
        assert_eq!(candles(60, Some(400), 310, 10), Vec::<i64>::new());
        assert_eq!(candles(60, Some(-60), 200, 2), [-60, 0]);
        for edge in [i64::MIN, i64::MAX] {
            assert!(candles(60, Some(edge), edge, 1000).len() <= 1000);
            assert!(candles(60, None, edge, 1000).len() <= 1000);
        }
    }
}
