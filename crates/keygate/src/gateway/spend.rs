//! What a call may cost at most, and which limits it counts in: worked out before anything is written. What a limit
//! depends on and nobody knows is refused.

use std::sync::Arc;

use exchange::{Class, Order, Reading, Side, Symbol, Withdrawal};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Account, Call, Denial,
    ledger::Window,
    price::Book,
    reconcile::question,
    record::name,
};
use crate::limits::Limits;

/// What a call sets aside, and the windows it counts in.
#[derive(Debug, Default)]
pub struct Ask {
    pub reserve: Vec<Reserve>,
    pub caps: Vec<Cap>,
}

/// One order or withdrawal.
#[derive(Debug)]
pub struct Reserve {
    /// `trade` or `withdraw`
    pub kind: &'static str,
    pub symbol: Option<String>,
    /// The asset a purchase adds to.
    pub buys: Option<String>,
    pub client_order_id: Option<String>,
    /// What the exchange is asked by what became of it.
    pub question: Option<Value>,
    /// `None`: nothing about it is limited in dollars.
    pub usd: Option<Decimal>,
}

/// A window, and how much may be used of it; without a limit it only counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    pub window: Window,
    pub limit: Option<Decimal>,
    pub rule: &'static str,
}

impl Ask {
    pub fn usd(&self) -> Decimal {
        self.reserve.iter().filter_map(|own| own.usd).sum()
    }
}

impl Call<'_> {
    /// What this call would set aside. Cancels set nothing aside and are never stopped here.
    pub(super) async fn cost(&self, account: &Account) -> Result<Ask, Denial> {
        let limits = &account.limits;
        match self.request.reading() {
            Reading::Orders(orders) if limits.values_trades() => {
                let book = self.book(account, orders).await?;
                self.orders(orders, limits, &book)
            }
            Reading::Orders(orders) => {
                let reserve = (0..).zip(orders).map(|(place, order)| self.bare(place, order));
                Ok(Ask { reserve: reserve.collect(), caps: Vec::new() })
            }
            Reading::Withdrawal(withdrawal) if limits.values_withdrawals() => {
                let book = self.book(account, &[]).await?;
                self.withdrawal(withdrawal, limits, &book)
            }
            Reading::Withdrawal(withdrawal) => Ok(Ask { reserve: vec![sent_out(withdrawal, None)], caps: vec![] }),
            Reading::Unpriceable(why) if self.request.class() == Class::Trade && limits.values_trades() => {
                Err(unpriceable(why))
            }
            Reading::Unpriceable(_) | Reading::Cancel { .. } | Reading::NotMoney => Ok(Ask::default()),
        }
    }

    /// The prices of now. A market that is not on the exchange's list may be newer than the list.
    async fn book(&self, account: &Account, orders: &[Order]) -> Result<Arc<Book>, Denial> {
        let (prices, environment) = (&self.app.gate.prices, &account.connection.environment);
        let book = prices.book(self.app, self.definition, environment).await?;
        if orders.iter().all(|order| book.assets(self.definition, &order.symbol).is_some()) {
            return Ok(book);
        }
        prices.doubt(self.definition, environment, &book).await;
        prices.book(self.app, self.definition, environment).await
    }

    fn orders(&self, orders: &[Order], limits: &Limits, book: &Book) -> Result<Ask, Denial> {
        let mut reserve = Vec::with_capacity(orders.len());
        for (place, order) in (0..).zip(orders) {
            let (base, usd) = self.worst_case(order, book).ok_or_else(|| no_price(&order.symbol))?;
            within("max-trade", "an order", usd, limits.max_trade_amount_usd)?;
            let buys = (order.side == Side::Buy).then_some(base);
            reserve.push(Reserve { buys, usd: Some(usd), ..self.bare(place, order) });
        }
        let day = Cap {
            window: Window::TradeDay,
            limit: limits.max_daily_trade_volume_usd,
            rule: "max-daily-trades",
        };
        Ok(Ask { reserve, caps: vec![day] })
    }

    /// The most an order can turn over, in dollars, with the asset it is about. A limit price bounds a purchase; a sale,
    /// and whatever runs at the market, is bounded by the market and the band around it.
    fn worst_case(&self, order: &Order, book: &Book) -> Option<(String, Decimal)> {
        let (base, quote) = book.assets(self.definition, &order.symbol)?;
        let in_quote = match (order.quote_amount, order.quantity) {
            (Some(amount), _) => amount,
            (None, Some(quantity)) => {
                let band = Decimal::ONE.checked_add(BAND)?;
                let market = || book.last(&base, &quote)?.checked_mul(band);
                let bounded = order.side == Side::Buy && order.kind.contains("LIMIT");
                let price = match order.price {
                    Some(price) if bounded => price,
                    Some(price) if order.side == Side::Buy => market()?.max(price.checked_mul(band)?),
                    Some(price) => market()?.max(price),
                    None => market()?,
                };
                quantity.checked_mul(price)?
            }
            (None, None) => return None,
        };
        let usd = in_quote.checked_mul(book.usd(&quote)?)?;
        Some((base, usd))
    }

    /// An order without its worth.
    fn bare(&self, place: usize, order: &Order) -> Reserve {
        let client_order_id = self.request.client_ids().get(place).cloned().flatten();
        Reserve {
            kind: "trade",
            symbol: Some(name(&order.symbol)),
            buys: None,
            question: client_order_id.as_ref().map(|_| question(&self.request, order)),
            client_order_id,
            usd: None,
        }
    }

    fn withdrawal(&self, withdrawal: &Withdrawal, limits: &Limits, book: &Book) -> Result<Ask, Denial> {
        let asset = self.definition.usual_asset(&withdrawal.asset);
        let usd = book.usd(asset).and_then(|price| price.checked_mul(withdrawal.amount));
        let usd = usd.ok_or_else(|| unpriceable_asset(asset))?;
        within("max-withdrawal", "a withdrawal", usd, limits.max_withdrawal_amount_usd)?;
        let cap = |window, limit, rule| Cap { window, limit, rule };
        let day = limits.withdrawals_per_day();
        let caps = vec![
            cap(Window::WithdrawDay, day, "max-daily-withdrawals"),
            cap(Window::WithdrawMonth, limits.monthly_withdraw_limit, "max-monthly-withdrawals"),
        ];
        Ok(Ask { reserve: vec![sent_out(withdrawal, Some(usd))], caps })
    }
}

impl Cap {
    /// What its owner reads when there is no room.
    pub(super) fn denial(&self, wanted: Decimal, left: Decimal) -> Denial {
        let period = match self.window {
            Window::WithdrawMonth => "this month",
            _ => "today",
        };
        let limit = self.limit.unwrap_or_default();
        Denial::denied(
            self.rule,
            format!("this is up to {} USD, and {} of {} USD are left {period} (UTC)", money(wanted), money(left), money(limit)),
        )
    }
}

fn sent_out(withdrawal: &Withdrawal, usd: Option<Decimal>) -> Reserve {
    Reserve { kind: "withdraw", symbol: Some(withdrawal.asset.clone()), buys: None, client_order_id: None, question: None, usd }
}

fn within(rule: &'static str, what: &str, usd: Decimal, limit: Option<Decimal>) -> Result<(), Denial> {
    match limit {
        Some(limit) if usd > limit => Err(Denial::denied(
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

fn unpriceable(why: &str) -> Denial {
    Denial::denied("unpriceable", format!("a limit in dollars needs to know what this is worth: {why}"))
}

/// In cents, rounded up: what is refused shall not look as if it fitted.
fn money(usd: Decimal) -> Decimal {
    usd.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::AwayFromZero).normalize()
}

/// How far from the last price an order at the market is expected to run at most.
const BAND: Decimal = Decimal::from_parts(5, 0, 0, false, 2);
