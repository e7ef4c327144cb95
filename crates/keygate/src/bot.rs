//! Bots: programs that use one exchange key. A bot's symbol, when set, is the only one it may trade. Bots
//! go when the key goes.

use uuid::Uuid;

use crate::{
    app::App,
    connection,
    error::{Code, Error, Result},
    http::RequestId,
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

pub async fn create(app: &App, user: Uuid, new: NewBot) -> Result<Row> {
    let connection = connection::find(app, user, new.connection).await?;
    let key = connection.live_key()?;
    let id = app.clock.id();
    store::insert(app, user, id, key, &new).await?;
    find(app, user, id).await
}

/// Changes a bot, as far as it may be changed now; a symbol that lets it trade more may have to wait.
pub async fn change(
    app: &App,
    id: Uuid,
    change: Change,
    step_up: StepUp<'_>,
    request: RequestId,
) -> Result<Row> {
    let user = step_up.caller.user;
    let bot = find(app, user, id).await?;
    let confirmed = symbol::confirm(app, &bot.symbol, &change, step_up).await?;
    let mut tx = app.db.user(user).await?;
    let now_tied_to = store::lock(&mut tx, id).await?.ok_or(Code::NotFound)?;
    store::update(&mut tx, id, &change).await?;
    if let Some(new) = change.symbol {
        Tie { app, bot: &bot, request }.change(&mut tx, now_tied_to, new, confirmed).await?;
    }
    tx.commit().await?;
    app.gate.accounts.forget(user);
    find(app, user, id).await
}

/// Takes the bot and its access keys, for good.
pub async fn delete(app: &App, user: Uuid, id: Uuid) -> Result<()> {
    let deleted = store::delete(app, user, id).await?;
    app.gate.accounts.forget(user);
    match deleted {
        true => Ok(()),
        false => Err(Code::NotFound.into()),
    }
}

/// What a change sets; absent members stay as they are.
pub struct Change {
    pub name: Option<String>,
    /// `Some(None)` lifts the restriction.
    pub symbol: Option<Option<String>>,
    pub is_active: Option<bool>,
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
