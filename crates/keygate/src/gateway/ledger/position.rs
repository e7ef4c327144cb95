//! What is being bought and not in the last look at the account yet: summed while the windows are locked, so that no two
//! purchases on two replicas take the same room.

use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{LAST_ARRIVAL, Wanted, Window, store::Key};
use crate::gateway::exposure::{Excess, Position};

/// A purchase by the ledger's word.
pub struct Bought {
    pub connection: Uuid,
    pub asset: String,
    pub usd: Decimal,
    pub made_at: OffsetDateTime,
    /// When the exchange had said yes.
    pub confirmed_at: Option<OffsetDateTime>,
}

impl Bought {
    /// Whether a look that began at `since` may not have seen it. One whose answer is lost has arrived by then or never
    /// will.
    fn counts(&self, since: OffsetDateTime) -> bool {
        match self.confirmed_at {
            Some(at) => at >= since,
            None => self.made_at >= since - LAST_ARRIVAL,
        }
    }
}

impl Wanted<'_> {
    /// The windows to lock. Purchases lock the day before as well: those made around midnight are to see each other.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let Wanted { connection, at, .. } = *self;
        let before =
            self.ask.position.iter().map(move |_| Key::new(connection, Window::TradeDay, at - Duration::DAY));
        self.ask.caps.iter().map(move |cap| Key::new(connection, cap.window, at)).chain(before)
    }

    /// Whether its purchases fit beside what is held and what is being bought.
    pub fn has_room(&self, bought: &[Bought]) -> Result<(), Excess> {
        let Some(position) = &self.ask.position else { return Ok(()) };
        for (asset, held) in &position.held {
            let own = self.ask.purchases().filter(|(own, _)| own == asset).map(|(_, usd)| usd);
            let more =
                bought.iter().filter(|other| self.counts(position, asset, other)).map(|other| other.usd);
            position.has_room(asset, *held, more.chain(own).fold(Decimal::ZERO, Decimal::saturating_add))?;
        }
        Ok(())
    }

    fn counts(&self, position: &Position, asset: &str, other: &Bought) -> bool {
        other.connection == self.connection && other.asset == asset && other.counts(position.since)
    }

    /// What it adds once it is held.
    pub fn bought(&self) -> impl Iterator<Item = Bought> {
        let Wanted { connection, at: made_at, .. } = *self;
        let bought = move |(asset, usd): (&str, _)| Bought {
            connection,
            asset: asset.to_owned(),
            usd,
            made_at,
            confirmed_at: None,
        };
        self.ask.purchases().map(bought)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn order_whose_answer_was_lost_counts_for_as_long_as_it_may_arrive() {
        let made_at = datetime!(2026-01-01 12:00 UTC);
        let (connection, asset) = (Uuid::nil(), "BTC".to_owned());
        let lost = Bought { connection, asset, usd: Decimal::ONE, made_at, confirmed_at: None };
        assert!(lost.counts(made_at + LAST_ARRIVAL));
        assert!(!lost.counts(made_at + LAST_ARRIVAL + Duration::MILLISECOND));
    }
}
