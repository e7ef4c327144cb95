//! The gateway: `/x/{exchange}/…`, in the exchange's own dialect.
//!
//! parse -> who calls -> decide -> record -> sign -> send -> answer. What is decided on is what is signed,
//! and what is signed is what is sent: host, path and headers are built here, parameters keep the client's
//! text. Always holds: nothing that moves money is signed before its record is committed; a secret is opened
//! for one signature and dropped; nothing is sent twice.

use std::{net::SocketAddr, sync::Arc};

use axum::response::Response;
use exchange::{Answer as Dialect, Definition, PRODUCTION, Reading, Request};
use time::OffsetDateTime;

use crate::{
    app::App,
    auth::Client,
    config::Config,
    http::RequestId,
    risk::{Look, Seen},
};

mod account;
mod answer;
mod asked;
mod caution;
mod credential;
mod decide;
mod denial;
mod exposure;
mod ledger;
mod leverage;
mod market;
mod noted;
pub mod preview;
mod price;
mod public;
pub mod queue;
mod rate;
pub mod reconcile;
pub mod record;
pub mod replay;
mod send;
mod spend;
mod stream;
pub mod sweep;
mod symbol;
mod token;
mod under_way;

use account::{Account, Missing};
pub use account::{Accounts, KeptConnection, KeptPair, StoredPair};
pub use asked::{Taken, serve, take};
use credential::Presented;
#[cfg(feature = "fuzzing")]
pub use decide::promise;
pub use denial::Denial;
use denial::unreadable;
pub use ledger::{Ledger, Window, Writer as LedgerWriter, forget_windows, ledger};
pub use stream::Streams;
pub use under_way::UnderWay;

/// What the gateway keeps between requests: sealed accounts, who waits for whom, the queue of records.
pub struct Gate {
    /// Names a client may put into `Host`.
    pub hosts: Vec<String>,
    pub accounts: Accounts,
    pub records: record::Queue,
    /// The queue of what moves money.
    pub ledger: Ledger,
    /// Where calls without a credential go.
    pub public_environment: String,
    /// Open WebSockets.
    pub streams: Streams,
    /// Calls that end whoever goes away.
    pub under_way: UnderWay,
    public: public::Limiter,
    /// Keys that do not exist, and signatures that are wrong: counted apart, or whoever reads much market data would have no key.
    guesses: public::Limiter,
    pub queues: queue::Queues,
    market: market::Market,
    prices: price::Prices,
    rates: rate::Rates,
    looks: exposure::Looks,
    /// Open orders that are being taken back.
    pub sweeps: sweep::Sweeps,
    /// Who goes through the past.
    pub replays: replay::Replays,
}

/// One call of a bot, parsed, and what is known about it so far.
struct Call<'a> {
    app: &'a App,
    definition: &'a Definition,
    request: Request,
    client: Client,
    id: RequestId,
    /// When it was taken up: nothing it is decided by is older.
    begun: OffsetDateTime,
    /// What its record says of who makes it.
    seen: Seen,
    noted: noted::Noted,
}

impl Gate {
    pub fn new(
        config: &Config,
        listening: Vec<SocketAddr>,
        records: record::Queue,
        ledger: Ledger,
        public_environment: String,
    ) -> Self {
        Gate {
            hosts: config.accepted_hosts(&listening),
            accounts: Accounts::default(),
            records,
            ledger,
            public_environment,
            streams: Streams::new(config.gateway.max_streams),
            under_way: UnderWay::default(),
            public: public::Limiter::new(config.gateway.public_per_minute),
            guesses: public::Limiter::new(config.gateway.public_per_minute),
            queues: queue::Queues::default(),
            market: market::Market::new(&config.gateway),
            prices: price::Prices::default(),
            rates: rate::Rates::default(),
            looks: exposure::Looks::default(),
            sweeps: sweep::Sweeps::default(),
            replays: replay::Replays::default(),
        }
    }
}

impl Gate {
    /// The environment of calls without a key: the demo exchange stands in for the exchanges it speaks.
    fn public_environment<'g>(&'g self, definition: &Definition) -> &'g str {
        let own = Some(self.public_environment.as_str());
        own.filter(|own| definition.environments().any(|name| name == *own)).unwrap_or(PRODUCTION)
    }
}

impl Call<'_> {
    async fn carry_out(&self, presented: Option<Presented>) -> Result<Response, Denial> {
        // What is boxed is rare, or slow by itself: a read does not carry the size of it.
        let Some(presented) = presented else {
            return Box::pin(self.without_credential()).await;
        };
        let account = self.account(&presented).await?;
        let verified = match self.prove(&presented, &account) {
            Ok(verified) => verified,
            Err(denial) => return Err(Box::pin(self.distrusted(&account, denial)).await),
        };
        let look = self.look(&account).await?;
        if self.definition.asks_for_token(&self.request) {
            let issued = Box::pin(self.issue_token(&account, verified, &look)).await;
            return self.or_denied(&account, issued).await;
        }
        let admitted = self.admit(&account, &presented, &look).await;
        self.or_denied(&account, admitted).await?;
        match self.request.class().moves_money() {
            true => {
                let named = self.or_denied(&account, self.named()).await?;
                Box::pin(named.on_record(&account, verified)).await
            }
            false => self.off_record(&account).await,
        }
    }

    /// What was found, or the denial on record.
    async fn or_denied<T>(&self, account: &Account, found: Result<T, Denial>) -> Result<T, Denial> {
        match found {
            Ok(found) => Ok(found),
            Err(denial) => Err(Box::pin(self.denied(account, denial)).await),
        }
    }

    /// The account behind a key. Bait is recorded, raises an alarm, and is answered as if nobody knew it; it is counted
    /// like everything that leads to no account, or whoever tries it often enough would tell it from nothing.
    pub(super) async fn account(&self, presented: &Presented) -> Result<Arc<Account>, Denial> {
        match self.app.gate.accounts.known(self.app, presented, self.definition) {
            Some(account) => Ok(account),
            None => Box::pin(self.sought(presented)).await,
        }
    }

    async fn sought(&self, presented: &Presented) -> Result<Arc<Account>, Denial> {
        let Gate { accounts, guesses, .. } = &self.app.gate;
        // whoever tries keys out shall not keep the database busy
        guesses.has_room(&self.client, self.app.clock.now_ms())?;
        let missing = match accounts.find(self.app, presented, self.definition).await {
            Ok(account) => return Ok(account),
            // our own trouble says nothing about the caller
            Err(Missing::Denied(denial)) if denial.kind == Dialect::Down => return Err(denial),
            Err(missing) => missing,
        };
        guesses.admit(&self.client, self.app.clock.now_ms())?;
        Err(match missing {
            Missing::Denied(denial) => denial,
            Missing::Bait(bait) => self.taken(&bait).await,
        })
    }

    /// May it be carried out, as far as that needs no figures?
    pub(super) async fn admit(
        &self,
        account: &Account,
        presented: &Presented,
        look: &Look,
    ) -> Result<(), Denial> {
        let (definition, request) = (self.definition, &self.request);
        let attempt = decide::Attempt { definition, request, presented, whence: self.whence() };
        decide::decide(&attempt, account, &self.noted)?;
        self.in_force(account)?;
        self.count(account).await?;
        self.learn(account, look).await
    }

    /// From where, at this moment.
    fn whence(&self) -> decide::Whence {
        decide::Whence { ip: self.client.ip, at: self.app.clock.now() }
    }

    /// The call with an id for each order, or for the withdrawal, that has none: by it the exchange can be asked what became
    /// of it.
    fn named(&self) -> Result<Call<'_>, Denial> {
        let named = self.definition.with_client_ids(&self.request, |_| seal::random::array());
        let request = named.map_err(|refusal| unreadable(refusal.to_string()))?;
        Ok(Call {
            app: self.app,
            definition: self.definition,
            request,
            client: self.client.clone(),
            id: self.id,
            begun: self.begun,
            seen: self.seen.clone(),
            noted: self.noted.clone(),
        })
    }

    /// Counts the request. Whoever takes orders back is not counted: that must always go.
    pub(super) async fn count(&self, account: &Account) -> Result<(), Denial> {
        match self.request.reading() {
            Reading::Cancel { .. } => Ok(()),
            _ => {
                let admitted = self.app.gate.rates.admit(self.app, account, self.is_dry(account)).await;
                self.weigh(account, admitted)
            }
        }
    }

    /// A call that cannot be read, or is not listed, is on record where it shows somebody's key.
    async fn turned_away(&self, presented: Option<Presented>, denial: Denial) -> Denial {
        let Some(presented) = presented else { return denial };
        match self.account(&presented).await {
            Ok(account) => self.distrusted(&account, denial).await,
            Err(_) => denial,
        }
    }

    /// Public market data needs no account: clients ask for it before they show a key, or without one.
    async fn without_credential(&self) -> Result<Response, Denial> {
        if !self.is_public() {
            return Err(Denial::unknown_key("no Keygate credential was sent"));
        }
        self.app.gate.public.admit(&self.client, self.app.clock.now_ms())?;
        let environment = self.app.gate.public_environment(self.definition);
        let asked = self.public_answer(environment, queue::Rank::Stranger).await?;
        answer::pass(self.definition, asked.outcome, &[], self.id)
    }

    fn upstream(&self, environment: &str) -> Result<exchange::Upstream, Denial> {
        self.definition.upstream(environment, &self.request).ok_or_else(|| {
            Denial::denied(
                "no-upstream",
                format!("this address does not exist in the environment '{environment}'"),
            )
        })
    }

    /// Keeps the denial as a record of its own; the caller still only gets the answer if that fails.
    async fn denied(&self, account: &Account, denial: Denial) -> Denial {
        record::denial(self, account, &denial).await;
        self.note_denial(account, &denial);
        denial
    }

    /// The same of a caller who did not prove to hold the key, as long as there are not too many of them.
    pub(super) async fn distrusted(&self, account: &Account, denial: Denial) -> Denial {
        if let Err(too_many) = self.app.gate.guesses.admit(&self.client, self.app.clock.now_ms()) {
            return too_many;
        }
        self.look_at_stranger(account).await;
        record::denial(self, account, &denial).await;
        denial
    }
}
