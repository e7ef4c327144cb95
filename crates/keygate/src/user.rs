//! Users: who may sign in. The first one is the owner, made with the one-time setup link.
//!
//! Always holds: e-mail addresses are stored in one normal form; a password exists only as an Argon2id
//! hash under a pepper; deactivating a user ends every session and token at once; the owner stays active.

use std::sync::atomic::Ordering;

use seal::{SecretText, token::Opaque};
use time::Duration;
use uuid::Uuid;

use crate::{
    app::App,
    auth::{Caller, Client, Origin, token},
    clock::Clock,
    error::{Code, Error, Result},
};

mod accounts;
mod api;
mod page;
pub mod password;
mod sign_ins;
mod step_up;
mod store;
mod throttle;

pub use accounts::{deactivate, list, make_for, reactivate};
pub use api::routes;
pub use page::pages;
pub use sign_ins::{change_password, end_sign_ins};
pub use step_up::{StepUp, is_fresh};
pub use store::{User, forget_sign_ins};

/// A new account, checked.
pub struct NewUser {
    pub email: Email,
    pub name: String,
    pub password: password::New,
}

/// An e-mail address in its one normal form: trimmed, lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// What a program gets at login: a short access token and a single-use refresh token.
pub struct Tokens {
    pub access: String,
    pub refresh: SecretText,
}

/// A device that signed in: the hash of its cookie, and the cookie itself when it is new.
pub struct Device {
    pub hash: String,
    pub cookie: Option<SecretText>,
}

/// An error: nobody can tell, because the database is away.
pub async fn is_set_up(app: &App) -> Result<bool> {
    if app.has_owner.load(Ordering::Relaxed) {
        return Ok(true);
    }
    let is_set_up = store::is_set_up(app).await?;
    app.has_owner.store(is_set_up, Ordering::Relaxed);
    Ok(is_set_up)
}

/// Makes the owner with the token of the setup link, which is used up by it. If we die in between, the
/// transaction has either done both or neither.
pub async fn set_up(app: &App, link: &SecretText, new: NewUser) -> Result<Uuid> {
    let invalid = || Code::SetupLinkInvalid.with("`keygate setup-link` prints a new one.");
    let link = Opaque::parse(link.expose()).map_err(|_| invalid())?;
    if !store::setup_link_is_open(app, &link).await? {
        return Err(invalid());
    }
    let hash = password::hash(app, new.password).await?;
    let id = app.clock.id();
    match store::make_owner(app, &link, id, &new.email, &new.name, &hash).await? {
        true => Ok(id),
        false => Err(invalid()),
    }
}

/// Registration by strangers, when the configuration allows it.
pub async fn register(app: &App, new: NewUser) -> Result<Uuid> {
    if !app.config.registration.open {
        return Err(Code::RegistrationClosed.into());
    }
    make(app, new).await
}

async fn make(app: &App, new: NewUser) -> Result<Uuid> {
    let hash = password::hash(app, new.password).await?;
    let id = app.clock.id();
    store::make_user(app, id, &new.email, &new.name, &hash).await?;
    Ok(id)
}

/// Checks e-mail and password. The attempt is charged before the password is looked at; the answer is the
/// same, and as slow, for an unknown user and for a wrong password.
pub async fn sign_in(
    app: &App,
    email: &str,
    password: SecretText,
    client: &Client,
    origin: &Origin,
    device: Option<&str>,
) -> Result<Uuid> {
    let email = Email::parse(email).map_err(|_| login_failed())?;
    let login = store::find_login(app, &email).await?;
    let buckets =
        throttle::charge(app, &email, login.as_ref().map(|login| login.user), client, device).await?;
    let (user, better_hash) = prove(app, login, password, &buckets).await?;
    store::signed_in(app, user, better_hash.as_deref(), origin).await?;
    Ok(user)
}

/// From now on attempts from this device are counted apart from strangers'. One that shows nothing gets a cookie.
pub async fn remember_device(app: &App, user: Uuid, shown: Option<String>) -> Result<Device> {
    let device = shown.map_or_else(new_device, |hash| Device { hash, cookie: None });
    store::remember_device(app, user, &device.hash).await?;
    Ok(device)
}

/// Who is signed in proves it once more, before something that a stolen session must not do. Attempts count for the network and
/// the sign-in: who is right can do so as often as they like, and who guesses is on record and keeps nobody else from it.
pub async fn confirm(app: &App, caller: &Caller, password: SecretText, client: &Client) -> Result<()> {
    let email = Email::parse(&caller.email).map_err(|_| login_failed())?;
    let login = store::find_login(app, &email).await?;
    let buckets = throttle::charge_caller(app, caller, client).await?;
    match prove(app, login, password, &buckets).await {
        Err(error) if error.code == Code::LoginFailed => {
            store::guessed(app, caller, client).await?;
            Err(Code::LoginFailed.with("You are signed in, but this is not your password."))
        }
        proved => proved.map(drop),
    }
}

/// Whose password it is, and a better hash of it if there is one. As slow for nobody as for somebody.
async fn prove(
    app: &App,
    login: Option<store::Login>,
    password: SecretText,
    buckets: &throttle::Buckets,
) -> Result<(Uuid, Option<String>)> {
    let stored = login.as_ref().map(|login| login.password_hash.clone());
    let verdict = password::verify(app, password, stored).await?;
    let login = login.filter(|_| verdict.correct).ok_or_else(login_failed)?;
    if !login.is_active {
        return Err(Code::Inactive.into());
    }
    throttle::clear(app, buckets).await?;
    Ok((login.user, verdict.better_hash))
}

fn login_failed() -> Error {
    Code::LoginFailed.with("Check both and try again.")
}

pub async fn open_tokens(app: &App, user: Uuid) -> Result<Tokens> {
    let refresh = Opaque::generate();
    let family = app.clock.id();
    let stamp = store::open_family(app, family, user, &refresh.hash, REFRESH_IDLE, REFRESH_ABSOLUTE).await?;
    Ok(Tokens { access: token::issue(app, user, family, stamp)?, refresh: refresh.token })
}

/// Trades a refresh token for new tokens. A token that comes twice was stolen or its answer was lost:
/// either way the whole family ends and the user signs in again.
pub async fn refresh(app: &App, refresh: &SecretText) -> Result<Tokens> {
    let refused = || Code::Unauthorized.with("The refresh token is not valid any more. Sign in again.");
    let old = Opaque::parse(refresh.expose()).map_err(|_| refused())?;
    let new = Opaque::generate();
    let trade = store::trade_refresh(app, &old, &new.hash, REFRESH_IDLE).await?;
    match trade.outcome.as_str() {
        "ok" if !trade.is_active => Err(Code::Inactive.into()),
        "ok" => Ok(Tokens {
            access: token::issue(app, trade.user, trade.family, trade.stamp)?,
            refresh: new.token,
        }),
        "reused" => {
            tracing::warn!(user = %trade.user, "a refresh token was used twice; its family is revoked");
            Err(refused())
        }
        _ => Err(refused()),
    }
}

pub async fn sign_out(app: &App, user: Uuid, family: Uuid) -> Result<()> {
    store::revoke_family(app, user, family).await
}

/// The user's number in the classic routes.
pub async fn number(app: &App, user: Uuid) -> Result<i32> {
    store::number(app, user).await
}

/// Makes a setup link and returns its address. The token stands in the fragment, which no server sees.
pub async fn make_setup_link(
    public_url: &str,
    clock: &Clock,
    boot: &mut sqlx::PgConnection,
) -> Result<String> {
    if store::owner_exists(boot).await? {
        return Err(Code::SetupLinkInvalid.with("There is an owner already."));
    }
    let link = Opaque::generate();
    store::make_setup_link(boot, &link.hash, clock.now(), SETUP_LINK_LIFE).await?;
    Ok(format!("{}/setup#{}", public_url.trim_end_matches('/'), link.token.expose()))
}

fn new_device() -> Device {
    let fresh = Opaque::generate();
    Device { hash: fresh.hash, cookie: Some(fresh.token) }
}

impl NewUser {
    pub fn parse(email: &str, name: &str, password: SecretText) -> Result<Self> {
        let email = Email::parse(email)?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(Error::field("/name", "needs 1 to 100 characters"));
        }
        let password = password::New::parse(password, &email)?;
        Ok(NewUser { email, name: name.to_owned(), password })
    }
}

impl Email {
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim().to_lowercase();
        let parts = text.rsplit_once('@');
        let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        match parts {
            Some((local, domain))
                if plain && !local.is_empty() && !domain.is_empty() && text.len() <= 254 =>
            {
                Ok(Email(text))
            }
            _ => Err(Error::field("/email", "is not an e-mail address")),
        }
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

const REFRESH_IDLE: Duration = Duration::days(7);
const REFRESH_ABSOLUTE: Duration = Duration::days(30);
const SETUP_LINK_LIFE: Duration = Duration::minutes(30);
