//! What is done to an account and not to a key of an exchange, on the record of whoever does it.

use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Event},
    auth::Origin,
    db::Tx,
    error::Result,
    risk::Score,
};

/// The last thing of its transaction. The account stands where other records have their key, and no exchange.
pub async fn account_event(
    app: &App,
    tx: &mut Tx,
    origin: &Origin,
    account: Uuid,
    operation: &str,
    access_key: Option<Uuid>,
) -> Result<()> {
    let event = Event {
        api_key: account,
        operation,
        exchange: "",
        failure: None,
        access_key,
        bot: None,
        score: Score::default(),
    };
    audit::record(app, tx, origin, event).await
}
