//! How a market is listed: by the name of its pair, the decimals of its steps, the levels of its book.

use rust_decimal::Decimal;

use crate::floor::{Floor, Side};
use crate::market::plain;

/// The index of the pair whose name is written like this, such as `BTC-USDT` with `-` between its assets.
pub(crate) fn pair_named(floor: &Floor, name: &str, between: &str) -> Option<usize> {
    floor.pairs.iter().position(|pair| {
        let quote = name.strip_prefix(pair.base.as_str()).and_then(|rest| rest.strip_prefix(between));
        quote.is_some_and(|quote| quote == pair.quote)
    })
}

/// How many decimals a step such as `0.001` leaves.
pub(crate) fn decimals(step: Decimal) -> u32 {
    step.normalize().scale()
}

/// One side of the book as price and quantity in text, best price first.
pub(crate) fn levels(floor: &Floor, pair: usize, side: Side, limit: usize) -> Vec<[String; 2]> {
    let levels = floor.depth(pair, side, limit).into_iter();
    levels.map(|(price, quantity)| [plain(price), plain(quantity)]).collect()
}
