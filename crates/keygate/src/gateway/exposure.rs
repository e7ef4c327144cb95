//! What an account holds and is worth, for the limits that need to know: how much of one asset a purchase may lead to,
//! and how much may be lost in a day.
//!
//! Always holds: what the exchange does not say is refused. A purchase counts from before its signature until a look at
//! the account that began after the exchange answered, so it is in the ledger's sum or in the look, and never in neither.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use exchange::Definition;
use moka::future::Cache;
use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Denial,
    noted::{self, Noted},
    price::Book,
    spend::{Ask, money},
};
use crate::{
    app::App,
    connection::{
        ExchangeKey,
        probe::{self, At, Only, Stored},
    },
    gateway::queue::Whose,
    limits::Limits,
};

mod loss;
mod open;
mod store;

pub use open::Open;

/// Whose account a call acts on, and what holds for it.
pub struct Holder<'a> {
    pub app: &'a App,
    pub definition: &'a Definition,
    pub environment: &'a str,
    pub user: Uuid,
    pub connection: Uuid,
    pub api_key: Uuid,
    pub limits: &'a Limits,
    /// In a dry run, where what the limits would refuse is noted.
    pub noted: Option<&'a Noted>,
    /// Opens its key, to ask the exchange.
    pub key: &'a (dyn Fn() -> Result<ExchangeKey, Denial> + Sync),
}

/// The latest look at each account.
pub struct Looks {
    latest: Cache<Uuid, Result<Arc<Look>, Denial>>,
}

/// What an account held at a moment.
pub struct Look {
    pub at: OffsetDateTime,
    /// By the usual names of the assets.
    pub held: HashMap<String, Decimal>,
    /// `None`: nobody asked.
    pub open: Option<Open>,
}

/// What a call buys, of which only so much may be held.
pub struct Bounded<'a> {
    limit: Decimal,
    assets: BTreeSet<&'a String>,
}

/// What a purchase may lead to: checked where money is set aside, so that two of them cannot both take the last room.
#[derive(Debug)]
pub struct Position {
    limit: Decimal,
    /// What was settled before this is in `held`.
    pub since: OffsetDateTime,
    /// Dollars' worth of each asset that is bought.
    pub held: BTreeMap<String, Decimal>,
}

/// A purchase that would lead to too much of an asset.
#[derive(Debug)]
pub struct Excess {
    asset: String,
    limit: Decimal,
    leads_to: Decimal,
}

impl Default for Looks {
    fn default() -> Self {
        Looks { latest: Cache::builder().max_capacity(MOST).time_to_live(KEPT).build() }
    }
}

impl Looks {
    /// A look that is new enough. Everybody who asks at the same moment waits for the same one.
    async fn find(&self, holder: &Holder<'_>, oldest: Duration) -> Result<Arc<Look>, Denial> {
        let now = holder.app.clock.now();
        let orders = holder.limits.max_position_size.is_some();
        // one of a time that is still to come is from before the clock was set back
        let is_of_now = |look: &Look| (Duration::ZERO..=oldest).contains(&(now - look.at));
        let too_old = |kept: &Result<Arc<Look>, Denial>| match kept {
            Ok(look) => !is_of_now(look) || (orders && look.open.is_none()),
            Err(_) => true,
        };
        let entry = self.latest.entry_by_ref(&holder.connection);
        entry.or_insert_with_if(Box::pin(holder.look(orders)), too_old).await.into_value()
    }
}

impl Holder<'_> {
    /// What a limit says; nothing is known of what a dry run lets through all the same.
    pub(super) fn weigh<T>(&self, verdict: Result<T, Denial>) -> Result<Option<T>, Denial> {
        noted::weigh(self.noted, verdict)
    }

    /// What the purchases of a call may lead to; nothing, when it buys nothing or nothing limits it.
    pub async fn position(&self, ask: &Ask, book: &Book) -> Result<Option<Position>, Denial> {
        let Some(bounded) = Bounded::of(ask, self.limits) else { return Ok(None) };
        let look = self.app.gate.looks.find(self, POSITION_AGE).await?;
        bounded.position(&look, book).map(Some)
    }

    async fn look(&self, orders: bool) -> Result<Arc<Look>, Denial> {
        let at = self.app.clock.now();
        let key = (self.key)()?;
        // orders first: one that is filled in between then counts twice, and never not at all
        let open = match orders {
            true => Some(self.open(&key, at - CLOCKS).await?),
            false => None,
        };
        let balances = probe::holdings(self.app, self.definition, self.at(), &key).await.map_err(unseen)?;
        let mut held = HashMap::new();
        for balance in balances {
            let own: &mut Decimal =
                held.entry(self.definition.usual_asset(&balance.asset).to_owned()).or_default();
            let sum = balance.free.checked_add(balance.used).and_then(|sum| own.checked_add(sum));
            *own = sum.ok_or_else(|| unseen("a balance is too large"))?;
        }
        Ok(Arc::new(Look { at, held, open }))
    }

    fn at(&self) -> At<'_> {
        let whose = Whose { user: self.user, api_key: self.api_key };
        let stored = Stored { whose, connection: self.connection };
        At { environment: self.environment, stored: Some(stored), only: Only::Always }
    }
}

impl<'a> Bounded<'a> {
    /// Nothing, when it buys nothing or nothing limits it.
    pub fn of(ask: &'a Ask, limits: &Limits) -> Option<Self> {
        let assets: BTreeSet<&String> = ask.reserve.iter().filter_map(|own| own.buys.as_ref()).collect();
        let limit = limits.max_position_size.filter(|_| !assets.is_empty())?;
        Some(Bounded { limit, assets })
    }

    /// What they may lead to, by a look at the account.
    pub fn position(self, look: &Look, book: &Book) -> Result<Position, Denial> {
        let held = |asset: &String| Ok((asset.clone(), look.position(asset, book)?));
        let held: Result<_, Denial> = self.assets.into_iter().map(held).collect();
        Ok(Position { limit: self.limit, since: look.at - CLOCKS, held: held? })
    }
}

impl Look {
    /// Dollars' worth of an asset, with what open orders may add.
    fn position(&self, asset: &str, book: &Book) -> Result<Decimal, Denial> {
        let open = self.open.as_ref().filter(|open| !open.unknown.contains(asset)).ok_or_else(|| {
            Denial::denied(
                "max-position",
                format!("there is an open order about {asset} whose worth is not known: take it back first"),
            )
        })?;
        let units = self.held.get(asset).copied().unwrap_or_default();
        let held = match units.is_zero() {
            true => Some(Decimal::ZERO),
            false => book.usd(asset).and_then(|price| price.checked_mul(units)),
        };
        let adds = open.usd.get(asset).copied().unwrap_or_default();
        held.and_then(|held| held.checked_add(adds)).ok_or_else(|| {
            Denial::denied(
                "no-price",
                format!("the limit of a position needs a price, and there is none for {asset}"),
            )
        })
    }
}

impl Position {
    /// Whether so much more of an asset, in dollars, fits beside what is held.
    pub fn has_room(&self, asset: &str, held: Decimal, more: Decimal) -> Result<(), Excess> {
        match held.checked_add(more) {
            Some(sum) if sum <= self.limit => Ok(()),
            sum => Err(Excess {
                asset: asset.to_owned(),
                limit: self.limit,
                leads_to: sum.unwrap_or(Decimal::MAX),
            }),
        }
    }
}

impl Excess {
    /// What its owner reads.
    pub fn denial(&self) -> Denial {
        let Excess { asset, limit, leads_to } = self;
        Denial::denied(
            "max-position",
            format!(
                "this may lead to {} USD of {asset}, with what is held and what is being bought, and {} USD are allowed",
                money(*leads_to),
                money(*limit)
            ),
        )
    }
}

fn unseen(cause: impl std::fmt::Display) -> Denial {
    tracing::warn!(%cause, "an account cannot be seen, and a limit needs to know what it holds");
    Denial::denied(
        "no-balances",
        "a limit needs to know what the account holds, and the exchange does not say it now",
    )
}

const POSITION_AGE: Duration = Duration::seconds(10);
/// Replicas' clocks may differ by so much.
const CLOCKS: Duration = Duration::seconds(1);
const KEPT: std::time::Duration = std::time::Duration::from_secs(60);
const MOST: u64 = 10_000;
