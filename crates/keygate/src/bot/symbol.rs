//! A bot's symbol. Tying a bot to one is at once; another one, or none, lets it trade what it could not before: that needs the
//! password and waits as raised limits do, and can be taken back meanwhile. A connection that no program has used yet is
//! still being set up, and waits for nothing. The owner hears of every step.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Change, Row, find, store};
use crate::{
    alert::{self, Alert, Kind},
    app::App,
    audit::{self, Difference, Event},
    auth::Origin,
    db::Tx,
    error::{Code, Result},
    http::RequestId,
    limits,
    page::text,
    user::StepUp,
};

/// A symbol that will be in force.
#[derive(Clone, Debug)]
pub struct Pending {
    /// None: any.
    pub symbol: Option<String>,
    pub asked_at: OffsetDateTime,
    pub effective_at: OffsetDateTime,
}

/// Whose symbol changes, and where that comes from.
pub struct Tie<'a> {
    pub app: &'a App,
    pub bot: &'a Row,
    pub origin: &'a Origin,
}

/// Asks for the password if the change lets the bot trade more. False: it does not.
pub async fn confirm(app: &App, old: &Option<String>, change: &Change, step_up: StepUp<'_>) -> Result<bool> {
    let loosens = change.symbol.as_ref().is_some_and(|new| lets_more_through(old, new));
    if loosens {
        step_up.anew(app, WHY).await?;
    }
    Ok(loosens)
}

impl Tie<'_> {
    /// Makes the change, or has it wait. The password was given outside of the transaction: `old` is what is in force inside.
    pub async fn change(
        &self,
        tx: &mut Tx,
        old: Option<String>,
        new: Option<String>,
        confirmed: bool,
    ) -> Result<()> {
        let loosens = lets_more_through(&old, &new);
        if loosens && !confirmed {
            return Err(Code::StepUpRequired.with(WHY));
        }
        // the form of the page sends what stands there already
        if old == new {
            return Ok(());
        }
        let used = self.bot.connection_is_used;
        let delay = match loosens && used {
            true => limits::wait(tx, self.app.clock.now()).await?,
            false => Duration::ZERO,
        };
        if let Some(taken_back) = store::take_pending(tx, self.bot.id).await? {
            self.tell(tx, Kind::RaiseCancelled, &self.cancelled(&taken_back)).await?;
        }
        if !delay.is_zero() {
            return self.ask(tx, (&old, &new), delay).await;
        }
        store::set_symbol(tx, self.bot.id, new.as_deref()).await?;
        if loosens && used {
            self.tell(tx, Kind::Raised, &self.done(new.as_deref())).await?;
        }
        self.record(tx, "bot-symbol", Difference::of("symbol", &old, &new)).await
    }

    async fn ask(
        &self,
        tx: &mut Tx,
        (old, new): (&Option<String>, &Option<String>),
        delay: Duration,
    ) -> Result<()> {
        let (now, user) = (self.app.clock.now(), self.bot.user_id);
        store::insert_pending(tx, user, self.bot.id, new.as_deref(), now, now + delay).await?;
        let what = format!(
            "Bot {} may trade {} from {} on. Take it back on its page if you did not ask for it.",
            self.bot.name,
            named(new.as_deref()),
            text::when(&(now + delay))
        );
        self.tell(tx, Kind::RaiseRequested, &what).await?;
        let changed = Difference::of("symbol", old, new).waiting([&"symbol".to_owned()], now + delay);
        self.record(tx, "bot-symbol-asked", changed).await
    }

    fn done(&self, symbol: Option<&str>) -> String {
        format!("Bot {} may trade {} now.", self.bot.name, named(symbol))
    }

    fn cancelled(&self, pending: &Pending) -> String {
        let symbol = named(pending.symbol.as_deref());
        format!("Bot {} keeps its symbol; that it may trade {symbol} was taken back.", self.bot.name)
    }

    /// What was asked for is over once it is in force or taken back, and so is the alert about it.
    async fn tell(&self, tx: &mut Tx, kind: Kind, text: &str) -> Result<()> {
        let subject = format!("bot/{}", self.bot.id);
        if kind != Kind::RaiseRequested {
            alert::close(self.app, tx, Kind::RaiseRequested, &subject).await?;
        }
        let alert = Alert {
            kind,
            subject: &subject,
            text,
            connection: Some(self.bot.connection_id),
            request: Some(self.origin.request.0),
        };
        Ok(alert::raise(self.app, tx, &alert).await?)
    }

    async fn record(&self, tx: &mut Tx, operation: &str, changed: Difference) -> Result<()> {
        let event = Event { changed, ..self.bot.subject().event(operation) };
        audit::record(self.app, tx, self.origin, event).await
    }
}

/// Takes back a symbol that waits.
pub async fn cancel(app: &App, user: Uuid, id: Uuid, origin: &Origin) -> Result<Row> {
    let bot = find(app, user, id).await?;
    let tie = Tie { app, bot: &bot, origin };
    let mut tx = app.db.user(user).await?;
    store::lock(&mut tx, id).await?;
    let pending = store::take_pending(&mut tx, id).await?;
    let pending = pending.ok_or_else(|| Code::NotFound.with("Nothing of that is on its way."))?;
    tie.tell(&mut tx, Kind::RaiseCancelled, &tie.cancelled(&pending)).await?;
    let changed = Difference::of("symbol", &bot.symbol, &pending.symbol);
    tie.record(&mut tx, "bot-symbol-cancelled", changed).await?;
    tx.commit().await?;
    find(app, user, id).await
}

/// Puts in force what has waited long enough.
pub async fn apply_due(app: &App) -> Result<()> {
    for (user, id) in store::due(app).await? {
        // what is in the way of one stops no other
        if let Err(error) = apply(app, user, id).await {
            tracing::error!(%error, bot_id = %id, "a bot's symbol could not be put in force");
        }
    }
    Ok(())
}

async fn apply(app: &App, user: Uuid, id: Uuid) -> Result<()> {
    let bot = find(app, user, id).await?;
    let origin = Origin::from(RequestId(app.clock.id()));
    let tie = Tie { app, bot: &bot, origin: &origin };
    let mut tx = app.db.user(user).await?;
    store::lock(&mut tx, id).await?;
    let pending = store::take_pending(&mut tx, id).await?;
    // taken back or asked for anew meanwhile, or done by another replica
    let Some(pending) = pending.filter(|own| own.effective_at <= app.clock.now()) else { return Ok(()) };
    store::set_symbol(&mut tx, id, pending.symbol.as_deref()).await?;
    tie.tell(&mut tx, Kind::Raised, &tie.done(pending.symbol.as_deref())).await?;
    let changed = Difference::of("symbol", &bot.symbol, &pending.symbol);
    tie.record(&mut tx, "bot-symbol-raised", changed).await?;
    tx.commit().await?;
    app.gate.accounts.forget(user);
    Ok(())
}

/// Whatever it was tied to, another one is one more.
fn lets_more_through(old: &Option<String>, new: &Option<String>) -> bool {
    old.is_some() && old != new
}

fn named(symbol: Option<&str>) -> &str {
    symbol.unwrap_or("any symbol")
}

const WHY: &str = "The bot may trade more than before then. Send your password with it, as `password`.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tying_a_bot_down_is_no_loosening_and_everything_else_is() {
        let (none, one, other) = (None, Some("BTC/USDT".to_owned()), Some("ETH/USDT".to_owned()));
        for (old, new) in [(&none, &one), (&one, &one), (&none, &none)] {
            assert!(!lets_more_through(old, new));
        }
        assert!(lets_more_through(&one, &none) && lets_more_through(&one, &other));
    }
}
