//! What one transaction writes, in one statement: windows, reservations, and both logs with their counters.

use std::collections::HashMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::{
    held::Held,
    store::{Key, column},
};
use crate::{
    app::App,
    audit::{Locked, Log},
    db::{self, Tx},
    gateway::record::{Line, Row},
};

#[derive(Default)]
pub(in crate::gateway) struct Written<'w> {
    /// Everybody's it is.
    pub(super) users: Vec<Uuid>,
    /// What windows have come to.
    pub(super) windows: Vec<(Key, Decimal)>,
    pub(super) held: Vec<Held<'w>>,
    /// Requests that left, and those the exchange said yes to.
    pub(super) sent: Vec<Uuid>,
    pub(super) confirmed: Vec<Uuid>,
    pub(super) lines: &'w [&'w Line],
}

impl<'w> Written<'w> {
    /// Nothing but records.
    pub fn of_lines(users: Vec<Uuid>, lines: &'w [&'w Line]) -> Self {
        Written { users, lines, ..Written::default() }
    }

    /// Lines follow each other in the chains, which are locked.
    pub async fn write(self, app: &App, tx: &mut Tx, mut chains: Option<Locked>) -> Result<(), db::Error> {
        let rows = match &mut chains {
            Some(locked) => rows(app, locked, self.lines),
            None => Vec::new(),
        };
        let (counted, periods, days, calls) =
            chains.as_ref().map(|locked| locked.counts.changed_columns()).unwrap_or_default();
        if self.is_empty() && rows.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "select keygate.write_calls($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            &tx.contexts(&self.users),
            app.clock.now(),
            &column(&self.windows, |(key, _)| key.connection()),
            &column(&self.windows, |(key, _)| key.kind()) as &[&str],
            &column(&self.windows, |(key, _)| key.starts_at()),
            &column(&self.windows, |(_, used)| *used),
            self.held as _,
            &self.sent,
            &self.confirmed,
            rows as _,
            &counted,
            &periods,
            &days,
            &calls
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.held.is_empty() && self.sent.is_empty() && self.confirmed.is_empty()
    }
}

fn rows<'l>(app: &App, locked: &mut Locked, lines: &[&'l Line]) -> Vec<Row<'l>> {
    let mut chains = HashMap::new();
    let row = |line: &&'l Line| {
        let begin = || Log::ALL.map(|log| app.keys.audit.chain(line.user, log, locked.head(line.user, log)));
        let own = chains.entry(line.user).or_insert_with(begin);
        let count = locked.counts.step(line.api_key, line.at, line.uses());
        Row::new(app.clock.id(), line, count, own)
    };
    lines.iter().map(row).collect()
}
