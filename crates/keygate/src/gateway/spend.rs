//! What a call may cost at most, and which limits it counts in: worked out before anything is written. What a limit
//! depends on and nobody knows is refused.

use std::sync::Arc;

use exchange::{Class, Order, Reading, Symbol, Withdrawal};
use rust_decimal::Decimal;

use super::{
    Account, Call, Denial,
    exposure::Holder,
    ledger::Window,
    price::Book,
    reconcile::{Lost, question},
    record::name,
};
use crate::limits::Limits;

mod ask;
mod worth;

pub use ask::{Ask, Cap, Reserve};
pub(super) use worth::{countable, valued};

impl Call<'_> {
    /// What this call would set aside, with what the exchange can be asked by later. Cancels set nothing aside and are
    /// never stopped here.
    pub(super) async fn cost(&self, account: &Account) -> Result<Ask, Denial> {
        let key = || account.exchange_key(self.app);
        let holder = Holder {
            app: self.app,
            definition: self.definition,
            environment: &account.connection.environment,
            user: account.user,
            connection: account.connection.id,
            api_key: account.connection.api_key,
            limits: &account.limits,
            noted: self.is_dry(account).then_some(&self.noted),
            key: &key,
        };
        let mut ask = Box::pin(holder.cost(self.request.class(), self.request.reading())).await?;
        self.shows(account, &ask)?;
        ask.takes_back = self.takes_back();
        ask.dry = self.is_dry(account);
        let asked = asked_about(self.request.reading());
        for ((reserve, (symbol, quantity)), id) in
            ask.reserve.iter_mut().zip(asked).zip(self.request.client_ids())
        {
            let question = id.as_ref().map(|_| question(&self.request, &symbol, quantity));
            let lost = Lost { question: question.as_ref(), client_id: id.as_deref(), made_at: self.begun };
            // what nobody can be asked about is its owner's to settle
            reserve.question = if lost.can_be_asked(self.app, self.definition) { question } else { None };
            reserve.client_order_id.clone_from(id);
        }
        Ok(ask)
    }

    /// A purchase that no list of open orders shows would be forgotten once the exchange has answered.
    fn shows(&self, account: &Account, ask: &Ask) -> Result<(), Denial> {
        let buys = ask.reserve.iter().any(|own| own.buys.is_some());
        match buys
            && account.limits.max_position_size.is_some()
            && self.definition.open_orders_miss(&self.request)
        {
            true => self.weigh(account, Err(unshown())),
            false => Ok(()),
        }
    }
}

/// What the exchange is asked about each order, or about the withdrawal: its market or asset, and its quantity.
fn asked_about(reading: &Reading) -> Vec<(Symbol, Option<Decimal>)> {
    match reading {
        Reading::Orders(orders) => {
            orders.iter().map(|order| (order.symbol.clone(), order.quantity)).collect()
        }
        Reading::Withdrawal(withdrawal) => vec![(Symbol::Market(withdrawal.asset.clone()), None)],
        Reading::Cancel { .. } | Reading::Unpriceable(_) | Reading::NotMoney => Vec::new(),
    }
}

impl Holder<'_> {
    /// The most that a call may cost, if the account may trade and has room for it.
    pub(super) async fn cost(&self, class: Class, reading: &Reading) -> Result<Ask, Denial> {
        let limits = self.limits;
        if class == Class::Trade && !matches!(reading, Reading::Cancel { .. }) {
            // boxed, as what follows: most calls need none of it, and all would carry its size
            self.weigh(Box::pin(self.loss()).await)?;
        }
        match reading {
            Reading::Orders(orders) if limits.values_trades() => match self.weigh(self.book(orders).await)? {
                Some(book) => {
                    let ask = self.orders(orders, &book)?;
                    let position = self.weigh(Box::pin(self.position(&ask, &book)).await)?.flatten();
                    Ok(Ask { position, ..ask })
                }
                None => Ok(unvalued(orders)),
            },
            Reading::Orders(orders) => Ok(unvalued(orders)),
            Reading::Withdrawal(withdrawal) if limits.values_withdrawals() => {
                let book = self.book(&[]).await?;
                self.withdrawal(withdrawal, &book)
            }
            Reading::Withdrawal(withdrawal) => {
                let usd = self.sent_usd(withdrawal).await;
                // what has a worth counts, or it could not be given back
                let caps = usd.map_or(Vec::new(), |_| withdrawal_windows(limits).to_vec());
                Ok(Ask { reserve: vec![sent_out(withdrawal, usd)], caps, ..Ask::default() })
            }
            Reading::Unpriceable(why) if class == Class::Trade && limits.values_trades() => {
                self.weigh::<()>(Err(unpriceable(why)))?;
                Ok(Ask::default())
            }
            Reading::Unpriceable(_) | Reading::Cancel { .. } | Reading::NotMoney => Ok(Ask::default()),
        }
    }

    /// The prices of now. A market that is not on the exchange's list may be newer than the list.
    async fn book(&self, orders: &[Order]) -> Result<Arc<Book>, Denial> {
        let prices = &self.app.gate.prices;
        let book = prices.book(self.app, self.definition, self.environment).await?;
        if orders.iter().all(|order| book.assets(self.definition, &order.symbol).is_some()) {
            return Ok(book);
        }
        prices.doubt(self.definition, self.environment, &book).await;
        prices.book(self.app, self.definition, self.environment).await
    }

    fn orders(&self, orders: &[Order], book: &Book) -> Result<Ask, Denial> {
        let mut reserve = Vec::with_capacity(orders.len());
        for order in orders {
            let own = match self.weigh(valued(self.definition, order, book))? {
                Some(own) => own,
                None => bare(order),
            };
            self.weigh(within_trade(&own, self.limits))?;
            reserve.push(own);
        }
        let caps = vec![trade_day(self.limits)];
        Ok(Ask { reserve, caps, priced_at: Some(book.at), ..Ask::default() })
    }

    fn withdrawal(&self, withdrawal: &Withdrawal, book: &Book) -> Result<Ask, Denial> {
        let asset = self.definition.usual_asset(&withdrawal.asset);
        let usd = book.usd(asset).and_then(|price| price.checked_mul(withdrawal.amount));
        let usd = countable(usd.ok_or_else(|| unpriceable_asset(asset))?)?;
        let own = sent_out(withdrawal, Some(usd));
        within_withdrawal(&own, self.limits)?;
        let caps = withdrawal_windows(self.limits).to_vec();
        Ok(Ask { reserve: vec![own], caps, priced_at: Some(book.at), ..Ask::default() })
    }

    /// Where losses are limited, so that what leaves is not taken for one. No reason to refuse what nothing else limits.
    async fn sent_usd(&self, withdrawal: &Withdrawal) -> Option<Decimal> {
        let book = match self.limits.stops_at_a_loss() {
            true => self.book(&[]).await.ok()?,
            false => return None,
        };
        let usd = book.usd(self.definition.usual_asset(&withdrawal.asset))?.checked_mul(withdrawal.amount)?;
        countable(usd).ok()
    }
}

/// One order by itself.
pub(super) fn within_trade(own: &Reserve, limits: &Limits) -> Result<(), Denial> {
    within("max-trade", "an order", own.usd, limits.max_trade_amount_usd)
}

/// One withdrawal by itself.
pub(super) fn within_withdrawal(own: &Reserve, limits: &Limits) -> Result<(), Denial> {
    within("max-withdrawal", "a withdrawal", own.usd, limits.max_withdrawal_amount_usd)
}

/// The window orders count in.
pub(super) fn trade_day(limits: &Limits) -> Cap {
    Cap { window: Window::TradeDay, limit: limits.max_daily_trade_volume_usd, rule: "max-daily-trades" }
}

/// The windows withdrawals count in.
pub(super) fn withdrawal_windows(limits: &Limits) -> [Cap; 2] {
    let cap = |window, limit, rule| Cap { window, limit, rule };
    [
        cap(Window::WithdrawDay, limits.withdrawals_per_day(), "max-daily-withdrawals"),
        cap(Window::WithdrawMonth, limits.monthly_withdraw_limit, "max-monthly-withdrawals"),
    ]
}

/// Orders of which nothing is limited in dollars, or nobody knows what they are worth.
fn unvalued(orders: &[Order]) -> Ask {
    Ask { reserve: orders.iter().map(bare).collect(), ..Ask::default() }
}

/// An order without its worth.
fn bare(order: &Order) -> Reserve {
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

fn within(
    rule: &'static str,
    what: &str,
    usd: Option<Decimal>,
    limit: Option<Decimal>,
) -> Result<(), Denial> {
    match usd.zip(limit) {
        Some((usd, limit)) if usd > limit => Err(Denial::denied(
            rule,
            format!("{what} may be worth {} USD at most, and this is up to {} USD", money(limit), money(usd)),
        )),
        _ => Ok(()),
    }
}

fn unshown() -> Denial {
    Denial::denied(
        "max-position",
        "the limit of a position counts open orders, and the exchange does not list those of this kind",
    )
}

fn no_price(symbol: &Symbol) -> Denial {
    unpriceable_asset(&name(symbol))
}

fn unpriceable_asset(what: &str) -> Denial {
    Denial::denied("no-price", format!("a limit in dollars needs a price, and there is none for {what}"))
}

pub(super) fn unpriceable(why: &str) -> Denial {
    Denial::denied("unpriceable", format!("a limit in dollars needs to know what this is worth: {why}"))
}

/// In cents, rounded up: what is refused shall not look as if it fitted.
pub(super) fn money(usd: Decimal) -> Decimal {
    usd.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::AwayFromZero).normalize()
}
