//! Where a key is tried, and what must be so when its request leaves.

use uuid::Uuid;

use crate::{
    app::App,
    error::{Code, Result},
    gateway::queue::Whose,
    panic,
};

/// Where a key is tried, and whose it is once it is stored: then it waits its turn like any other call.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub environment: &'a str,
    pub stored: Option<Stored>,
    pub only: Only,
}

/// Whose key it is, and of which connection.
#[derive(Clone, Copy)]
pub struct Stored {
    pub whose: Whose,
    pub connection: Uuid,
}

/// What must be so when a request leaves, however long it has waited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Only {
    Always,
    /// Nothing of the connection stands still.
    WhileSigning,
    /// Everything of it does.
    WhileStopped,
}

impl At<'_> {
    pub(super) async fn still(&self, app: &App) -> Result<()> {
        let Some(Stored { whose, connection }) = self.stored.filter(|_| self.only != Only::Always) else {
            return Ok(());
        };
        match (self.only, panic::stands_still(app, whose.user, connection).await?) {
            (Only::WhileSigning, true) => Err(Code::Forbidden.with("All signing is stopped.")),
            (Only::WhileStopped, false) => Err(Code::Forbidden.with("Signing goes on.")),
            _ => Ok(()),
        }
    }
}
