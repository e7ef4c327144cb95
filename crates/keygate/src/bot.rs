//! Bots: programs that use one exchange key. A bot's symbol, when set, is the only one it may trade. Bots
//! go when the key goes.

use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Difference, Event},
    auth::Origin,
    connection,
    error::{Code, Error, Result},
    risk,
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
    let changed = Difference::of("name", None, Some(&new.name)).and("symbol", &None, &new.symbol);
    audit::record(app, &mut tx, origin, Event { changed, ..subject.event("bot-create") }).await?;
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
    for (operation, changed) in done {
        audit::record(app, &mut tx, origin, Event { changed, ..bot.subject().event(operation) }).await?;
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
    risk::close_alerts(app, &mut tx).await?;
    audit::record(app, &mut tx, origin, bot.subject().event("bot-delete")).await?;
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

impl<'a> Subject<'a> {
    /// In the record of the key that the bot uses.
    fn event(&self, operation: &'a str) -> Event<'a> {
        Event {
            api_key: self.api_key,
            operation,
            exchange: self.exchange,
            bot: Some(self.bot),
            ..Event::default()
        }
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
    fn beside_the_symbol(&self, old: &store::Locked) -> Vec<(&'static str, Difference)> {
        let renamed = self.name.as_ref().filter(|name| **name != old.name);
        let rename = renamed.map(|name| ("bot-rename", Difference::of("name", &old.name, name)));
        let switched = self.is_active.filter(|is_active| *is_active != old.is_active);
        let switch = switched.map(|is_active| if is_active { "bot-start" } else { "bot-stop" });
        rename.into_iter().chain(switch.map(|operation| (operation, Difference::default()))).collect()
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
