//! What a call may cost at most, and which limits it counts in: worked out before anything is written. What a limit
//! depends on and nobody knows is refused.

use std::sync::Arc;

use exchange::{Class, Order, Reading, Symbol};
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
mod scale;
mod worth;

pub use ask::{Ask, Cap, Reserve};
pub(super) use scale::Scale;
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
        holder.scale().shows(&self.request, &ask)?;
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
        if class == Class::Trade && !matches!(reading, Reading::Cancel { .. }) {
            // boxed, as what follows: most calls need none of it, and all would carry its size
            self.weigh(Box::pin(self.loss()).await)?;
        }
        let book = match reading {
            Reading::Orders(orders) if self.limits.values_trades() => self.weigh(self.book(orders).await)?,
            Reading::Withdrawal(_) if self.limits.values_withdrawals() => Some(self.book(&[]).await?),
            // so that what leaves is not taken for a loss; no reason to refuse what nothing else limits
            Reading::Withdrawal(_) if self.limits.stops_at_a_loss() => self.book(&[]).await.ok(),
            _ => None,
        };
        let ask = self.scale().ask(class, reading, book.as_deref())?;
        match book {
            Some(book) => {
                let position = self.weigh(Box::pin(self.position(&ask, &book)).await)?.flatten();
                Ok(Ask { position, ..ask })
            }
            None => Ok(ask),
        }
    }

    /// By what it is valued.
    fn scale(&self) -> Scale<'_> {
        Scale { definition: self.definition, limits: self.limits, noted: self.noted }
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
