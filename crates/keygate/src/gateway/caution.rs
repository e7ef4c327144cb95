//! The score of a call, and what follows from it before and after it is decided.

use exchange::{Answer as Dialect, Class, Reading};
use rust_decimal::Decimal;

use time::OffsetDateTime;

use super::{Account, Call, Denial, account::Bait, record, spend::Ask};
use crate::{
    limits::Limits,
    risk::{self, Act, Alarm, Look, Score, Signal, Suspended, Use},
};

impl Call<'_> {
    /// Scores a call whose caller has proved to hold the key. A key that was used as its owner hardly would stands still from
    /// this very call on.
    pub(super) async fn look(&self, account: &Account) -> Result<Look, Denial> {
        let used = self.used(account, true);
        let look = self.app.risk.look(self.app, &used).await.map_err(Denial::down)?;
        self.seen.note(&look);
        match self.is_too_much(account) && !account.suspended {
            true => {
                // what its owner will be asked about is known then
                Box::pin(self.app.risk.learn(self.app, &used, &look)).await.map_err(Denial::down)?;
                Box::pin(self.suspend(account, &used)).await?;
            }
            false => self.raise(account, &used).await,
        }
        Ok(look)
    }

    /// Scores a call whose caller has proved nothing: for the record and an alarm. Whoever has only heard of a key cannot
    /// suspend it.
    pub(super) async fn look_at_stranger(&self, account: &Account) {
        let used = self.used(account, false);
        match self.app.risk.look(self.app, &used).await {
            Ok(look) => self.seen.note(&look),
            Err(error) => tracing::warn!(%error, "a refused call could not be scored"),
        }
        self.raise(account, &used).await;
        self.app.risk.denied(&used);
    }

    /// A key that stands still takes orders back and does nothing else.
    pub(super) fn in_force(&self, account: &Account) -> Result<(), Denial> {
        match (account.suspended || self.is_too_much(account)) && !self.takes_back() {
            true => Err(suspended()),
            false => Ok(()),
        }
    }

    /// The call was let through: its caller is known now. Not while the key stands still: nobody has confirmed anything then.
    pub(super) async fn learn(&self, account: &Account, look: &Look) -> Result<(), Denial> {
        if account.suspended {
            return Ok(());
        }
        let used = self.used(account, true);
        self.app.risk.learn(self.app, &used, look).await.map_err(Denial::down)
    }

    /// What a call would set aside. Nearly too much may be what tips the scales, unless the limits are only being tried out.
    pub(super) async fn weighed(&self, account: &Account) -> Result<Ask, Denial> {
        let ask = self.cost(account).await?;
        if ask.dry || !ask.is_near(&account.limits) {
            return Ok(ask);
        }
        self.seen.add(Score::default().with(Signal::NearLimit));
        let used = self.used(account, true);
        match self.is_too_much(account) {
            true => {
                Box::pin(self.suspend(account, &used)).await?;
                Err(suspended())
            }
            false => {
                self.raise(account, &used).await;
                Ok(ask)
            }
        }
    }

    /// Of a refused call. Refusals that its owner has asked for say nothing about the caller, and neither do those for which
    /// Keygate or the exchange has no time, or no figures.
    pub(super) fn note_denial(&self, account: &Account, denial: &Denial) {
        let is_trouble = matches!(denial.kind, Dialect::Down | Dialect::RateLimited { .. });
        if !is_trouble && !SAY_NOTHING.contains(&denial.rule) {
            self.app.risk.denied(&self.used(account, true));
        }
    }

    /// Bait was used, rightly signed or not: nobody who came by it honestly has it. What the thief reads is what they would
    /// read of a key that does not exist.
    /// A moment later than they read it: how long an answer takes shall not tell either.
    pub(super) async fn taken(&self, bait: &Bait) -> Denial {
        self.seen.add(Score::default().with(Signal::HoneyKey));
        self.seen.set_device(risk::device(self.app, &self.client));
        let alarm = Alarm {
            user: bait.user,
            key: bait.key_prefix.clone(),
            connection: bait.connection,
            request: self.id.0,
            address: self.client.ip,
            score: self.seen.score(),
        };
        record::bait(self, bait, alarm).await;
        Denial::unknown()
    }

    pub(super) fn takes_back(&self) -> bool {
        matches!(self.request.reading(), Reading::Cancel { .. })
    }

    fn is_too_much(&self, account: &Account) -> bool {
        !account.is_dead(self.begun) && self.seen.score().suspends(account.limits.can_withdraw)
    }

    fn used<'u>(&'u self, account: &Account, is_proven: bool) -> Use<'u> {
        let act = match self.request.class() {
            Class::Withdraw => Some(Act::Withdrawal),
            Class::Transfer => Some(Act::Transfer),
            _ => None,
        };
        Use {
            access_key: account.access_key,
            user: account.user,
            client: &self.client,
            at: self.begun,
            act,
            is_dead: account.is_dead(self.begun),
            is_proven,
        }
    }

    async fn suspend(&self, account: &Account, used: &Use<'_>) -> Result<(), Denial> {
        let score = self.seen.score();
        // its alert says all that one about a suspicious call would
        self.app.risk.is_news(used, score);
        let place = self.app.risk.geo.locate(self.client.ip);
        let suspended = Suspended {
            user: account.user,
            access_key: account.access_key,
            connection: account.connection.id,
            request: self.id.0,
            address: self.client.network(),
            country: place.country.as_deref(),
            agent: self.client.agent.as_deref(),
            score: i32::try_from(score.points()).unwrap_or(i32::MAX),
            reasons: &score.names(),
        };
        risk::suspend(self.app, &self.alarm(account), &suspended).await.map_err(Denial::down)?;
        self.app.gate.accounts.forget(account.user);
        Ok(())
    }

    /// If it is suspicious, once for what is new about it. The call is decided all the same, so trouble here stops nothing.
    async fn raise(&self, account: &Account, used: &Use<'_>) {
        let score = self.seen.score();
        if score.is_suspicious()
            && self.app.risk.is_news(used, score)
            && let Err(error) = Box::pin(risk::suspicious(self.app, &self.alarm(account))).await
        {
            tracing::error!(%error, "an alert could not be raised");
        }
    }

    fn alarm(&self, account: &Account) -> Alarm {
        Alarm {
            user: account.user,
            key: account.key_prefix.clone(),
            connection: account.connection.id,
            request: self.id.0,
            address: self.client.ip,
            score: self.seen.score(),
        }
    }
}

impl Account {
    fn is_dead(&self, now: OffsetDateTime) -> bool {
        self.revoked || self.expires_at.is_some_and(|end| end <= now)
    }
}

impl Ask {
    /// Whether one order or withdrawal of it, or all of it, is at least nine tenths of a limit it counts in.
    fn is_near(&self, limits: &Limits) -> bool {
        let near = |usd: Decimal, limit: Option<Decimal>| {
            limit.is_some_and(|limit| !usd.is_zero() && usd >= limit * NEAR)
        };
        let single = |kind: &str| match kind {
            "withdraw" => limits.max_withdrawal_amount_usd,
            _ => limits.max_trade_amount_usd,
        };
        let singles = self.reserve.iter().filter_map(|own| Some((own.usd?, single(own.kind))));
        singles
            .chain(self.caps.iter().map(|cap| (self.usd(), cap.limit)))
            .any(|(usd, limit)| near(usd, limit))
    }
}

pub(super) fn suspended() -> Denial {
    Denial::denied(
        "suspended",
        "this access key was used in an unusual way and stands still until its owner has confirmed it",
    )
}

/// Nine tenths.
const NEAR: Decimal = Decimal::from_parts(9, 0, 0, false, 1);
/// What its owner has asked for, and what a limit could not be compared with.
const SAY_NOTHING: [&str; 7] =
    ["panic", "suspended", "paused", "bot-stopped", "connection-deleted", "no-price", "no-balances"];
