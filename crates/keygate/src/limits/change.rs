//! Changing limits: what lets less through is in force at once; what would let more through needs the password, waits, and
//! can be taken back meanwhile. A connection that no program has used yet is still being set up, and waits for nothing.

use seal::SecretText;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Limits, Patch, Usage, delay, raise::Raise, store, usage::usage};
use crate::{
    app::App,
    audit::{self, Difference, Event},
    auth::{Caller, Client, Origin},
    connection,
    db::Tx,
    error::{Code, Error, Result},
    http::RequestId,
    user,
};

/// A member of the limits that will let more through.
pub struct Pending {
    pub member: String,
    pub value: Value,
    pub asked_at: OffsetDateTime,
    pub effective_at: OffsetDateTime,
}

/// The limits in force, and what is on its way.
pub struct State {
    pub limits: Limits,
    pub pending: Vec<Pending>,
    pub usage: Vec<Usage>,
}

/// Who wants the change, and their password if they gave it.
pub struct Wish<'a> {
    pub caller: &'a Caller,
    pub client: &'a Client,
    pub password: Option<SecretText>,
    pub request: Origin,
}

pub async fn show(app: &App, user: Uuid, connection: Uuid) -> Result<State> {
    let mut tx = app.db.user(user).await?;
    let state = state(app, &mut tx, connection).await?;
    tx.commit().await?;
    Ok(state)
}

/// Makes a change, as far as it may be made now.
pub async fn change(app: &App, connection: Uuid, patch: &Patch, wish: Wish<'_>) -> Result<State> {
    let user = wish.caller.user;
    let row = connection::find(app, user, connection).await?;
    let key = row.live_key()?;
    let confirmed = Plan::of(&show(app, user, connection).await?.limits, patch)?.loosens();
    if confirmed {
        confirm(app, wish.caller, wish.client, wish.password).await?;
    }
    let now = app.clock.now();
    let mut tx = app.db.user(user).await?;
    // The password was checked outside: another change may have been made meanwhile, and must not be undone.
    let old = store::lock(&mut tx, connection).await?.ok_or(Code::NotFound)?;
    let plan = Plan::of(&old, patch)?;
    if plan.loosens() && !confirmed {
        return Err(password_needed());
    }
    let delay = match row.last_used_at {
        None => Duration::ZERO,
        Some(_) => store::delay(&mut tx, now).await?,
    };
    let waits = plan.loosens() && !delay.is_zero();
    store::save(&mut tx, connection, if waits { &plan.tight } else { &plan.new }).await?;
    let raise = Raise { app, connection, name: &row.name, request: wish.request.request };
    let mut replaced = store::take_pending(&mut tx, connection, &names(patch)).await?;
    // what is asked for anew has an alert and a record of its own
    replaced.retain(|name, _| !plan.looser.contains_key(name));
    if !replaced.is_empty() {
        raise.cancelled(&mut tx, &replaced).await?;
    }
    let mut changed = Difference::between(&old.members(), &plan.new.members());
    if waits {
        changed = changed.waiting(plan.looser.keys(), now + delay);
        store::insert_pending(&mut tx, user, connection, &plan.looser, now, now + delay).await?;
        raise.requested(&mut tx, &plan.looser, now + delay).await?;
    } else if plan.loosens() && row.last_used_at.is_some() {
        raise.done(&mut tx, &plan.looser).await?;
    }
    let operation = if waits { "limits-raise-asked" } else { "limits" };
    if !replaced.is_empty() {
        let event = raised(&row, "limits-raise-cancelled", &old, &replaced);
        audit::record(app, &mut tx, &wish.request, event).await?;
    }
    let event = Event { api_key: key, operation, exchange: &row.exchange, changed, ..Event::default() };
    audit::record(app, &mut tx, &wish.request, event).await?;
    let state = state(app, &mut tx, connection).await?;
    tx.commit().await?;
    app.gate.accounts.forget(user);
    Ok(state)
}

/// What becomes of limits by a change.
struct Plan {
    new: Limits,
    /// As far as it lets less through than before.
    tight: Limits,
    /// As far as it lets more through.
    looser: Patch,
}

impl Plan {
    fn of(old: &Limits, patch: &Patch) -> Result<Self> {
        let new = old.with(patch)?;
        let tight = old.meet(&new);
        let looser = tight.difference(&new);
        Ok(Plan { new, tight, looser })
    }

    fn loosens(&self) -> bool {
        !self.looser.is_empty()
    }
}

/// Takes back what was to let more through: one member, or all.
pub async fn cancel(
    app: &App,
    user: Uuid,
    connection: Uuid,
    member: Option<&str>,
    request: &Origin,
) -> Result<State> {
    let row = connection::find(app, user, connection).await?;
    let mut tx = app.db.user(user).await?;
    let limits = store::lock(&mut tx, connection).await?.ok_or(Code::NotFound)?;
    let mut pending = store::load_pending(&mut tx, connection).await?;
    pending.retain(|pending| member.is_none_or(|member| member == pending.member));
    if pending.is_empty() {
        return Err(Code::NotFound.with("Nothing of that is on its way."));
    }
    let taken_back = patch_of(pending);
    store::forget_pending(&mut tx, connection, &names(&taken_back)).await?;
    Raise { app, connection, name: &row.name, request: request.request }
        .cancelled(&mut tx, &taken_back)
        .await?;
    let event = raised(&row, "limits-raise-cancelled", &limits, &taken_back);
    audit::record(app, &mut tx, request, event).await?;
    let state = state(app, &mut tx, connection).await?;
    tx.commit().await?;
    Ok(state)
}

/// Puts in force what has waited long enough.
pub async fn apply_due(app: &App) -> Result<()> {
    delay::apply_due(app).await?;
    for (user, connection) in store::due(app).await? {
        // what is in the way of one stops no other
        if let Err(error) = apply(app, user, connection).await {
            tracing::error!(%error, connection_id = %connection, "raised limits could not be put in force");
        }
    }
    Ok(())
}

async fn apply(app: &App, user: Uuid, connection: Uuid) -> Result<()> {
    let row = connection::find(app, user, connection).await?;
    let now = app.clock.now();
    let mut tx = app.db.user(user).await?;
    let Some(limits) = store::lock(&mut tx, connection).await? else { return Ok(()) };
    let mut pending = store::load_pending(&mut tx, connection).await?;
    pending.retain(|pending| pending.effective_at <= now);
    let patch = patch_of(pending);
    if patch.is_empty() {
        return Ok(()); // taken back meanwhile, or done by another replica
    }
    store::save(&mut tx, connection, &limits.with(&patch)?).await?;
    store::forget_pending(&mut tx, connection, &names(&patch)).await?;
    let request = RequestId(app.clock.id());
    Raise { app, connection, name: &row.name, request }.done(&mut tx, &patch).await?;
    let event = raised(&row, "limits-raised", &limits, &patch);
    audit::record(app, &mut tx, &Origin::from(request), event).await?;
    tx.commit().await?;
    app.gate.accounts.forget(user);
    Ok(())
}

/// What becomes, or does not become, of limits that waited.
fn raised<'a>(row: &'a connection::Row, operation: &'a str, old: &Limits, members: &Patch) -> Event<'a> {
    Event {
        api_key: row.api_key_id,
        operation,
        exchange: &row.exchange,
        changed: Difference::between(&old.members(), members),
        ..Event::default()
    }
}

fn names(patch: &Patch) -> Vec<String> {
    patch.keys().cloned().collect()
}

fn patch_of(pending: Vec<Pending>) -> Patch {
    pending.into_iter().map(|pending| (pending.member, pending.value)).collect()
}

async fn state(app: &App, tx: &mut Tx, connection: Uuid) -> Result<State> {
    let limits = store::load(tx, connection).await?.ok_or(Code::NotFound)?;
    let usage = usage(tx, connection, &limits, app.clock.now()).await?;
    Ok(State { limits, pending: store::load_pending(tx, connection).await?, usage })
}

async fn confirm(app: &App, caller: &Caller, client: &Client, password: Option<SecretText>) -> Result<()> {
    user::confirm(app, caller, password.ok_or_else(password_needed)?, client).await
}

fn password_needed() -> Error {
    Code::StepUpRequired
        .with("This lets more through than before. Send your password with it, as `password`.")
}
