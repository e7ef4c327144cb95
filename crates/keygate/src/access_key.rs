//! Access keys: what a program shows to Keygate instead of an exchange key.
//!
//! Always holds: the token is shown once and stored only as its SHA-256; at most one *personal* key per
//! user is active; one that may do more than read is made by whoever gave the password lately, or with the very request where
//! programs are at work already; a bot's key is a
//! virtual pair in the exchange's own format whose secret is sealed under the user's key; a revoked or expired key opens
//! nothing from the next request on, and one with addresses nothing from elsewhere; a honey key opens nothing ever, and
//! whoever tries is on record.

use exchange::VirtualPair;
use seal::{
    Context, SecretText, field,
    token::{AccessKey, StoredAccessKey},
};
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Event},
    auth::{Caller, Client, Origin, Role, Via},
    bot, connection,
    error::{Code, Error, Result},
    key_ring,
    risk::{self, Alarm, Score, Signal},
    user::StepUp,
};

mod api;
mod ending;
mod page;
mod store;
mod wish;

pub use api::routes;
pub use ending::announce as announce_ends;
pub use page::pages;
pub use store::Row;
pub use wish::{Bounds, NewPair, NewPersonal, PAIR_DAYS, PERSONAL_DAYS, PERSONAL_SCOPES, parse_name};

/// A new key as its holder sees it, once.
pub struct Issued {
    pub row: Row,
    /// The whole token: proves itself as `X-Keygate-Key` or `Authorization: Bearer`.
    pub token: SecretText,
    pub pair: Option<Pair>,
}

/// A virtual pair: what a client library takes for the exchange's own key and secret.
pub struct Pair {
    pub key: String,
    pub secret: SecretText,
    pub passphrase: Option<SecretText>,
}

pub async fn list(app: &App, user: Uuid, bot: Option<Uuid>) -> Result<Vec<Row>> {
    store::list(app, user, bot).await
}

/// The user's one personal key. A second one is refused until the first is revoked.
pub async fn create_personal(
    app: &App,
    new: NewPersonal,
    step_up: StepUp<'_>,
    origin: &Origin,
) -> Result<Issued> {
    let user = step_up.caller.user;
    let is_news = allow(app, &new.scopes, is_at_work(app, user).await?, step_up).await?;
    let key = AccessKey::generate();
    let row = row(app, &key.stored, None, new.name, (new.scopes, new.bounds));
    let news = is_news.then(|| row.news("A personal key".to_owned()));
    store::insert_personal(app, user, &row, &key.stored.hash, (origin, news)).await?;
    Ok(Issued { row, token: key.token, pair: None })
}

/// A virtual pair for a bot, in its exchange's own format. Its scopes never go beyond what the connection
/// allows now: a right that is added later needs a new pair.
pub async fn create_for_bot(
    app: &App,
    bot: &bot::Row,
    new: NewPair,
    step_up: StepUp<'_>,
    origin: &Origin,
) -> Result<Issued> {
    let user = step_up.caller.user;
    let definition = app.exchanges.get(&bot.exchange).ok_or(Code::NotFound)?;
    let allowed = grantable(app, user, bot).await?;
    let scopes = new.scopes.unwrap_or_else(|| allowed.clone());
    if scopes.is_empty() || scopes.iter().any(|scope| !allowed.contains(scope)) {
        return Err(Error::field("/scopes", format!("this connection allows: {}", allowed.join(", "))));
    }
    let is_news = match new.honey {
        true => false,
        false => allow(app, &scopes, bot.connection_is_used, step_up).await?,
    };
    let key = AccessKey::generate();
    let row = Row {
        id: new.id,
        honey: new.honey,
        ..row(app, &key.stored, Some(bot.id), new.name, (scopes, new.bounds))
    };
    let pair = definition.virtual_pair(&seal::random::key());
    let virtual_key = keep(app, user, row.id, &bot.exchange, &pair).await?;
    let event = Event {
        api_key: bot.api_key_id,
        operation: if row.honey { "honey-key-create" } else { "access-key-create" },
        exchange: &bot.exchange,
        access_key: Some(row.id),
        bot: Some(bot.id),
        changed: row.as_new(),
        ..Event::default()
    };
    let news = is_news.then(|| row.news(format!("A key for bot {}", bot.name)));
    let news = news.map(|news| (bot.connection_id, news));
    store::insert_pair(app, user, &row, &key.stored.hash, (&virtual_key, origin, event, news)).await?;
    let pair = Pair { key: row.key_prefix.clone(), secret: pair.secret, passphrase: pair.passphrase };
    Ok(Issued { row, token: key.token, pair: Some(pair) })
}

/// Whether programs have called with any key of an exchange of theirs.
async fn is_at_work(app: &App, user: Uuid) -> Result<bool> {
    Ok(connection::list(app, user).await?.iter().any(|row| row.last_used_at.is_some()))
}

/// A key outlives the session that asks for it, and a bot without a symbol may trade what others may not: while everything is
/// being set up the password of a moment ago will do, and later it comes with the very request. Whether the owner must hear.
async fn allow(app: &App, scopes: &[String], is_used: bool, step_up: StepUp<'_>) -> Result<bool> {
    let is_wide = scopes.iter().any(|scope| scope != "read");
    match (is_wide, is_used) {
        (false, _) => {}
        (true, false) => step_up.lately(app, WHY).await?,
        (true, true) => step_up.anew(app, WHY).await?,
    }
    Ok(is_wide && is_used)
}

/// The scopes that a new pair of this bot can have: what its connection allows now.
pub async fn grantable(app: &App, user: Uuid, bot: &bot::Row) -> Result<Vec<String>> {
    let connection = connection::find(app, user, bot.connection_id).await?;
    let rights = [
        ("read", connection.can_read),
        ("trade", connection.can_trade),
        ("transfer", connection.can_transfer),
        ("withdraw", connection.can_withdraw),
    ];
    Ok(rights.into_iter().filter(|(_, allowed)| *allowed).map(|(scope, _)| scope.to_owned()).collect())
}

pub async fn revoke(app: &App, user: Uuid, id: Uuid, origin: &Origin) -> Result<()> {
    let revoked = store::revoke(app, user, id, origin).await?;
    app.gate.accounts.forget(user);
    match revoked {
        true => Ok(()),
        false => Err(Code::NotFound.into()),
    }
}

/// The holder of a personal key, or nobody: also where it may not come from there.
pub async fn personal_caller(app: &App, key: &StoredAccessKey, client: &Client) -> Result<Option<Caller>> {
    let Some(found) = store::find_personal(app, key, client.ip, app.clock.now()).await? else {
        return Ok(None);
    };
    if !found.is_active {
        return Err(Code::Inactive.into());
    }
    Ok(Some(Caller {
        user: found.user,
        email: found.email,
        name: found.name,
        role: Role::User,
        via: Via::AccessKey { id: found.id, scopes: found.scopes },
    }))
}

/// Bait that was tried here, where it opens no more than at an exchange: recorded, and an alarm.
pub async fn notice_bait(app: &App, key: &StoredAccessKey, origin: &Origin) -> Result<()> {
    let Some(bait) = store::find_bait(app, key).await? else { return Ok(()) };
    let score = Score::default().with(Signal::HoneyKey);
    let mut tx = app.db.user(bait.user).await?;
    let event = Event {
        api_key: bait.api_key,
        operation: "deny",
        exchange: &bait.exchange,
        failure: Some("honey-key"),
        access_key: Some(bait.id),
        bot: Some(bait.bot),
        score,
        ..Event::default()
    };
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    let Some(client) = &origin.client else { return Ok(()) };
    let alarm = Alarm {
        user: bait.user,
        key: key.prefix.clone(),
        connection: bait.connection,
        request: origin.request.0,
        address: client.ip,
        score,
    };
    risk::taken(app, &alarm).await
}

fn row(
    app: &App,
    key: &StoredAccessKey,
    bot: Option<Uuid>,
    name: Option<String>,
    (scopes, bounds): (Vec<String>, Bounds),
) -> Row {
    Row {
        id: app.clock.id(),
        bot_id: bot,
        name,
        key_prefix: key.prefix.clone(),
        scopes,
        created_at: app.clock.now(),
        expires_at: Some(bounds.expires_at),
        last_used_at: None,
        revoked_at: None,
        honey: false,
        addresses: bounds.addresses,
    }
}

/// What is kept of a pair: the sealed secret, or where that is a private key its public half alone.
async fn keep(
    app: &App,
    user: Uuid,
    row: Uuid,
    exchange: &str,
    pair: &VirtualPair,
) -> Result<store::VirtualKey> {
    let mut tx = app.db.user(user).await?;
    let user_key = key_ring::user_key(app, &mut tx, user).await?;
    tx.commit().await?;
    let seal = |column, text: &SecretText| {
        field::seal(&user_key, &Context { table: "virtual_key", column, row }, text.expose().as_bytes())
    };
    Ok(store::VirtualKey {
        exchange: exchange.to_owned(),
        sealed_secret: pair.public_key_pem.is_none().then(|| seal("secret", &pair.secret)),
        sealed_passphrase: pair.passphrase.as_ref().map(|text| seal("passphrase", text)),
        public_key_pem: pair.public_key_pem.clone(),
    })
}

const WHY: &str = "The key may do more than read. Send your password with it, as `password`.";
