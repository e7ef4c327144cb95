//! Proving it once more: a stolen session or access key must not be able to do what gives its thief more than it has, or
//! something that outlives it.

use seal::SecretText;
use time::Duration;

use super::confirm;
use crate::{
    app::App,
    auth::{Caller, Client, Via},
    error::{Code, Result},
};

/// Who asks, and their password if they gave it.
pub struct StepUp<'a> {
    pub caller: &'a Caller,
    pub client: &'a Client,
    pub password: Option<SecretText>,
}

impl StepUp<'_> {
    /// The password, with this very request. `why` is what the caller is told without it.
    pub async fn anew(self, app: &App, why: &'static str) -> Result<()> {
        let password = self.password.ok_or_else(|| Code::StepUpRequired.with(why))?;
        confirm(app, self.caller, password, self.client).await
    }

    /// The password, with this request or at a sign-in a moment ago.
    pub async fn lately(self, app: &App, why: &'static str) -> Result<()> {
        match self.password.is_none() && is_fresh(app, self.caller) {
            true => Ok(()),
            false => self.anew(app, why).await,
        }
    }
}

/// Has the caller given their password within the last five minutes? Renewing a token does not count, and an access key
/// knows no password.
pub fn is_fresh(app: &App, caller: &Caller) -> bool {
    match caller.via {
        Via::Session { confirmed_at, .. } | Via::Token { confirmed_at, .. } => {
            app.clock.now() - confirmed_at <= FRESH
        }
        Via::AccessKey { .. } => false,
    }
}

const FRESH: Duration = Duration::minutes(5);
