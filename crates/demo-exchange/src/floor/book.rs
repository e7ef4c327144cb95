//! The resting orders of one pair, best price first, oldest first within a price.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::order::{Order, Side};

#[derive(Default)]
pub(crate) struct Book {
    /// Keyed by the negated price, so that the dearest bid comes first.
    bids: BTreeSet<(Decimal, u64)>,
    asks: BTreeSet<(Decimal, u64)>,
}

impl Book {
    pub(super) fn insert(&mut self, order: &Order) {
        if let Some(price) = order.terms.price() {
            self.side_mut(order.side).insert((rank(order.side, price), order.id));
        }
    }

    pub(super) fn remove(&mut self, order: &Order) {
        if let Some(price) = order.terms.price() {
            self.side_mut(order.side).remove(&(rank(order.side, price), order.id));
        }
    }

    /// Resting orders of one side as `(price, order id)`, best first.
    pub(crate) fn iter(&self, side: Side) -> impl Iterator<Item = (Decimal, u64)> {
        let orders = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        orders.iter().map(move |(ranked, id)| (rank(side, *ranked), *id))
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeSet<(Decimal, u64)> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// Negates the price of a bid; applied twice it gives the price back.
fn rank(side: Side, price: Decimal) -> Decimal {
    match side {
        Side::Buy => -price,
        Side::Sell => price,
    }
}
