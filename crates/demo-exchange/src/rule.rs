//! The rules of a pair, and the first of them that an order breaks. Each dialect has its own words for it.

use rust_decimal::Decimal;

use crate::config::Pair;
use crate::floor::Terms;

/// What is wrong with an order at a pair.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// Below one tick, or too far above the pair's price.
    PriceRange,
    PriceTick,
    QuantityStep,
    /// Worth too little.
    TooCheap,
    TooLarge,
    TooSmall,
}

/// How far a price may lie above the pair's.
const PRICE_FACTOR: Decimal = Decimal::ONE_HUNDRED;

impl Pair {
    /// Whether such an order may be placed. One at the market counts at the pair's middle price.
    ///
    /// Ranges come before steps and worth, so that the arithmetic after them stays small.
    pub(crate) fn check(&self, terms: &Terms) -> Result<(), Flaw> {
        terms.price().map_or(Ok(()), |price| self.check_price(price))?;
        let worth = match *terms {
            Terms::Limit { quantity, .. } | Terms::Market { quantity } => {
                self.check_quantity(quantity)?;
                quantity * terms.price().unwrap_or(self.price)
            }
            Terms::MarketQuote { amount } if amount > self.most_worth() => return Err(Flaw::TooLarge),
            Terms::MarketQuote { amount } => amount,
        };
        if worth < self.min_notional { Err(Flaw::TooCheap) } else { Ok(()) }
    }

    /// What the largest order is worth.
    pub(crate) fn most_worth(&self) -> Decimal {
        self.max_quantity * self.price
    }

    fn check_price(&self, price: Decimal) -> Result<(), Flaw> {
        match price {
            price if price < self.tick || price > self.price * PRICE_FACTOR => Err(Flaw::PriceRange),
            price if !(price % self.tick).is_zero() => Err(Flaw::PriceTick),
            _ => Ok(()),
        }
    }

    fn check_quantity(&self, quantity: Decimal) -> Result<(), Flaw> {
        match quantity {
            quantity if quantity < self.min_quantity => Err(Flaw::TooSmall),
            quantity if quantity > self.max_quantity => Err(Flaw::TooLarge),
            quantity if !(quantity % self.step).is_zero() => Err(Flaw::QuantityStep),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::floor::Force;

    #[test]
    fn an_order_breaks_one_rule_at_a_time() {
        let pair = &Config::demo().exchanges["okx"].pairs[0];
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        let limit = |price: &str, quantity: &str| {
            let force = Force::GoodTillCancel;
            pair.check(&Terms::Limit { price: dec(price), quantity: dec(quantity), force })
        };
        assert_eq!(limit("50000.1", "0.0001"), Ok(()));
        assert_eq!(limit("0", "0.0001"), Err(Flaw::PriceRange));
        assert_eq!(limit("50000.15", "0.0001"), Err(Flaw::PriceTick));
        assert_eq!(limit("6000000.1", "0.0001"), Err(Flaw::PriceRange));
        assert_eq!(limit("50000", "0"), Err(Flaw::TooSmall));
        assert_eq!(limit("50000", "0.00015"), Err(Flaw::QuantityStep));
        assert_eq!(limit("50000", "9000.0001"), Err(Flaw::TooLarge));
        assert_eq!(limit("49999.9", "0.0001"), Err(Flaw::TooCheap));
        let quote = |amount: &str| pair.check(&Terms::MarketQuote { amount: dec(amount) });
        assert_eq!((quote("5"), quote("4.99")), (Ok(()), Err(Flaw::TooCheap)));
        assert_eq!(quote("540000000.01"), Err(Flaw::TooLarge));
    }
}
