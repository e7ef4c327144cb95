//! How an order becomes trades: lock, match by price then age, settle both sides, rest or end.

use rust_decimal::{Decimal, RoundingStrategy};

use super::order::{Fill, Force, NewOrder, Order, Side, Status, Terms};
use super::{FEES, Floor, MAKER, Print, Refusal, Short, TAPE, What};
use crate::floor::AccountId;

impl Floor {
    /// Locks what the order may cost, matches it, and lets the rest rest, if it may. Returns the order's id.
    pub(crate) fn place(&mut self, new: NewOrder, now: i64) -> Result<u64, Refusal> {
        let open = self.order_by_client_id(new.account, &new.client_id).is_some_and(Order::is_open);
        if open {
            return Err(Refusal::DuplicateClientId);
        }
        let id = self.last_id + 1;
        let mut order = Order::new(id, new, Decimal::ZERO, now);
        self.refuse_wrong_match(&mut order)?;
        let cost = self.cost(&order);
        let asset = self.spends(&order).to_owned();
        self.wallets[order.account].lock(&asset, cost).map_err(|Short| Refusal::InsufficientBalance)?;
        order.locked = cost;
        self.last_id = id;
        self.by_client_id.insert((order.account, order.client_id.clone()), id);
        self.orders.insert(id, order);
        self.note(id, What::Accepted);
        self.fill(id, now);
        self.conclude(id);
        Ok(id)
    }

    /// Like `place`, but keeps a post-only order that would match, as one that ended at once: some exchanges
    /// accept it before they look at the book.
    pub(crate) fn accept(&mut self, new: NewOrder, now: i64) -> Result<u64, Refusal> {
        match self.place(new.clone(), now) {
            Err(Refusal::WouldMatch) => Ok(self.turn_away(new, now)),
            placed => placed,
        }
    }

    fn turn_away(&mut self, new: NewOrder, now: i64) -> u64 {
        self.last_id += 1;
        let order = Order::new(self.last_id, new, Decimal::ZERO, now);
        self.by_client_id.insert((order.account, order.client_id.clone()), order.id);
        self.orders.insert(order.id, Order { status: Status::Expired, ..order });
        self.last_id
    }

    /// Takes an open order out of the book and releases what it locked; `None` if it is not open.
    pub(crate) fn cancel(&mut self, account: AccountId, id: u64, now: i64) -> Option<&Order> {
        self.order(account, id).filter(|order| order.is_open())?;
        self.close(id, Status::Canceled, now);
        self.orders.get(&id)
    }

    fn refuse_wrong_match(&self, order: &mut Order) -> Result<(), Refusal> {
        let Terms::Limit { quantity, force, .. } = order.terms else { return Ok(()) };
        let available = self.available(order);
        match force {
            Force::PostOnly if !available.is_zero() => Err(Refusal::WouldMatch),
            Force::FillOrKill if available < quantity => {
                order.status = Status::Expired;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What the book offers this order right now.
    fn available(&self, order: &Order) -> Decimal {
        self.opposite(order).map(|resting| resting.remaining()).sum()
    }

    /// Acceptable resting orders of others, best first.
    fn opposite<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = &'a Order> {
        self.books[order.pair]
            .iter(order.side.opposite())
            .take_while(|(price, _)| order.accepts(*price))
            .map(|(_, id)| &self.orders[&id])
            .filter(|resting| resting.account != order.account)
    }

    pub(super) fn spends(&self, order: &Order) -> &str {
        let pair = &self.pairs[order.pair];
        match order.side {
            Side::Buy => &pair.quote,
            Side::Sell => &pair.base,
        }
    }

    /// The most the order can take from its account.
    fn cost(&self, order: &Order) -> Decimal {
        match (order.terms, order.side) {
            (Terms::Limit { price, quantity, .. }, Side::Buy) => price * quantity,
            (Terms::Limit { quantity, .. } | Terms::Market { quantity }, Side::Sell) => quantity,
            (Terms::Market { quantity }, Side::Buy) => self.walk(order, quantity).1,
            (Terms::MarketQuote { amount }, Side::Buy) => amount,
            (Terms::MarketQuote { .. }, Side::Sell) => self.walk_quote(order),
        }
    }

    /// Walks the book for `quantity`: what of it is there, and what it costs.
    fn walk(&self, order: &Order, quantity: Decimal) -> (Decimal, Decimal) {
        let mut got = (Decimal::ZERO, Decimal::ZERO);
        for resting in self.opposite(order) {
            let take = resting.remaining().min(quantity - got.0);
            got.0 += take;
            got.1 += take * resting.terms.price().unwrap_or_default();
        }
        got
    }

    /// How much base a sale for a quote amount needs.
    fn walk_quote(&self, order: &Order) -> Decimal {
        let mut trial = order.clone();
        for resting in self.opposite(order) {
            let price = resting.terms.price().unwrap_or_default();
            let take = trial.wants(price, self.pairs[order.pair].step).min(resting.remaining());
            trial.filled += take;
            trial.filled_quote += take * price;
        }
        trial.filled
    }

    fn fill(&mut self, id: u64, now: i64) {
        while self.orders[&id].status != Status::Expired {
            let order = &self.orders[&id];
            let best = self.books[order.pair].iter(order.side.opposite()).next();
            let Some((price, resting)) = best.filter(|(price, _)| order.accepts(*price)) else { break };
            if self.orders[&resting].account == order.account {
                self.close(resting, Status::Expired, now);
                continue;
            }
            let wanted = order.wants(price, self.pairs[order.pair].step);
            let quantity = wanted.min(self.orders[&resting].remaining());
            if quantity.is_zero() {
                break;
            }
            self.trade(id, resting, quantity, now);
        }
    }

    fn trade(&mut self, taker: u64, maker: u64, quantity: Decimal, now: i64) {
        let resting = &self.orders[&maker];
        let (pair, price) = (resting.pair, resting.terms.price().unwrap_or_default());
        self.last_trade += 1;
        let buyer_is_maker = resting.side == Side::Buy;
        let print = Print { id: self.last_trade, price, quantity, buyer_is_maker, at_ms: now };
        self.settle(taker, &print, false);
        self.settle(maker, &print, true);
        let tape = &mut self.tapes[pair];
        tape.push_back(print);
        if tape.len() > TAPE {
            tape.pop_front();
        }
        if self.orders[&maker].remaining().is_zero() {
            self.close(maker, Status::Filled, now);
        }
    }

    /// One side of a trade: pays from what the order locked, receives less the fee, frees what it saved.
    fn settle(&mut self, id: u64, print: &Print, maker: bool) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let pair = &self.pairs[order.pair];
        let cost = print.price * print.quantity;
        let (paid_asset, paid, asset, received) = match order.side {
            Side::Buy => (&pair.quote, cost, &pair.base, print.quantity),
            Side::Sell => (&pair.base, print.quantity, &pair.quote, cost),
        };
        let rate = if order.account == MAKER { Decimal::ZERO } else { self.fee_rate };
        let fee = (received * rate).round_dp_with_strategy(8, RoundingStrategy::ToZero);
        order.filled += print.quantity;
        order.filled_quote += cost;
        order.locked -= paid;
        order.updated_ms = print.at_ms;
        order.status = Status::PartiallyFilled;
        order.fills.push(Fill {
            trade_id: print.id,
            price: print.price,
            quantity: print.quantity,
            fee,
            fee_asset: asset.clone(),
            maker,
            at_ms: print.at_ms,
        });
        let wallet = &mut self.wallets[order.account];
        wallet.take_locked(paid_asset, paid);
        wallet.receive(asset, received - fee);
        if let (Terms::Limit { price, .. }, Side::Buy) = (order.terms, order.side) {
            let saved = order.locked - price * order.remaining();
            order.locked -= saved;
            wallet.unlock(paid_asset, saved);
        }
        self.wallets[FEES].receive(asset, fee);
        self.note(id, What::Traded);
    }

    /// After matching: rest in the book, or end.
    fn conclude(&mut self, id: u64) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        if order.status != Status::Expired {
            order.status = order.outcome();
        }
        if order.is_open() {
            self.books[order.pair].insert(order);
            self.open.insert((order.account, id));
        } else {
            let (status, now) = (order.status, order.updated_ms);
            self.close(id, status, now);
        }
    }

    fn close(&mut self, id: u64, status: Status, now: i64) {
        let Some(order) = self.orders.get(&id) else { return };
        let asset = self.spends(order).to_owned();
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.status = status;
        order.updated_ms = now;
        let released = std::mem::take(&mut order.locked);
        self.books[order.pair].remove(order);
        self.open.remove(&(order.account, id));
        self.wallets[order.account].unlock(&asset, released);
        match status {
            Status::Canceled => self.note(id, What::Canceled),
            Status::Expired => self.note(id, What::Expired),
            Status::Filled | Status::New | Status::PartiallyFilled => {}
        }
        let Some(order) = self.orders.get(&id) else { return };
        if order.account == MAKER {
            self.by_client_id.remove(&(MAKER, order.client_id.clone()));
            self.orders.remove(&id);
        }
    }
}
