//! Bots: programs that use one exchange key. A bot's symbol, when set, is the only one it may trade. Bots
//! go when the key goes.

use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Event},
    auth::Origin,
    connection,
    db::Tx,
    error::{Code, Error, Result},
    risk::Score,
    user::StepUp,
};

mod api;
mod page;
mod store;
mod symbol;

pub use api::routes;
pub use page::pages;
pub use store::Row;
pub use symbol::{Pending, apply_due, cancel};

use symbol::Tie;

/// A wished-for bot, checked.
pub struct NewBot {
    pub connection: Uuid,
    pub name: String,
    pub symbol: Option<String>,
}

pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    store::list(app, user).await
}

pub async fn find(app: &App, user: Uuid, id: Uuid) -> Result<Row> {
    store::find(app, user, id).await?.ok_or_else(|| Code::NotFound.into())
}

pub async fn create(app: &App, user: Uuid, new: NewBot, origin: &Origin) -> Result<Row> {
    let connection = connection::find(app, user, new.connection).await?;
    let key = connection.live_key()?;
    let id = app.clock.id();
    let subject = Subject { bot: id, api_key: key, exchange: &connection.exchange };
    let mut tx = app.db.user(user).await?;
    store::insert(&mut tx, user, &subject, &new).await?;
    subject.record(app, &mut tx, origin, "bot-create").await?;
    tx.commit().await?;
    find(app, user, id).await
}

/// Changes a bot, as far as it may be changed now; a symbol that lets it trade more may have to wait.
pub async fn change(
    app: &App,
    id: Uuid,
    change: Change,
    step_up: StepUp<'_>,
    origin: &Origin,
) -> Result<Row> {
    let user = step_up.caller.user;
    let bot = find(app, user, id).await?;
    let confirmed = symbol::confirm(app, &bot.symbol, &change, step_up).await?;
    let mut tx = app.db.user(user).await?;
    let old = store::lock(&mut tx, id).await?.ok_or(Code::NotFound)?;
    store::update(&mut tx, id, &change).await?;
    let done = change.beside_the_symbol(&old);
    if let Some(new) = change.symbol {
        Tie { app, bot: &bot, origin }.change(&mut tx, old.symbol, new, confirmed).await?;
    }
    for operation in done {
        bot.subject().record(app, &mut tx, origin, operation).await?;
    }
    tx.commit().await?;
    app.gate.accounts.forget(user);
    find(app, user, id).await
}

/// Takes the bot and its access keys, for good.
pub async fn delete(app: &App, user: Uuid, id: Uuid, origin: &Origin) -> Result<()> {
    let bot = find(app, user, id).await?;
    let mut tx = app.db.user(user).await?;
    if !store::delete(&mut tx, id).await? {
        return Err(Code::NotFound.into());
    }
    bot.subject().record(app, &mut tx, origin, "bot-delete").await?;
    tx.commit().await?;
    app.gate.accounts.forget(user);
    Ok(())
}

/// What a record of a bot is about.
struct Subject<'a> {
    bot: Uuid,
    api_key: Uuid,
    exchange: &'a str,
}

impl Subject<'_> {
    /// In the record of the key that the bot uses.
    async fn record(&self, app: &App, tx: &mut Tx, origin: &Origin, operation: &str) -> Result<()> {
        let event = Event {
            api_key: self.api_key,
            operation,
            exchange: self.exchange,
            failure: None,
            access_key: None,
            bot: Some(self.bot),
            score: Score::default(),
        };
        audit::record(app, tx, origin, event).await
    }
}

impl Row {
    fn subject(&self) -> Subject<'_> {
        Subject { bot: self.id, api_key: self.api_key_id, exchange: &self.exchange }
    }
}

/// What a change sets; absent members stay as they are.
pub struct Change {
    pub name: Option<String>,
    /// `Some(None)` lifts the restriction.
    pub symbol: Option<Option<String>>,
    pub is_active: Option<bool>,
}

impl Change {
    /// What it does to a bot that is as this one, each with a record of its own; a form sends what stands there already.
    fn beside_the_symbol(&self, old: &store::Locked) -> Vec<&'static str> {
        let renames = self.name.as_ref().is_some_and(|name| *name != old.name);
        let switches = self.is_active.filter(|is_active| *is_active != old.is_active);
        let switch = switches.map(|is_active| if is_active { "bot-start" } else { "bot-stop" });
        renames.then_some("bot-rename").into_iter().chain(switch).collect()
    }
}

pub fn parse_name(name: &str) -> Result<String> {
    let name = name.trim();
    match !name.is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_control) {
        true => Ok(name.to_owned()),
        false => Err(Error::field("/name", "needs 1 to 100 characters")),
    }
}

/// A symbol as `BASE/QUOTE` or in the exchange's own spelling; kept in capitals.
pub fn parse_symbol(symbol: Option<String>) -> Result<Option<String>> {
    let Some(symbol) = symbol.map(|symbol| symbol.trim().to_uppercase()).filter(|symbol| !symbol.is_empty())
    else {
        return Ok(None);
    };
    let plain = symbol.chars().all(|c| c.is_ascii_alphanumeric() || "/-_:.".contains(c));
    match plain && symbol.len() <= 50 {
        true => Ok(Some(symbol)),
        false => Err(Error::field("/symbol", "needs a symbol such as BTC/USDT")),
    }
}
