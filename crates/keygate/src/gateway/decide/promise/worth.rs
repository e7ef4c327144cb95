//! What things are worth, as docs/limits.md says it.

use exchange::{Definition, Order, Side};
use rust_decimal::Decimal;

use super::market;

/// Prices of a moment, in quote per base.
pub struct Prices(pub Vec<(&'static str, &'static str, Decimal)>);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Worth {
    Usd(Decimal),
    /// Nobody knows.
    Unknown,
    /// More than a limit can say.
    TooMuch,
}

impl Worth {
    pub fn usd(self) -> Option<Decimal> {
        match self {
            Worth::Usd(usd) => Some(usd),
            Worth::Unknown | Worth::TooMuch => None,
        }
    }
}

/// What an order turns over at most.
pub fn order(definition: &Definition, prices: &Prices, order: &Order) -> Worth {
    let Some((base, quote)) = market::assets(definition, &order.symbol) else { return Worth::Unknown };
    let last = prices.last(&base, &quote);
    let five_per_cent_more = |price: Decimal| price.checked_mul(Decimal::new(105, 2));
    let price = match (order.price, order.side) {
        (None, _) => last.and_then(five_per_cent_more),
        (Some(price), Side::Buy) if is_at_a_limit(&order.kind) => Some(price),
        (Some(price), Side::Sell) if is_at_a_limit(&order.kind) => {
            last.and_then(five_per_cent_more).map(|last| last.max(price))
        }
        (Some(trigger), _) => last.and_then(|last| five_per_cent_more(last.max(trigger))),
    };
    let by_quantity = order.quantity.map(|quantity| price.and_then(|price| price.checked_mul(quantity)));
    let in_quote = match (order.quote_amount, by_quantity) {
        (amount, None) => amount,
        (None, Some(by_quantity)) => by_quantity,
        (Some(amount), Some(by_quantity)) => by_quantity.map(|other| other.max(amount)),
    };
    in_dollars(in_quote.and_then(|amount| amount.checked_mul(prices.dollars(&quote)?)))
}

/// What an amount of an asset is worth.
pub fn amount(prices: &Prices, asset: &str, amount: Decimal) -> Worth {
    in_dollars(prices.dollars(asset).and_then(|price| price.checked_mul(amount)))
}

/// The asset an order adds to, unless it is money.
pub fn buys(definition: &Definition, order: &Order) -> Option<String> {
    let (base, quote) = market::assets(definition, &order.symbol)?;
    let asset = if order.side == Side::Buy { base } else { quote };
    (!MONEY.contains(&asset.as_str())).then_some(asset)
}

fn in_dollars(usd: Option<Decimal>) -> Worth {
    match usd {
        None => Worth::Unknown,
        Some(usd) if usd > Decimal::from(10_i64.pow(18)) => Worth::TooMuch,
        Some(usd) => Worth::Usd(usd),
    }
}

impl Prices {
    pub fn dollars(&self, asset: &str) -> Option<Decimal> {
        if let Some(usd) = self.at_once(asset) {
            return Some(usd);
        }
        for over in ["BTC", "ETH", "EUR", "KRW"] {
            if let (Some(rate), Some(usd)) = (self.rate(asset, over), self.at_once(over)) {
                return rate.checked_mul(usd);
            }
        }
        None
    }

    fn at_once(&self, asset: &str) -> Option<Decimal> {
        let tokens = ["USD", "USDT", "USDC"];
        if tokens.contains(&asset) {
            return Some(Decimal::ONE);
        }
        tokens.iter().find_map(|token| self.rate(asset, token))
    }

    fn rate(&self, from: &str, to: &str) -> Option<Decimal> {
        self.last(from, to).or_else(|| self.last(to, from).map(|price| Decimal::ONE / price))
    }

    fn last(&self, base: &str, quote: &str) -> Option<Decimal> {
        self.0.iter().find(|own| own.0 == base && own.1 == quote).map(|own| own.2)
    }
}

/// Whether an order's price is one it cannot be filled above.
fn is_at_a_limit(kind: &str) -> bool {
    let words = ["LIMIT", "POST_ONLY", "IOC", "FOK", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"];
    !kind.contains("MARKET") && words.iter().any(|word| kind.contains(word))
}

const MONEY: [&str; 11] = ["USD", "USDT", "USDC", "EUR", "GBP", "CHF", "AUD", "CAD", "JPY", "KRW", "TRY"];
