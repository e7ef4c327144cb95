//! The resident maker: ten resting orders on each side of a fixed middle price, so that orders fill. What
//! takers took is put back after a while, never within the same instant, so partial fills can be seen.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::order::{Force, NewOrder, Order, Side, Terms};
use super::{Floor, MAKER, Wallet};
use crate::config::Pair;

const RUNGS: u32 = 10;

/// The maker owns this much of every asset, in whole units.
const STOCK: u64 = 1_000_000_000_000;

/// The rungs of one pair.
pub(super) struct Ladder(Vec<Rung>);

struct Rung {
    side: Side,
    price: Decimal,
    order: Option<u64>,
}

impl Ladder {
    pub(super) fn new(pair: &Pair) -> Self {
        let rung = |side, price| Rung { side, price, order: None };
        let both = |steps: u32| {
            let away = pair.rung * Decimal::from(steps);
            [rung(Side::Buy, pair.price - away), rung(Side::Sell, pair.price + away)]
        };
        Self((1..=RUNGS).flat_map(both).collect())
    }
}

/// What the maker starts with.
pub(super) fn funds(pairs: &[Pair]) -> Wallet {
    let assets = pairs.iter().flat_map(|pair| [&pair.base, &pair.quote]);
    Wallet::of(&assets.map(|asset| (asset.clone(), Decimal::from(STOCK))).collect::<BTreeMap<_, _>>())
}

impl Floor {
    /// Lets time pass: fills the ladders up if it is due.
    pub(crate) fn tick(&mut self, now: i64) {
        if now - self.restocked_ms >= self.restock_ms {
            self.restock(now);
        }
    }

    /// Moves the middle price of a pair; resting orders that the new ladder crosses are filled.
    pub(crate) fn set_price(&mut self, pair: usize, price: Decimal, now: i64) {
        let old: Vec<u64> = self.ladders[pair].0.iter().filter_map(|rung| rung.order).collect();
        for id in old {
            self.cancel(MAKER, id, now);
        }
        self.pairs[pair].price = price;
        self.ladders[pair] = Ladder::new(&self.pairs[pair]);
        self.restock(now);
    }

    pub(super) fn restock(&mut self, now: i64) {
        self.restocked_ms = now;
        for pair in 0..self.ladders.len() {
            let mut ladder = std::mem::replace(&mut self.ladders[pair], Ladder(Vec::new()));
            for rung in &mut ladder.0 {
                self.refill(pair, rung, now);
            }
            self.ladders[pair] = ladder;
        }
    }

    fn refill(&mut self, pair: usize, rung: &mut Rung, now: i64) {
        let resting = rung.order.and_then(|id| self.orders.get(&id));
        if resting.is_some_and(|order| order.filled.is_zero()) || rung.price <= Decimal::ZERO {
            return;
        }
        if let Some(id) = resting.map(|order| order.id) {
            self.cancel(MAKER, id, now);
        }
        let quantity = self.pairs[pair].depth;
        let terms = Terms::Limit { price: rung.price, quantity, force: Force::GoodTillCancel };
        let client_id = format!("maker-{}", self.last_id + 1);
        let new = NewOrder { account: MAKER, pair, side: rung.side, terms, client_id };
        let placed = self.place(new, now).ok();
        rung.order = placed.filter(|id| self.orders.get(id).is_some_and(Order::is_open));
    }
}
