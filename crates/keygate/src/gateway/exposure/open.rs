//! What open orders may still buy.

use std::collections::{BTreeSet, HashMap};

use exchange::OpenOrder;
use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};

use super::{Holder, store, unseen};
use crate::{
    connection::{ExchangeKey, probe},
    gateway::{Denial, price::is_money},
};

/// What the orders that were open at the look may still buy, in dollars.
#[derive(Default)]
pub struct Open {
    pub usd: HashMap<String, Decimal>,
    /// What orders of unknown size may buy.
    pub unknown: BTreeSet<String>,
}

impl Open {
    fn add(&mut self, asset: String, usd: Decimal) {
        let sum = self.usd.entry(asset).or_default();
        *sum = sum.saturating_add(usd);
    }
}

impl Holder<'_> {
    /// Open orders count as what was set aside for them. Where they cannot all be listed by their ids, everything that was
    /// bought lately counts, filled or not, and of older orders those that the list shows.
    pub(super) async fn open(&self, key: &ExchangeKey, since: OffsetDateTime) -> Result<Open, Denial> {
        let orders = self.listed(key).await?;
        let is_whole = orders.as_ref().is_some_and(|own| is_whole(own));
        let (orders, lately) = (orders.unwrap_or_default(), since - LATELY);
        let mut open = Open::default();
        if !is_whole {
            let usd = store::bought_since(self.app, self.user, self.connection, lately, since).await;
            open.usd = usd.map_err(Denial::down)?;
        }
        let named: Vec<String> = orders.iter().filter_map(|order| order.client_id.clone()).collect();
        let known = store::named(self.app, self.user, self.connection, &named, since).await;
        let known = known.map_err(Denial::down)?;
        for order in &orders {
            let own = || known.iter().filter(|own| Some(&own.id) == order.client_id.as_ref());
            let shows_ids = is_whole || self.definition.open_orders_show_ids();
            if shows_ids && (own().next().is_none() || own().any(|own| own.usd.is_none())) {
                open.unknown.extend(self.assets(order).await?);
            }
            for own in own().filter(|own| !own.counts_later && (is_whole || own.made_at < lately)) {
                if let Some((asset, usd)) = own.buys.clone().zip(own.usd) {
                    open.add(asset, usd);
                }
            }
        }
        Ok(open)
    }

    /// What an order may buy, whatever it is.
    async fn assets(&self, order: &OpenOrder) -> Result<Vec<String>, Denial> {
        let book = self.app.gate.prices.book(self.app, self.definition, self.environment).await?;
        let assets = book.assets(self.definition, &order.symbol).map(|(base, quote)| [base, quote]);
        Ok(assets.into_iter().flatten().filter(|asset| !is_money(asset)).collect())
    }

    /// Open orders, as far as they are listed at once; nothing where they are not.
    async fn listed(&self, key: &ExchangeKey) -> Result<Option<Vec<OpenOrder>>, Denial> {
        let all = self.definition.open_orders_request(None);
        let Some(request) = all.filter(|_| !self.definition.open_orders_need_market()) else {
            return Ok(None);
        };
        let answer = probe::put(self.app, self.definition, self.at(), key, &request).await.map_err(unseen)?;
        let Some((answer, _)) = answer else { return Ok(None) };
        let orders = self.definition.read_open_orders(answer.status.as_u16(), &answer.body);
        orders.map(Some).ok_or_else(|| unseen("its list of open orders cannot be read"))
    }
}

/// Whether a list has everything there is, with the ids it was placed with.
fn is_whole(orders: &[OpenOrder]) -> bool {
    orders.len() < PAGE && orders.iter().all(|order| order.client_id.is_some())
}

/// Lists of so many orders may be cut off.
const PAGE: usize = 20;
/// What was bought longer ago is filled, or in a list.
const LATELY: Duration = Duration::days(1);
