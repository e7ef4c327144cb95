//! The exchanges Keygate knows: definitions that are compiled in, and the registry table the classic
//! settings routes speak of (101 is Coinone). A registry row without a definition is only a name: keys can
//! be filed under exchanges Keygate has a definition for.

mod api;
mod store;

pub use api::routes;
pub use store::{Listed, find, list};

use crate::{
    app::App,
    auth::{Administer, May},
    error::{Code, Error, Result},
};

/// Adds a name to the registry. It is shared by all users, so adding belongs to administrators.
pub async fn register(app: &App, may: &May<Administer>, name: &str) -> Result<Vec<Listed>> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 20 || name.chars().any(char::is_control) {
        return Err(Error::field("/exchange_name", "needs 1 to 20 characters"));
    }
    if list(app, may.user()).await?.iter().any(|known| known.exchange_name.eq_ignore_ascii_case(name)) {
        let error = Code::Duplicate.with(format!("Exchange with name '{name}' already exists."));
        return Err(error.status(http::StatusCode::BAD_REQUEST));
    }
    store::insert(app, may.user(), name).await?;
    list(app, may.user()).await
}
