//! The statements that change accounts, each with its record.

use uuid::Uuid;

use crate::{
    alert::{self, Alert, Kind},
    app::App,
    audit::{self, Event},
    auth::Origin,
    error::Result,
    user::Email,
};

/// By an administrator, whose record it is: id, address, name and hash of the password.
pub async fn make_user_for(
    app: &App,
    actor: Uuid,
    (id, email, name, hash): (Uuid, &Email, &str, &str),
    origin: &Origin,
) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.admin(actor).await?;
    sqlx::query!("select keygate.make_user($1, $2, $3, $4, $5)", id, email.text(), name, hash, now)
        .execute(&mut *tx)
        .await?;
    let event = Event { api_key: id, operation: "account-create", ..Event::default() };
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    Ok(())
}

/// With its record, and an alert. The stamp rises by itself.
pub async fn set_password(app: &App, user: Uuid, hash: &str, origin: &Origin) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    sqlx::query!("update users set password_hash = $2 where id = $1", user, hash).execute(&mut *tx).await?;
    let from = origin.client.as_ref().map(|client| format!(" from {}", client.ip)).unwrap_or_default();
    let text =
        format!("Your password was changed{from}, and all other sign-ins have ended. Access keys go on.");
    let request = Some(origin.request.0);
    let alert = Alert { kind: Kind::Password, subject: "password", text: &text, connection: None, request };
    alert::raise(app, &mut tx, &alert).await?;
    let event = Event { api_key: user, operation: "password-change", ..Event::default() };
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    Ok(())
}

/// Whatever was opened before opens nothing any more.
pub async fn raise_stamp(app: &App, user: Uuid, origin: &Origin) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    sqlx::query!("update users set security_stamp = security_stamp + 1 where id = $1", user)
        .execute(&mut *tx)
        .await?;
    let event = Event { api_key: user, operation: "sign-ins-end", ..Event::default() };
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    Ok(())
}

/// With its record, which is the administrator's.
pub async fn set_active(app: &App, actor: Uuid, user: Uuid, active: bool, origin: &Origin) -> Result<()> {
    let mut tx = app.db.admin(actor).await?;
    sqlx::query!("select keygate.set_user_active($1, $2)", user, active).fetch_one(&mut *tx).await?;
    let operation = if active { "account-reactivate" } else { "account-deactivate" };
    let event = Event { api_key: user, operation, ..Event::default() };
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    Ok(())
}
