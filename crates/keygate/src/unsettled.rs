//! Calls of which nobody knows what became: their answer was lost, and what they set aside stays set aside.
//!
//! Always holds: while the exchange can be asked and may still say, it is the exchange that settles them; after that their
//! owner may, with the password, one by one, and it is on record.

use seal::SecretText;
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Event},
    auth::{Caller, Client, Origin},
    error::{Code, Error, Result},
    gateway::reconcile::OFTEN,
    http::RequestId,
    user::StepUp,
};

mod api;
mod page;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::{Row, count};

/// The owner's word about one order or withdrawal.
pub struct Word {
    pub request: Uuid,
    /// Which order of a batch; 0 for the only one.
    pub place: i16,
    /// It happened. Otherwise it never did, and what it set aside is free again.
    pub happened: bool,
    pub password: Option<SecretText>,
}

/// The latest first, 200 at most.
pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    store::list(app, user).await
}

/// Takes the owner's word. It stands in the record under the id of the call that it is about.
pub async fn settle(app: &App, caller: &Caller, client: &Client, origin: &Origin, word: Word) -> Result<()> {
    let row = store::find(app, caller.user, word.request, word.place).await?.ok_or_else(known)?;
    if row.is_asked(app) {
        return Err(Code::BeingAsked.with(ASKED));
    }
    StepUp { caller, client, password: word.password }.anew(app, WHY).await?;
    let mut tx = app.db.user(caller.user).await?;
    if !store::settle(&mut tx, &row, word.happened, app.clock.now()).await? {
        return Err(known());
    }
    let operation = if word.happened { "settle-happened" } else { "settle-never" };
    let origin = Origin { request: RequestId(row.request_id), client: origin.client.clone() };
    audit::record(app, &mut tx, &origin, row.event(operation)).await?;
    tx.commit().await?;
    Ok(())
}

impl Row {
    /// Whether the exchange still has to say. One that has not said it for so long will not.
    pub fn is_asked(&self, app: &App) -> bool {
        let asks = |definition| self.lost().can_be_asked(app, definition);
        self.asked < OFTEN && app.exchanges.get(&self.exchange).is_some_and(|definition| asks(definition))
    }

    fn event<'a>(&'a self, operation: &'a str) -> Event<'a> {
        Event {
            api_key: self.api_key_id,
            operation,
            exchange: &self.exchange,
            access_key: Some(self.access_key_id),
            ..Event::default()
        }
    }
}

fn known() -> Error {
    Code::NotFound.with("There is no such call, or it is known by now what became of it.")
}

const ASKED: &str = "The exchange is asked what became of it, for an hour. Look again later.";
const WHY: &str = "What never happened is free to be spent again. Send your password with it, as `password`.";
