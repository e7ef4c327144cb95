//! What a customer sees of its own: orders by id or name, lists of orders and of fills.

use super::order::{Fill, NAMELESS, Order};
use super::{AccountId, Floor};

impl Floor {
    pub(crate) fn order(&self, account: AccountId, id: u64) -> Option<&Order> {
        self.orders.get(&id).filter(|order| order.account == account)
    }

    /// The latest order with this client id.
    pub(crate) fn order_by_client_id(&self, account: AccountId, client_id: &str) -> Option<&Order> {
        let id = self.by_client_id.get(&(account, client_id.to_owned()))?;
        self.orders.get(id)
    }

    /// A client id for the next order, if it comes without one. No customer may give such a name.
    pub(crate) fn nameless(&self) -> String {
        format!("{NAMELESS}{}", self.last_id + 1)
    }

    /// Oldest first.
    pub(crate) fn orders(&self, account: AccountId) -> impl DoubleEndedIterator<Item = &Order> {
        self.orders.values().filter(move |order| order.account == account)
    }

    /// Oldest first.
    pub(crate) fn open_orders(&self, account: AccountId) -> impl DoubleEndedIterator<Item = &Order> {
        self.open.range((account, 0)..=(account, u64::MAX)).map(|(_, id)| &self.orders[id])
    }

    /// Every fill with its order, newest first.
    pub(crate) fn fills(&self, account: AccountId) -> impl Iterator<Item = (&Order, &Fill)> {
        let orders = self.orders(account);
        let mut fills: Vec<_> =
            orders.flat_map(|order| order.fills.iter().map(move |fill| (order, fill))).collect();
        fills.sort_by_key(|(_, fill)| std::cmp::Reverse(fill.trade_id));
        fills.into_iter()
    }

    /// Cancels the open orders that are wanted, oldest first, and gives them as they ended.
    pub(crate) fn cancel_all(
        &mut self,
        account: AccountId,
        wanted: impl Fn(&Order) -> bool,
        now: i64,
    ) -> Vec<&Order> {
        let ids: Vec<u64> =
            self.open_orders(account).filter(|order| wanted(order)).map(|order| order.id).collect();
        for id in &ids {
            self.cancel(account, *id, now);
        }
        ids.iter().filter_map(|id| self.order(account, *id)).collect()
    }
}
