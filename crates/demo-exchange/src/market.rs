//! What the public of any exchange may know of a pair: its day, its best prices, its book and its candles.

use rust_decimal::Decimal;

use crate::floor::{AccountId, Fill, Floor, Order, Side};

/// A plain number without needless zeros.
pub(crate) fn plain(amount: Decimal) -> String {
    amount.normalize().to_string()
}

/// How many decimals a step such as `0.001` leaves.
pub(crate) fn decimals(step: Decimal) -> u32 {
    step.normalize().scale()
}

/// What happened to a pair since the floor opened.
pub(crate) struct Day {
    pub(crate) open: Decimal,
    pub(crate) last: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) volume: Decimal,
    /// The volume in the quote asset.
    pub(crate) turnover: Decimal,
    /// Best price and quantity; zeros if nobody bids.
    pub(crate) bid: (Decimal, Decimal),
    pub(crate) ask: (Decimal, Decimal),
}

impl Day {
    pub(crate) fn of(floor: &Floor, pair: usize) -> Self {
        let (open, last, tape) = (floor.pairs[pair].price, floor.last_price(pair), floor.tape(pair));
        let prices = || tape.iter().map(|print| print.price).chain([open, last]);
        let best = |side| floor.depth(pair, side, 1).first().copied().unwrap_or_default();
        Self {
            open,
            last,
            high: prices().max().unwrap_or(last),
            low: prices().min().unwrap_or(last),
            volume: tape.iter().map(|print| print.quantity).sum(),
            turnover: tape.iter().map(|print| print.quantity * print.price).sum(),
            bid: best(Side::Buy),
            ask: best(Side::Sell),
        }
    }

    pub(crate) fn change(&self) -> Decimal {
        self.last - self.open
    }

    /// The change as a share of the first price.
    pub(crate) fn change_rate(&self) -> Decimal {
        (self.change() / self.open).round_dp(6)
    }
}

/// One side of the book as texts, best price first.
pub(crate) fn levels(floor: &Floor, pair: usize, side: Side, limit: usize) -> Vec<[String; 2]> {
    let levels = floor.depth(pair, side, limit).into_iter();
    levels.map(|(price, quantity)| [plain(price), plain(quantity)]).collect()
}

/// When candles of this length begin, oldest first: at most `limit`, the newest ones before `end`.
pub(crate) fn candles(length_ms: i64, start: Option<i64>, end: i64, limit: usize) -> Vec<i64> {
    let end = end.max(0);
    let last = end - end.rem_euclid(length_ms);
    let all =
        (0..limit).filter_map(|back| last.checked_sub(length_ms.checked_mul(i64::try_from(back).ok()?)?));
    let mut opens: Vec<i64> = all.take_while(|open| start.is_none_or(|start| *open >= start)).collect();
    opens.reverse();
    opens
}

impl Floor {
    /// What an account traded, newest first.
    pub(crate) fn fills(&self, account: AccountId) -> Vec<(&Order, &Fill)> {
        let orders = self.orders(account);
        let mut fills: Vec<_> =
            orders.flat_map(|order| order.fills.iter().map(move |fill| (order, fill))).collect();
        fills.sort_by_key(|(_, fill)| std::cmp::Reverse(fill.trade_id));
        fills
    }

    /// The index of the pair whose name is written like this, such as `BTC-USDT` with `-` between its assets.
    pub(crate) fn pair_named(&self, name: &str, between: &str) -> Option<usize> {
        self.pairs.iter().position(|pair| {
            let quote = name.strip_prefix(pair.base.as_str()).and_then(|rest| rest.strip_prefix(between));
            quote.is_some_and(|quote| quote == pair.quote)
        })
    }

    /// The assets of all pairs, each one once.
    pub(crate) fn assets(&self) -> std::collections::BTreeSet<&str> {
        self.pairs.iter().flat_map(|pair| [pair.base.as_str(), pair.quote.as_str()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_are_the_newest_ones_in_order() {
        assert_eq!(candles(60, None, 130, 3), [0, 60, 120]);
        assert_eq!(candles(60, Some(50), 130, 3), [60, 120]);
        assert_eq!(candles(60, None, 120, 1), [120]);
        assert!(candles(60, Some(121), 130, 3).is_empty());
    }
}
