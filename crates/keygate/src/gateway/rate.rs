//! How many requests a connection may make in a minute, an hour and a day.
//!
//! Always holds: all replicas together let through no more than the limit. Each takes a share of a window from the
//! database, counts it down here, and takes the next; what is left of a share when its window ends, or its limit changes,
//! is void. So a share is small beside the limit, and a request waits for the database only when a share is used up.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use exchange::Answer as Dialect;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Account, Denial,
    ledger::{self, Window},
    spend::Cap,
};
use crate::{app::App, limits::Limits};

/// The shares of this instance, by connection.
pub struct Rates {
    shares: Mutex<HashMap<Uuid, [Share; 3]>>,
    /// One asks the database for a connection at a time. Few connections share a lock.
    asking: [tokio::sync::Mutex<()>; LOCKS],
}

/// What is left here of one window.
#[derive(Clone, Copy, Default)]
struct Share {
    /// When its window began, in seconds since 1970.
    of: i64,
    /// What the window lets through, by which the share was taken.
    limit: Option<u32>,
    left: u32,
    /// The database has no more of it.
    spent: bool,
    /// What is left is more than the limit lets through: for a dry run only.
    over: bool,
}

impl Share {
    fn room(&self, dry: bool) -> u32 {
        if self.over && !dry { 0 } else { self.left }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Rates { shares: Mutex::default(), asking: [const { tokio::sync::Mutex::const_new(()) }; LOCKS] }
    }
}

const LOCKS: usize = 64;
const WINDOWS: [Window; 3] = [Window::Minute, Window::Hour, Window::Day];

impl Rates {
    /// Counts one request. In a dry run it counts on when a window is used up, and says so all the same.
    pub async fn admit(&self, app: &App, account: &Account, dry: bool) -> Result<(), Denial> {
        let limits = counts(&account.limits);
        if limits == [None; 3] {
            return Ok(());
        }
        let now = app.clock.now();
        match self.take(account.connection.id, limits, now, dry)? {
            true => Ok(()),
            false => Box::pin(self.admit_refilled(app, account, limits, now, dry)).await,
        }
    }

    async fn admit_refilled(
        &self,
        app: &App,
        account: &Account,
        limits: [Option<u32>; 3],
        now: OffsetDateTime,
        dry: bool,
    ) -> Result<(), Denial> {
        let _mine = self.asking(account.connection.id).lock().await;
        if self.take(account.connection.id, limits, now, dry)? {
            return Ok(());
        }
        self.refill(app, account, limits, now, dry).await?;
        match self.take(account.connection.id, limits, now, dry)? {
            true => Ok(()),
            false => Err(late(Window::Minute, now)),
        }
    }

    /// Takes one of each share; false: one of them has to be filled first. A refusal in a dry run was counted.
    fn take(
        &self,
        connection: Uuid,
        limits: [Option<u32>; 3],
        now: OffsetDateTime,
        dry: bool,
    ) -> Result<bool, Denial> {
        let mut all = self.lock();
        let shares = all.entry(connection).or_default();
        for ((share, window), limit) in shares.iter_mut().zip(WINDOWS).zip(limits) {
            let of = window.start(now).unix_timestamp();
            if (share.of, share.limit) != (of, limit) {
                *share = Share { of, limit, ..Share::default() };
            }
            if limit.is_some() && share.room(dry) == 0 && share.spent && !dry {
                return Err(late(window, now));
            }
        }
        let limited = |(_, limit): &(&mut Share, Option<u32>)| limit.is_some();
        if shares.iter_mut().zip(limits).filter(limited).any(|(share, _)| share.room(dry) == 0) {
            return Ok(false);
        }
        shares.iter_mut().zip(limits).filter(limited).for_each(|(share, _)| share.left -= 1);
        let over =
            shares.iter().zip(WINDOWS).zip(limits).find(|((share, _), limit)| limit.is_some() && share.over);
        over.map_or(Ok(true), |((_, window), _)| Err(late(window, now)))
    }

    /// Fills the shares that are empty.
    async fn refill(
        &self,
        app: &App,
        account: &Account,
        limits: [Option<u32>; 3],
        now: OffsetDateTime,
        dry: bool,
    ) -> Result<(), Denial> {
        let connection = account.connection.id;
        let held = self.lock().get(&connection).copied().unwrap_or_default();
        let empty = held.iter().zip(WINDOWS).zip(limits).filter(|((share, _), _)| share.room(dry) == 0);
        let wanted: Vec<(Window, u32)> =
            empty.filter_map(|((_, window), limit)| Some((window, limit?))).collect();
        let granted = ledger::lease(app, account.user, connection, now, &wanted, share_of, dry);
        let granted = granted.await.map_err(Denial::down)?;
        let mut all = self.lock();
        let shares = all.entry(connection).or_default();
        for (window, own) in granted {
            let of = window.start(now).unix_timestamp();
            let mut all = shares.iter_mut().zip(WINDOWS).zip(limits);
            let asked_for = |((share, own), limit): &((&mut Share, Window), Option<u32>)| {
                *own == window && (share.of, share.limit) == (of, *limit)
            };
            if let Some(((share, _), _)) = all.find(asked_for) {
                share.left += own.count.to_u32().unwrap_or(0);
                share.over = own.is_over;
                share.spent = own.is_over || own.count.is_zero();
            }
        }
        Ok(())
    }

    fn asking(&self, connection: Uuid) -> &tokio::sync::Mutex<()> {
        // the end of an id is random
        &self.asking[usize::from(connection.as_bytes()[15]) % LOCKS]
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, [Share; 3]>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much one instance takes at once. A process that dies loses its share, so it is small.
fn share_of(limit: u32) -> Decimal {
    Decimal::from((limit / 200).max(1))
}

fn counts(limits: &Limits) -> [Option<u32>; 3] {
    [limits.max_requests_per_minute, limits.max_requests_per_hour, limits.max_requests_per_day]
}

/// The same limits as windows of the ledger.
pub(super) fn windows(limits: &Limits) -> Vec<Cap> {
    let limited = WINDOWS.into_iter().zip(counts(limits)).filter(|(_, limit)| limit.is_some());
    limited.map(|(window, limit)| Cap { window, limit: limit.map(Decimal::from), rule: "rate" }).collect()
}

pub(super) fn late(window: Window, now: OffsetDateTime) -> Denial {
    let (length, name) = match window {
        Window::Minute => (60, "minute"),
        Window::Hour => (3600, "hour"),
        _ => (86_400, "day"),
    };
    let left = length - now.unix_timestamp().rem_euclid(length);
    Denial {
        kind: Dialect::RateLimited { retry_after: u64::try_from(left).ok() },
        rule: "rate",
        text: format!("the requests this connection may make in this {name} are used up"),
    }
}
