//! The access key a stream belongs to, with the connection and the key behind it, from its first proven frame on, and the
//! watch over it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exchange::{Class, Definition};
use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

use super::end::End;

use crate::{
    app::App,
    auth::Client,
    gateway::{Account, Denial, Missing, caution, credential::Presented, decide},
};

/// Shared by a stream and its watch: whose it is, and whether it is over.
#[derive(Default)]
pub struct Bound {
    owner: Mutex<Option<Owner>>,
    end: Mutex<Option<End>>,
    over: watch::Sender<bool>,
}

/// Whose a stream is, and what was behind that access key when it was bound: the session at the exchange is that key's,
/// whatever stands behind the access key later.
struct Owner {
    prefix: String,
    connection: Uuid,
    api_key: Uuid,
}

impl Bound {
    /// The public half of the access key, if there is one yet.
    pub fn prefix(&self) -> Option<String> {
        self.lock().as_ref().map(|own| own.prefix.clone())
    }

    /// Refuses a second key: whose records, limits and events these are must never be a question.
    pub fn admits(&self, prefix: &str) -> Result<(), Denial> {
        match &*self.lock() {
            Some(own) if own.prefix != prefix => Err(Denial::denied(
                "one-credential",
                "this connection belongs to another access key; open one for each",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses what would be sent with another key, or for another connection, than the stream was opened with.
    pub fn is_still(&self, account: &Account) -> Result<(), Denial> {
        let now = (account.connection.id, account.connection.api_key);
        match &*self.lock() {
            Some(own) if (own.connection, own.api_key) != now => Err(Denial::denied(
                CHANGED,
                "the connection or the key behind this stream is another one now; connect anew",
            )),
            _ => Ok(()),
        }
    }

    pub fn bind(&self, account: &Account) {
        let (connection, api_key) = (account.connection.id, account.connection.api_key);
        self.lock().get_or_insert_with(|| Owner { prefix: account.key_prefix.clone(), connection, api_key });
    }

    /// Waits for the word to end. Only where nothing is half done: between messages, and while one is written.
    pub async fn over(&self) -> End {
        self.is_over().await;
        self.end.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(End::Stopping)
    }

    /// The same, for who leaves the end to others.
    pub async fn is_over(&self) {
        // the sender is in here, so the channel cannot be closed
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    fn end(&self, end: End) {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(end);
        self.over.send_replace(true);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Owner>> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says when a stream is over: the server stops, or the key may not read any more. Never ends by itself.
pub async fn watch_over(
    app: &App,
    definition: &Definition,
    client: &Client,
    bound: &Bound,
    mut closing: watch::Receiver<bool>,
) {
    let end = tokio::select! {
        _ = closing.wait_for(|closing| *closing) => End::Stopping,
        denial = forbidden(app, definition, client, bound) => End::Denied(denial),
    };
    bound.end(end);
    std::future::pending().await
}

/// Looks again and again whether the key may still read. Asking costs nothing while the cache of accounts is believed.
async fn forbidden(app: &App, definition: &Definition, client: &Client, bound: &Bound) -> Denial {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(prefix) = bound.prefix() else { continue };
        let looked = timeout(ANSWER, still(app, definition, client, bound, prefix)).await;
        if let Err(denial) = looked.unwrap_or_else(|_| Err(Denial::down("the watch over a stream waits"))) {
            return denial;
        }
    }
}

async fn still(
    app: &App,
    definition: &Definition,
    client: &Client,
    bound: &Bound,
    prefix: String,
) -> Result<(), Denial> {
    let account: Arc<Account> =
        match app.gate.accounts.find(app, &Presented::Pair { prefix }, definition).await {
            Ok(account) => account,
            Err(Missing::Denied(denial)) => return Err(denial),
            Err(Missing::Bait(_)) => return Err(Denial::unknown()),
        };
    bound.is_still(&account)?;
    decide::allowed(decide::Whence { ip: client.ip, at: app.clock.now() }, Class::Read, &account)?;
    match account.suspended {
        true => Err(caution::suspended()),
        false => Ok(()),
    }
}

/// A change is in force within a second on every instance; with this a stream ends within two.
const LOOK: Duration = Duration::from_millis(500);
/// Whoever cannot be asked for so long may not read on.
const ANSWER: Duration = Duration::from_millis(1500);
/// The rule by which a stream ends so that its client comes back at once.
pub const CHANGED: &str = "connection-changed";
