//! A new password, and the end of all other sign-ins. Both raise the stamp that every session and token carries: whatever was
//! opened before opens nothing any more, and whoever asked signs in anew by it. Access keys go on.

use seal::SecretText;

use super::{Email, StepUp, password, store};
use crate::{
    app::App,
    auth::{Caller, Origin, Via},
    error::{Code, Error, Result},
};

/// With the password there is now, which comes with the very request.
pub async fn change_password(app: &App, new: SecretText, step_up: StepUp<'_>, origin: &Origin) -> Result<()> {
    let caller = step_up.caller;
    by_password(caller)?;
    let email = Email::parse(&caller.email)?;
    let new =
        password::New::parse(new, &email).map_err(|error| Error::field("/new_password", rest(&error)))?;
    step_up.anew(app, WHY).await?;
    let hash = password::hash(app, new).await?;
    store::set_password(app, caller.user, &hash, origin).await
}

/// Every session and every token of the caller ends, also the one that asks.
pub async fn end_sign_ins(app: &App, caller: &Caller, origin: &Origin) -> Result<()> {
    by_password(caller)?;
    store::raise_stamp(app, caller.user, origin).await
}

/// A program with an access key has no sign-in that could go on.
fn by_password(caller: &Caller) -> Result<()> {
    match caller.via {
        Via::AccessKey { .. } => Err(Code::Forbidden.with("Sign in with your password first.")),
        Via::Session { .. } | Via::Token { .. } => Ok(()),
    }
}

/// What is wrong with it, without the name of the field.
fn rest(error: &Error) -> String {
    error.fields.first().map_or_else(|| error.detail.to_string(), |field| field.detail.clone())
}

const WHY: &str = "A new password needs the one there is. Send it, as `password`.";
