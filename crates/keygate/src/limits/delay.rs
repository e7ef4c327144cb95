//! How long raised limits wait. A longer wait is in force at once; a shorter one waits as long as the present one, and can be
//! taken back meanwhile. The owner hears of every step, and each is on record.

use std::ops::RangeInclusive;

use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Wish, store};
use crate::{
    alert::{self, Alert, Kind},
    app::App,
    audit::{self, Difference, Event},
    auth::Origin,
    db::Tx,
    error::{Code, Error, Result},
    http::RequestId,
    page::text,
    user,
};

/// How long raised limits wait, now and from when on.
#[derive(Clone, Copy)]
pub struct Delay {
    pub seconds: i32,
    pub next: Option<(i32, OffsetDateTime)>,
}

pub async fn delay(app: &App, user: Uuid) -> Result<Delay> {
    let mut tx = app.db.user(user).await?;
    let delay = store::load_delay(&mut tx).await?.at(app.clock.now());
    tx.commit().await?;
    Ok(delay)
}

/// Another wait, which needs the password also if it is longer: a long wait that somebody else has chosen would bind its owner.
pub async fn set_delay(app: &App, seconds: i32, wish: Wish<'_>) -> Result<Delay> {
    if !POSSIBLE.contains(&seconds) {
        return Err(Error::field("/seconds", "needs 0 to 2592000, which is 30 days"));
    }
    let user = wish.caller.user;
    let password = wish.password.ok_or_else(|| Code::StepUpRequired.with(WHY))?;
    user::confirm(app, wish.caller, password, wish.client).await?;
    let step = Step { app, user, origin: &wish.request };
    let mut tx = app.db.user(user).await?;
    let present = step.settle(&mut tx).await?;
    if seconds < present.seconds {
        step.ask(&mut tx, present, seconds).await?;
    } else {
        step.lengthen(&mut tx, present, seconds).await?;
    }
    tx.commit().await?;
    delay(app, user).await
}

/// Takes back a shorter wait that waits itself.
pub async fn cancel_delay(app: &App, user: Uuid, origin: &Origin) -> Result<Delay> {
    let step = Step { app, user, origin };
    let mut tx = app.db.user(user).await?;
    let present = step.settle(&mut tx).await?;
    if present.next.is_none() {
        return Err(Code::NotFound.with("No shorter wait is on its way."));
    }
    store::save_delay(&mut tx, user, &Delay { next: None, ..present }).await?;
    step.taken_back(&mut tx, present).await?;
    tx.commit().await?;
    delay(app, user).await
}

/// Puts in force what has waited long enough.
pub async fn apply_due(app: &App) -> Result<()> {
    for user in store::due_delays(app).await? {
        // what is in the way of one stops no other
        if let Err(error) = apply(app, user).await {
            tracing::error!(%error, user_id = %user, "a shorter wait of raised limits could not be put in force");
        }
    }
    Ok(())
}

async fn apply(app: &App, user: Uuid) -> Result<()> {
    let origin = Origin::from(RequestId(app.clock.id()));
    let mut tx = app.db.user(user).await?;
    Step { app, user, origin: &origin }.settle(&mut tx).await?;
    Ok(tx.commit().await?)
}

impl Delay {
    /// As it is at a time: what was asked for may have waited long enough.
    pub fn at(self, now: OffsetDateTime) -> Delay {
        match self.next {
            Some((seconds, at)) if at <= now => Delay { seconds, next: None },
            _ => self,
        }
    }

    /// As it stands in a form: `24`, `1.5`
    pub fn hours(&self) -> String {
        (Decimal::from(self.seconds) / Decimal::from(HOUR)).round_dp(4).normalize().to_string()
    }

    /// `24 hours`
    pub fn in_words(&self) -> String {
        text::lasting(self.seconds)
    }

    /// The shorter one that waits itself, and until when.
    pub fn shorter(&self) -> Option<(String, OffsetDateTime)> {
        self.next.map(|(seconds, at)| (text::lasting(seconds), at))
    }
}

/// Whose wait changes, and where that comes from.
struct Step<'a> {
    app: &'a App,
    user: Uuid,
    origin: &'a Origin,
}

impl Step<'_> {
    /// The wait that is in force now, which nobody else changes until the end of the transaction.
    async fn settle(&self, tx: &mut Tx) -> Result<Delay> {
        let stored = store::lock_delay(tx, self.user).await?;
        let now = stored.at(self.app.clock.now());
        if stored.next.is_some() && now.next.is_none() {
            store::save_delay(tx, self.user, &now).await?;
            self.tell(tx, Kind::Raised, &format!("Raised limits wait {} from now on.", now.in_words()))
                .await?;
            alert::close(self.app, tx, Kind::RaiseRequested, SUBJECT).await?;
            let changed = Difference::of("seconds", stored.seconds, now.seconds);
            self.record(tx, "limits-delay-shortened", changed).await?;
        }
        Ok(now)
    }

    async fn ask(&self, tx: &mut Tx, present: Delay, seconds: i32) -> Result<()> {
        let at = self.app.clock.now() + Duration::seconds(present.seconds.into());
        let new = Delay { seconds: present.seconds, next: Some((seconds, at)) };
        store::save_delay(tx, self.user, &new).await?;
        let what = format!(
            "Raised limits will wait {} instead of {} from {} on. Take it back on a limits page if you did not ask for it.",
            text::lasting(seconds),
            present.in_words(),
            text::when(&at)
        );
        self.tell(tx, Kind::RaiseRequested, &what).await?;
        let changed =
            Difference::of("seconds", present.seconds, seconds).waiting([&"seconds".to_owned()], at);
        self.record(tx, "limits-delay-asked", changed).await
    }

    async fn lengthen(&self, tx: &mut Tx, present: Delay, seconds: i32) -> Result<()> {
        let new = Delay { seconds, next: None };
        store::save_delay(tx, self.user, &new).await?;
        if present.next.is_some() {
            self.taken_back(tx, present).await?;
        }
        if seconds > present.seconds {
            self.tell(tx, Kind::Raised, &format!("Raised limits wait {} from now on.", new.in_words()))
                .await?;
        }
        self.record(tx, "limits-delay", Difference::of("seconds", present.seconds, seconds)).await
    }

    async fn taken_back(&self, tx: &mut Tx, present: Delay) -> Result<()> {
        let what =
            format!("Raised limits go on waiting {}; a shorter wait was taken back.", present.in_words());
        self.tell(tx, Kind::RaiseCancelled, &what).await?;
        alert::close(self.app, tx, Kind::RaiseRequested, SUBJECT).await?;
        let shorter = present.next.map(|(seconds, _)| seconds);
        self.record(tx, "limits-delay-cancelled", Difference::of("seconds", Some(present.seconds), shorter))
            .await
    }

    async fn tell(&self, tx: &mut Tx, kind: Kind, text: &str) -> Result<()> {
        let request = Some(self.origin.request.0);
        let alert = Alert { kind, subject: SUBJECT, text, connection: None, request };
        Ok(alert::raise(self.app, tx, &alert).await?)
    }

    async fn record(&self, tx: &mut Tx, operation: &str, changed: Difference) -> Result<()> {
        let event = Event { api_key: self.user, operation, changed, ..Event::default() };
        audit::record(self.app, tx, self.origin, event).await
    }
}

pub const HOUR: i32 = 60 * 60;
/// In seconds: up to 30 days.
pub const POSSIBLE: RangeInclusive<i32> = 0..=30 * 24 * HOUR;
/// Of alerts about the wait.
const SUBJECT: &str = "limits-delay";
const WHY: &str =
    "How long raised limits wait binds you as well as others. Send your password with it, as `password`.";
