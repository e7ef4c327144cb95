//! What the account has lost since the first look of the day. When it is too much, orders stop until the next day (UTC).

use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};

use super::{Holder, Look, store};
use crate::gateway::{Denial, price::Book, spend::money};

impl Holder<'_> {
    /// Refuses when too much is lost. What was withdrawn through the gate is not lost; what was deposited hides losses. A
    /// withdrawal that is not settled may be in the look or not: the day stops for what is lost without it only.
    pub async fn loss(&self) -> Result<(), Denial> {
        if !self.limits.stops_at_a_loss() {
            return Ok(());
        }
        let look = self.app.gate.looks.find(self, LOSS_AGE).await?;
        let book = self.app.gate.prices.book(self.app, self.definition, self.environment).await?;
        let worth = look.worth(&book);
        let now = self.app.clock.now();
        let day = store::day(self.app, self.user, self.connection, (worth, look.at), now).await;
        let day = day.map_err(Denial::down)?.ok_or_else(too_early)?;
        let lost = day.usd.checked_sub(worth).and_then(|lost| lost.checked_sub(day.withdrawn));
        let certain = lost.and_then(|lost| lost.checked_sub(day.may_have_left));
        let (lost, certain) = lost.zip(certain).ok_or_else(|| Denial::down("a worth is out of range"))?;
        let too_much = self.too_much(certain, day.usd);
        if too_much && day.lost_at.is_none() {
            store::stop_day(self.app, self.user, self.connection, now).await.map_err(Denial::down)?;
        }
        match day.lost_at.or(too_much.then_some(now)) {
            Some(at) => Err(stopped(at, lost)),
            None if self.too_much(lost, day.usd) => Err(unsettled(lost, day.may_have_left)),
            None => Ok(()),
        }
    }

    fn too_much(&self, lost: Decimal, of: Decimal) -> bool {
        let dollars = self.limits.max_daily_loss;
        let share = self
            .limits
            .stop_loss_percentage
            .and_then(|share| of.checked_mul(share)?.checked_div(Decimal::ONE_HUNDRED));
        lost > Decimal::ZERO && [dollars, share].into_iter().flatten().any(|most| lost >= most)
    }
}

impl Look {
    /// What has no price counts as nothing.
    fn worth(&self, book: &Book) -> Decimal {
        let usd = |(asset, units): (&String, &Decimal)| book.usd(asset)?.checked_mul(*units);
        self.held.iter().filter_map(usd).fold(Decimal::ZERO, Decimal::saturating_add)
    }
}

fn too_early() -> Denial {
    Denial::denied(
        "daily-loss",
        "a withdrawal is on its way, and what the account is worth as the day begins is not known before it has left; orders are refused until two minutes after it is settled",
    )
}

fn stopped(at: OffsetDateTime, lost: Decimal) -> Denial {
    let (hour, minute) = (at.hour(), at.minute());
    let now = match lost > Decimal::ZERO {
        true => format!("it has lost {} USD", money(lost)),
        false => "it has gained since".to_owned(),
    };
    Denial::denied(
        "daily-loss",
        format!(
            "the account had lost its limit of the day at {hour:02}:{minute:02} UTC ({now}); orders are refused until the next day (UTC)"
        ),
    )
}

fn unsettled(lost: Decimal, leaving: Decimal) -> Denial {
    Denial::denied(
        "daily-loss",
        format!(
            "the account has {} USD less than when the day began, and of withdrawals of {} USD it is not known yet whether they are among them; orders are refused until that is known",
            money(lost),
            money(leaving)
        ),
    )
}

const LOSS_AGE: Duration = Duration::seconds(30);
