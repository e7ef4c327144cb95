//! What a call sets aside, from its reading, the limits and the prices of a moment, and from nothing else.

use exchange::{Class, Definition, Leverage, Order, Reading, Request, Withdrawal};
use rust_decimal::Decimal;

use super::{
    Ask, Reserve, countable, no_price, trade_day, unpriceable, unpriceable_asset, valued, withdrawal_windows,
    within_trade, within_withdrawal,
};
use crate::{
    gateway::{
        Denial,
        noted::{self, Noted},
        price::Book,
        record::name,
    },
    limits::Limits,
};

/// By what a call is valued.
#[derive(Clone, Copy)]
pub struct Scale<'a> {
    pub definition: &'a Definition,
    pub limits: &'a Limits,
    /// In a dry run, where what the limits would refuse is noted.
    pub noted: Option<&'a Noted>,
}

impl Scale<'_> {
    /// What a call sets aside. Without prices, what is limited in dollars is refused. Cancels set nothing aside and are never
    /// stopped here.
    pub fn ask(&self, class: Class, reading: &Reading, book: Option<&Book>) -> Result<Ask, Denial> {
        let ask = match reading {
            Reading::Orders(orders) if self.limits.values_trades() => self.orders(orders, book)?,
            Reading::Orders(orders) => unvalued(orders),
            Reading::Withdrawal(withdrawal) => self.withdrawal(withdrawal, book)?,
            Reading::Unpriceable(why) if class == Class::Trade && self.limits.values_trades() => {
                self.weigh::<()>(Err(unpriceable(why)))?;
                Ask::default()
            }
            Reading::Unpriceable(_) | Reading::Cancel { .. } | Reading::NotMoney => Ask::default(),
        };
        let takes_back = matches!(reading, Reading::Cancel { .. });
        Ok(Ask { takes_back, dry: self.noted.is_some(), ..ask })
    }

    /// A purchase that no list of open orders shows would be forgotten once the exchange has answered, and one with borrowed
    /// money, or by a contract, leads to a position that no balance shows.
    pub fn shows(&self, request: &Request, ask: &Ask) -> Result<(), Denial> {
        let buys = ask.reserve.iter().any(|own| own.buys.is_some());
        let is_unseen = self.definition.open_orders_miss(request) || request.leverage() != Leverage::None;
        match buys && self.limits.max_position_size.is_some() && is_unseen {
            true => self.weigh(Err(unshown())).map(|_: Option<()>| ()),
            false => Ok(()),
        }
    }

    fn orders(&self, orders: &[Order], book: Option<&Book>) -> Result<Ask, Denial> {
        let mut reserve = Vec::with_capacity(orders.len());
        for order in orders {
            let worth = book.ok_or_else(|| no_price(&order.symbol));
            let worth = worth.and_then(|book| valued(self.definition, order, book));
            let own = self.weigh(worth)?.unwrap_or_else(|| bare(order));
            self.weigh(within_trade(&own, self.limits))?;
            reserve.push(own);
        }
        let caps = book.map_or(Vec::new(), |_| vec![trade_day(self.limits)]);
        Ok(Ask { reserve, caps, priced_at: book.map(|book| book.at), ..Ask::default() })
    }

    fn withdrawal(&self, withdrawal: &Withdrawal, book: Option<&Book>) -> Result<Ask, Denial> {
        let is_limited = self.limits.values_withdrawals();
        let usd = match (self.worth(withdrawal, book), is_limited) {
            (Ok(usd), _) => Some(usd),
            (Err(denial), true) => return Err(denial),
            (Err(_), false) => None,
        };
        let own = sent_out(withdrawal, usd);
        within_withdrawal(&own, self.limits)?;
        // what has a worth counts, or it could not be given back
        let caps = usd.map_or(Vec::new(), |_| withdrawal_windows(self.limits).to_vec());
        // nothing is decided by a price that nothing is limited by
        let priced_at = book.filter(|_| is_limited).map(|book| book.at);
        Ok(Ask { reserve: vec![own], caps, priced_at, ..Ask::default() })
    }

    fn worth(&self, withdrawal: &Withdrawal, book: Option<&Book>) -> Result<Decimal, Denial> {
        let asset = self.definition.usual_asset(&withdrawal.asset);
        let usd = book.and_then(|book| book.usd(asset)?.checked_mul(withdrawal.amount));
        countable(usd.ok_or_else(|| unpriceable_asset(asset))?)
    }

    fn weigh<T>(&self, verdict: Result<T, Denial>) -> Result<Option<T>, Denial> {
        noted::weigh(self.noted, verdict)
    }
}

/// Orders of which nothing is limited in dollars, or nobody knows what they are worth.
fn unvalued(orders: &[Order]) -> Ask {
    Ask { reserve: orders.iter().map(bare).collect(), ..Ask::default() }
}

/// An order without its worth.
pub(super) fn bare(order: &Order) -> Reserve {
    Reserve {
        kind: "trade",
        symbol: Some(name(&order.symbol)),
        buys: None,
        client_order_id: None,
        question: None,
        usd: None,
    }
}

fn sent_out(withdrawal: &Withdrawal, usd: Option<Decimal>) -> Reserve {
    Reserve {
        kind: "withdraw",
        symbol: Some(withdrawal.asset.clone()),
        buys: None,
        client_order_id: None,
        question: None,
        usd,
    }
}

fn unshown() -> Denial {
    Denial::denied(
        "max-position",
        "the limit of a position counts what the exchange lists as open or held, and it does not list orders of this kind",
    )
}
