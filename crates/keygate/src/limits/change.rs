//! Changing limits: what lets less through is in force at once; what would let more through needs the password, waits, and
//! can be taken back meanwhile. A connection that no program has used yet is still being set up, and waits for nothing.

use seal::SecretText;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Limits, Patch, Usage, store, usage::usage};
use crate::{
    app::App,
    audit,
    auth::{Caller, Client, Origin},
    connection,
    db::Tx,
    error::{Code, Result},
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
    let old = show(app, user, connection).await?.limits;
    let new = old.with(patch)?;
    let tight = old.meet(&new);
    let looser = tight.difference(&new);
    if !looser.is_empty() {
        confirm(app, wish.caller, wish.client, wish.password).await?;
    }
    let now = app.clock.now();
    let mut tx = app.db.user(user).await?;
    let delay = match row.last_used_at {
        None => Duration::ZERO,
        Some(_) => store::delay(&mut tx, now).await?,
    };
    let waits = !looser.is_empty() && !delay.is_zero();
    store::save(&mut tx, connection, if waits { &tight } else { &new }).await?;
    store::forget_pending(&mut tx, connection, &patch.keys().cloned().collect::<Vec<_>>()).await?;
    if waits {
        store::insert_pending(&mut tx, user, connection, &looser, now, now + delay).await?;
    }
    let operation = if waits { "limits-raise-asked" } else { "limits" };
    audit::key_event(app, &mut tx, &wish.request, key, operation, &row.exchange, None).await?;
    let state = state(app, &mut tx, connection).await?;
    tx.commit().await?;
    app.gate.accounts.forget(user);
    Ok(state)
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
    let pending = state(app, &mut tx, connection).await?.pending;
    let members: Vec<String> = pending.into_iter().map(|pending| pending.member).collect();
    let members: Vec<String> =
        members.into_iter().filter(|own| member.is_none_or(|member| member == own)).collect();
    if members.is_empty() {
        return Err(Code::NotFound.with("Nothing of that is on its way."));
    }
    store::forget_pending(&mut tx, connection, &members).await?;
    audit::key_event(app, &mut tx, request, row.api_key_id, "limits-raise-cancelled", &row.exchange, None)
        .await?;
    let state = state(app, &mut tx, connection).await?;
    tx.commit().await?;
    Ok(state)
}

/// Puts in force what has waited long enough.
pub async fn apply_due(app: &App) -> Result<()> {
    for (user, connection) in store::due(app).await? {
        let row = connection::find(app, user, connection).await?;
        let now = app.clock.now();
        let mut tx = app.db.user(user).await?;
        let State { limits, pending, .. } = state(app, &mut tx, connection).await?;
        let due = pending.into_iter().filter(|pending| pending.effective_at <= now);
        let patch: Patch = due.map(|pending| (pending.member, pending.value)).collect();
        store::save(&mut tx, connection, &limits.with(&patch)?).await?;
        store::forget_pending(&mut tx, connection, &patch.keys().cloned().collect::<Vec<_>>()).await?;
        let request = RequestId(app.clock.id());
        audit::key_event(app, &mut tx, request, row.api_key_id, "limits-raised", &row.exchange, None).await?;
        tx.commit().await?;
        app.gate.accounts.forget(user);
    }
    Ok(())
}

/// How long raised limits wait, now and from when on.
pub struct Delay {
    pub seconds: i32,
    pub next: Option<(i32, OffsetDateTime)>,
}

pub async fn delay(app: &App, user: Uuid) -> Result<Delay> {
    let mut tx = app.db.user(user).await?;
    let delay = store::load_delay(&mut tx, app.clock.now()).await?;
    tx.commit().await?;
    Ok(delay)
}

/// A longer wait is in force at once; a shorter one needs the password, and waits as long as the present one.
pub async fn set_delay(app: &App, seconds: i32, wish: Wish<'_>) -> Result<Delay> {
    let user = wish.caller.user;
    let now = app.clock.now();
    let present = delay(app, user).await?;
    let shorter = seconds < present.seconds;
    if shorter {
        confirm(app, wish.caller, wish.client, wish.password).await?;
    }
    let new = match shorter {
        true => {
            let at = now + Duration::seconds(present.seconds.into());
            Delay { seconds: present.seconds, next: Some((seconds, at)) }
        }
        false => Delay { seconds, next: None },
    };
    let mut tx = app.db.user(user).await?;
    store::save_delay(&mut tx, user, &new).await?;
    tx.commit().await?;
    delay(app, user).await
}

async fn state(app: &App, tx: &mut Tx, connection: Uuid) -> Result<State> {
    let limits = store::load(tx, connection).await?.ok_or(Code::NotFound)?;
    let usage = usage(tx, connection, &limits, app.clock.now()).await?;
    Ok(State { limits, pending: store::load_pending(tx, connection).await?, usage })
}

async fn confirm(app: &App, caller: &Caller, client: &Client, password: Option<SecretText>) -> Result<()> {
    let password = password.ok_or_else(|| {
        Code::StepUpRequired
            .with("This lets more through than before. Send your password with it, as `password`.")
    })?;
    user::confirm(app, caller, password, client).await
}
