//! What an order may turn over at most.

use exchange::{Definition, Order, Side};
use rust_decimal::Decimal;

use super::{Reserve, no_price, scale::bare, unpriceable};
use crate::gateway::{
    Denial,
    price::{Book, is_money},
};

/// What an order sets aside at these prices.
pub fn valued(definition: &Definition, order: &Order, book: &Book) -> Result<Reserve, Denial> {
    let none = || no_price(&order.symbol);
    let (base, quote) = book.assets(definition, &order.symbol).ok_or_else(none)?;
    let usd = countable(worst_case(order, (&base, &quote), book).ok_or_else(none)?)?;
    // whoever sells ETH for BTC buys BTC
    let gets = if order.side == Side::Buy { base } else { quote };
    let buys = (!is_money(&gets)).then_some(gets);
    Ok(Reserve { buys, usd: Some(usd), ..bare(order) })
}

/// Sums of what is counted never come near the largest number there is.
pub fn countable(usd: Decimal) -> Result<Decimal, Denial> {
    match usd <= MOST {
        true => Ok(usd),
        false => Err(unpriceable("it is more than a limit can say")),
    }
}

/// The most an order can turn over, in dollars. With an amount of either asset, of which nobody knows which one the exchange
/// takes it for, that is the worse of both.
fn worst_case(order: &Order, (base, quote): (&str, &str), book: &Book) -> Option<Decimal> {
    let of_base = |quantity| turned_over(order, quantity, (base, quote), book);
    let in_quote = match (order.quote_amount, order.quantity) {
        (Some(amount), Some(quantity)) => amount.max(of_base(quantity)?),
        (Some(amount), None) => amount,
        (None, Some(quantity)) => of_base(quantity)?,
        (None, None) => return None,
    };
    in_quote.checked_mul(book.usd(quote)?)
}

/// What a quantity turns over at most, in the quote asset. A limit price bounds a purchase; a sale, and whatever runs at the
/// market, is bounded by the market and the band around it, wherever the market is when a trigger sets it off.
fn turned_over(
    order: &Order,
    quantity: Decimal,
    (base, quote): (&str, &str),
    book: &Book,
) -> Option<Decimal> {
    let band = Decimal::ONE.checked_add(BAND)?;
    let market = || book.last(base, quote)?.checked_mul(band);
    let price = match order.price {
        Some(price) if !has_limit(&order.kind) => market()?.max(price.checked_mul(band)?),
        Some(price) if order.side == Side::Buy => price,
        Some(price) => market()?.max(price),
        None => market()?,
    };
    quantity.checked_mul(price)
}

/// Whether the price of such an order is its limit, in any exchange's word for it.
fn has_limit(kind: &str) -> bool {
    !kind.contains("MARKET") && LIMITED.iter().any(|word| kind.contains(word))
}

/// Orders that rest, or are filled at once, at their limit price or better.
const LIMITED: [&str; 6] = ["LIMIT", "POST_ONLY", "IOC", "FOK", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"];
/// The largest limit: 10^18.
const MOST: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0);
/// How far from the last price an order at the market is expected to run at most.
const BAND: Decimal = Decimal::from_parts(5, 0, 0, false, 2);
