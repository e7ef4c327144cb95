//! Accounts as administrators make, end and restore them. The owner hears of whoever is given access.

use uuid::Uuid;

use super::{NewUser, StepUp, User, password, store};
use crate::{
    alert::{self, Alert, Kind},
    app::App,
    auth::{Caller, Origin},
    error::{Code, Result},
};

/// An account made by an administrator, with their password: a stolen session must not leave an account of its own behind.
pub async fn make_for(app: &App, new: NewUser, step_up: StepUp<'_>, origin: &Origin) -> Result<Uuid> {
    let caller = step_up.caller;
    step_up.anew(app, WHY).await?;
    let hash = password::hash(app, new.password).await?;
    let id = app.clock.id();
    store::make_user_for(app, caller.user, (id, &new.email, &new.name, &hash), origin).await?;
    tell_owner(app, caller, &format!("made the account {}", new.email.text()), origin).await?;
    Ok(id)
}

/// Gives an account its access back, with the administrator's password.
pub async fn reactivate(app: &App, user: Uuid, step_up: StepUp<'_>, origin: &Origin) -> Result<User> {
    let caller = step_up.caller;
    step_up.anew(app, WHY).await?;
    let user = set_active(app, caller.user, user, true, origin).await?;
    tell_owner(app, caller, &format!("gave the account {} its access back", user.email), origin).await?;
    Ok(user)
}

/// The owner hears of it a moment after it is done: their inbox is not the administrator's to write to.
async fn tell_owner(app: &App, by: &Caller, what: &str, origin: &Origin) -> Result<()> {
    let owner = store::list(app, by.user).await?.into_iter().find(|user| user.role == "owner");
    let Some(owner) = owner else { return Ok(()) };
    let text = format!("{} {what}. If that was not meant, deactivate it under Users.", by.email);
    let alert = Alert {
        kind: Kind::Account,
        subject: &origin.request.0.to_string(),
        text: &text,
        connection: None,
        request: Some(origin.request.0),
    };
    let mut tx = app.db.user(owner.id).await?;
    alert::raise(app, &mut tx, &alert).await?;
    Ok(tx.commit().await?)
}

/// Ends an account's access, at once and without a question.
pub async fn deactivate(app: &App, actor: Uuid, user: Uuid, origin: &Origin) -> Result<User> {
    set_active(app, actor, user, false, origin).await
}

/// Absent and owner are told apart: the caller is an administrator.
async fn set_active(app: &App, actor: Uuid, user: Uuid, active: bool, origin: &Origin) -> Result<User> {
    if actor == user && !active {
        return Err(Code::Forbidden.with("Nobody can deactivate themselves."));
    }
    let found = store::list(app, actor).await?.into_iter().find(|other| other.id == user);
    let found = found.ok_or(Code::NotFound)?;
    if found.role == "owner" {
        return Err(Code::Forbidden.with("The owner's account stays active."));
    }
    store::set_active(app, actor, user, active, origin).await?;
    app.gate.accounts.forget(user);
    Ok(User { is_active: active, ..found })
}

pub async fn list(app: &App, actor: Uuid) -> Result<Vec<User>> {
    store::list(app, actor).await
}

const WHY: &str = "Whoever gets access to this site gets it by your password. Send it with this.";
