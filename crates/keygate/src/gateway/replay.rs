//! What limits would have made of the calls of the last thirty days. The calls are those on record; the rules are the
//! gateway's own functions, and the sums those of the ledger.
//!
//! Always holds: nothing is written and no exchange is asked but for prices; rows are read page by page, so many and for so
//! long at most; what a record does not say is counted as not judged, and never as allowed.

use std::{sync::Arc, time::Instant};

use exchange::{Class, Definition, Order, Reading, Symbol, Withdrawal};
use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime, Time, UtcOffset};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{
    Denial, decide,
    ledger::Past,
    price::Book,
    rate,
    spend::{self, Ask, Reserve},
    symbol,
};
use crate::{
    app::App,
    connection::{self, Row},
    error::{Code, Error, Result},
    limits::Limits,
};

mod recorded;
mod report;
mod store;

pub use report::{Example, Report, Rule, Unjudged};

use recorded::Recorded;

/// How many may go through the past at once, on this instance.
pub struct Replays(Semaphore);

impl Default for Replays {
    fn default() -> Self {
        Replays(Semaphore::new(AT_ONCE))
    }
}

/// Goes through the calls of a connection with these limits.
pub async fn replay(app: &App, user: Uuid, row: &Row, limits: &Limits) -> Result<Report> {
    let _room = app.gate.replays.0.try_acquire().map_err(|_| {
        Code::TooManyRequests.with("Others are going through the past at this moment; try again in a minute.")
    })?;
    let definition = app.exchanges.get(&row.exchange).ok_or_else(|| Error::internal("no such exchange"))?;
    let keys = connection::generations(app, user, row.id).await?.into_iter().map(|own| own.id).collect();
    let now = app.clock.now();
    let mut pages = store::Pages { user, keys, from: midnight(now - PAST), to: now, after: None };
    let cut = pages.begin_within(app, MOST).await?;
    let book = app.gate.prices.book(app, definition, &row.environment).await.ok();
    let mut judge = Judge {
        definition,
        connection: row.id,
        limits,
        book,
        past: Past::default(),
        requests: Past::default(),
        report: Report::new(pages.from, now),
    };
    judge.report.rows_cut = cut;
    let began = Instant::now();
    while let Some(page) = pages.next(app).await? {
        page.iter().for_each(|call| judge.go_through(call));
        if began.elapsed() >= LONGEST {
            judge.report.to = page.last().map_or(now, |call| call.at);
            judge.report.time_cut = true;
            break;
        }
        // others want the database too
        tokio::time::sleep(BREATH).await;
    }
    Ok(judge.report)
}

struct Judge<'a> {
    definition: &'a Definition,
    connection: Uuid,
    limits: &'a Limits,
    /// Today's prices, for what was not valued then.
    book: Option<Arc<Book>>,
    /// Dollars, and requests: a call that is refused for its dollars was counted as a request.
    past: Past,
    requests: Past,
    report: Report,
}

impl Judge<'_> {
    fn go_through(&mut self, call: &Recorded) {
        if call.is_about_keys() {
            self.report.refused_by_others += 1;
            return;
        }
        self.report.calls += 1;
        let verdict = match call.class {
            Some(class) => self.judged(class, call),
            None => Ok(()),
        };
        match verdict {
            Err((denial, usd)) => self.report.denied(call, denial, usd),
            Ok(()) if call.was_refused() => self.report.passes_now += 1,
            Ok(()) => {}
        }
    }

    fn judged(&mut self, class: Class, call: &Recorded) -> Result<(), (Denial, Option<Decimal>)> {
        let bare = |denial| (denial, None);
        decide::permitted(class, self.limits).map_err(bare)?;
        decide::placed(call.ip, self.limits).map_err(bare)?;
        let reading = call.reading(self.definition, class);
        match &reading {
            None if class == Class::Trade && self.limits_markets() => self.report.unjudged("symbol", MARKET),
            None => {}
            Some(reading) => {
                symbol::of_connection(self.definition, class, reading, self.limits).map_err(bare)?;
            }
        }
        if matches!(reading, Some(Reading::Cancel { .. })) {
            return Ok(());
        }
        self.count(call).map_err(bare)?;
        self.leave_out(class, reading.as_ref());
        match reading {
            Some(Reading::Orders(orders)) if self.limits.values_trades() => self.orders(call, &orders),
            Some(Reading::Withdrawal(withdrawal)) if self.limits.values_withdrawals() => {
                self.withdrawal(call, &withdrawal)
            }
            Some(Reading::Unpriceable(why)) if class == Class::Trade && self.limits.values_trades() => {
                Err(bare(spend::unpriceable(why)))
            }
            None if class == Class::Trade && self.limits.values_trades() => {
                self.report.unjudged("no-price", REFUSED);
                Ok(())
            }
            None if class == Class::Withdraw && self.limits.values_withdrawals() => {
                self.report.unjudged("no-price", REFUSED);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn limits_markets(&self) -> bool {
        self.limits.allowed_symbols.is_some() || !self.limits.blocked_symbols.is_empty()
    }

    fn count(&mut self, call: &Recorded) -> Result<(), Denial> {
        let one = Reserve { usd: Some(Decimal::ONE), ..Reserve::default() };
        let ask = Ask { reserve: vec![one], caps: rate::windows(self.limits), ..Ask::default() };
        match self.requests.charge(self.connection, call.at, &ask, true) {
            Some((cap, _)) => Err(rate::late(cap.window, call.at)),
            None => Ok(()),
        }
    }

    /// Limits that need what no record holds.
    fn leave_out(&mut self, class: Class, reading: Option<&Reading>) {
        if class != Class::Trade {
            return;
        }
        let limits = self.limits;
        let orders = matches!(reading, Some(Reading::Orders(_)) | None);
        for (limited, rule, why) in [
            (limits.max_leverage.is_some(), "max-leverage", LEVERAGE),
            (limits.stops_at_a_loss(), "daily-loss", HELD),
            (limits.max_position_size.is_some() && orders, "max-position", HELD),
        ] {
            if limited {
                self.report.unjudged(rule, why);
            }
        }
    }

    fn orders(&mut self, call: &Recorded, orders: &[Order]) -> Result<(), (Denial, Option<Decimal>)> {
        let mut reserve = Vec::with_capacity(orders.len());
        for (place, order) in orders.iter().enumerate() {
            let usd = call.usd(place).or_else(|| self.estimated(call, order));
            let own = Reserve { usd, ..Reserve::default() };
            spend::within_trade(&own, self.limits).map_err(|denial| (denial, usd))?;
            reserve.push(own);
        }
        self.charge(call, Ask { reserve, caps: vec![spend::trade_day(self.limits)], ..Ask::default() })
    }

    fn withdrawal(
        &mut self,
        call: &Recorded,
        withdrawal: &Withdrawal,
    ) -> Result<(), (Denial, Option<Decimal>)> {
        let asset = self.definition.usual_asset(&withdrawal.asset);
        let today = || self.book.as_ref()?.usd(asset)?.checked_mul(withdrawal.amount);
        let usd = call.usd(0).or_else(today);
        let own = Reserve { usd, ..Reserve::default() };
        spend::within_withdrawal(&own, self.limits).map_err(|denial| (denial, usd))?;
        let caps = spend::withdrawal_windows(self.limits).to_vec();
        self.charge(call, Ask { reserve: vec![own], caps, ..Ask::default() })
    }

    /// What it would have set aside at today's prices, by the gateway's own sum.
    fn estimated(&mut self, call: &Recorded, order: &Order) -> Option<Decimal> {
        let usd = match (&self.book, call.was_refused()) {
            (Some(book), false) => spend::valued(self.definition, order, book).ok().and_then(|own| own.usd),
            _ => None,
        };
        self.report.estimated += u64::from(usd.is_some());
        usd
    }

    fn charge(&mut self, call: &Recorded, ask: Ask) -> Result<(), (Denial, Option<Decimal>)> {
        if ask.reserve.iter().any(|own| own.usd.is_none()) {
            let why = if call.was_refused() { REFUSED } else { UNPRICED };
            self.report.unjudged("no-price", why);
        }
        let usd = ask.usd();
        // what the exchange refused was given back
        match self.past.charge(self.connection, call.at, &ask, !call.was_given_back()) {
            Some((cap, left)) => Err((cap.denial(usd, left), Some(usd))),
            None => Ok(()),
        }
    }
}

/// The market of an order as its record names it.
fn market(name: &str) -> Symbol {
    match name.split_once('/') {
        Some((base, quote)) => Symbol::Pair { base: base.to_owned(), quote: quote.to_owned() },
        None => Symbol::Market(name.to_owned()),
    }
}

fn midnight(at: OffsetDateTime) -> OffsetDateTime {
    at.to_offset(UtcOffset::UTC).replace_time(Time::MIDNIGHT)
}

const AT_ONCE: usize = 2;
const PAST: Duration = Duration::days(30);
/// Calls at most; of more, the last ones.
const MOST: i64 = 200_000;
const LONGEST: std::time::Duration = std::time::Duration::from_secs(20);
const BREATH: std::time::Duration = std::time::Duration::from_millis(10);
const MARKET: &str = "its markets are not on record";
const LEVERAGE: &str = "what was borrowed is not on record";
const HELD: &str = "what the account held then is not on record";
const REFUSED: &str = "it was refused then, and the amounts of refused calls are not on record";
const UNPRICED: &str = "it was not valued then, and has no price today";
