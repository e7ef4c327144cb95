//! Whether an order keeps to the rules of its pair. What is wrong is found here; each exchange has its own
//! words for it.

use rust_decimal::Decimal;

use crate::config::Pair;
use crate::floor::Terms;

/// The rule an order breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Misfit {
    /// The price is no positive number below the highest one.
    Price,
    Tick,
    /// The amount of quote money is out of range or too fine.
    Amount,
    TooFew,
    TooMany,
    Step,
    /// It is worth too little.
    TooCheap,
}

/// No price and no amount of money is higher, so that no product is too large for a decimal number.
pub(crate) const MAX_PRICE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Quote money has this many decimals.
const QUOTE_SCALE: u32 = 8;

/// The first rule that the order breaks.
pub(crate) fn misfit(pair: &Pair, terms: &Terms) -> Option<Misfit> {
    let value = match *terms {
        Terms::Limit { price, .. } if price <= Decimal::ZERO || price > MAX_PRICE => {
            return Some(Misfit::Price);
        }
        Terms::Limit { price, .. } if !(price % pair.tick).is_zero() => return Some(Misfit::Tick),
        Terms::Limit { quantity, .. } | Terms::Market { quantity } => {
            if let Some(misfit) = misfit_of_quantity(pair, quantity) {
                return Some(misfit);
            }
            quantity * terms.price().unwrap_or(pair.price)
        }
        Terms::MarketQuote { amount } if amount > MAX_PRICE || amount.normalize().scale() > QUOTE_SCALE => {
            return Some(Misfit::Amount);
        }
        Terms::MarketQuote { amount } => amount,
    };
    (value < pair.min_notional).then_some(Misfit::TooCheap)
}

fn misfit_of_quantity(pair: &Pair, quantity: Decimal) -> Option<Misfit> {
    if quantity < pair.min_quantity {
        Some(Misfit::TooFew)
    } else if quantity > pair.max_quantity {
        Some(Misfit::TooMany)
    } else {
        (!(quantity % pair.step).is_zero()).then_some(Misfit::Step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::floor::Force;

    fn limit(price: &str, quantity: &str) -> Terms {
        let [price, quantity] = [price, quantity].map(|text| text.parse().unwrap());
        Terms::Limit { price, quantity, force: Force::GoodTillCancel }
    }

    #[test]
    fn each_rule_of_a_pair_is_kept() {
        let config = Config::demo();
        let pair = &config.exchanges["kucoin"].pairs[0];
        let found = |terms| misfit(pair, &terms);
        assert_eq!(found(limit("50000", "0.001")), None);
        assert_eq!(found(limit("0", "0.001")), Some(Misfit::Price));
        assert_eq!(found(limit("1000000001", "0.001")), Some(Misfit::Price));
        assert_eq!(found(limit("50000.05", "0.001")), Some(Misfit::Tick));
        assert_eq!(found(limit("50000", "0.00001")), Some(Misfit::TooFew));
        assert_eq!(found(limit("50000", "0.00015")), Some(Misfit::Step));
        assert_eq!(found(limit("50000", "9000.0001")), Some(Misfit::TooMany));
        assert_eq!(found(limit("100", "0.001")), Some(Misfit::TooCheap));
        assert_eq!(found(Terms::Market { quantity: pair.step }), None);
        assert_eq!(found(Terms::MarketQuote { amount: Decimal::new(499, 2) }), Some(Misfit::TooCheap));
        assert_eq!(
            found(Terms::MarketQuote { amount: Decimal::new(5_000_000_001, 9) }),
            Some(Misfit::Amount)
        );
    }
}
