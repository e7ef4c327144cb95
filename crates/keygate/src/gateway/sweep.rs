//! Open orders, taken back by Keygate itself while everything stands still.
//!
//! Always holds: the wish stands in the row of the panic, so it outlives this process; nothing but the list of open orders and
//! cancellations can be signed on this way (`errand.rs`), and the ledger lets a cancellation go only while the panic is in force
//! and once it is on record; a cancellation is sent a second time only when the exchange still lists the order after the first.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use exchange::{Definition, OpenOrder, Symbol};
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::record::name;
use crate::{
    app::App,
    connection::{self, ExchangeKey, secrets},
    error::{Error, Result},
};

mod closing;
mod errand;
mod found;
mod store;

pub use errand::TakeBack;
pub use found::{Report, StillOpen};

use errand::{Answered, Errands};
use found::Found;
use store::Due;

/// How many connections this instance works on at once.
pub struct Sweeps(Semaphore);

impl Default for Sweeps {
    fn default() -> Self {
        Sweeps(Semaphore::new(AT_ONCE))
    }
}

impl Sweeps {
    /// Whether there is room for more work.
    pub fn idle(&self) -> bool {
        self.0.available_permits() > 0
    }
}

/// Takes back what is due, all connections beside each other.
pub async fn round(app: Arc<App>) -> Result<()> {
    let due = store::due(&app).await?;
    let each = |due: Due| {
        let app = app.clone();
        async move {
            let _room = app.gate.sweeps.0.acquire().await;
            if let Err(error) = one(&app, &due).await {
                tracing::error!(%error, connection = %due.connection, "what became of open orders cannot be stored");
            }
        }
    };
    stream::iter(due).for_each_concurrent(None, each).await;
    Ok(())
}

async fn one(app: &App, due: &Due) -> Result<()> {
    if !store::take(app, due, LEASE).await? {
        return Ok(());
    }
    let report = match Sweep::begin(app, due).await {
        Ok(sweep) => sweep.run().await,
        Err(error) => {
            tracing::error!(%error, connection = %due.connection, "open orders cannot be taken back");
            Report::problem("its key cannot be used here; the server's log says why")
        }
    };
    store::end(app, due, &report).await
}

/// One connection, while its open orders are taken back.
struct Sweep<'a> {
    errands: Errands<'a>,
    /// Where open orders are listed market by market: the markets that are known.
    markets: Vec<Symbol>,
    /// Markets the exchange did not list.
    refused: BTreeMap<String, String>,
    found: Found,
    began: Instant,
    /// One request for all orders.
    all: All,
}

/// What became of the one request that takes back all orders.
enum All {
    /// It may be sent, and so often it could not be.
    Open(u32),
    Taken,
    /// It was refused, or nobody knows: this is why.
    Failed(String),
}

/// Why it goes no further.
struct Stop(String);

impl<'a> Sweep<'a> {
    async fn begin(app: &'a App, due: &Due) -> Result<Sweep<'a>> {
        let row = connection::find(app, due.user, due.connection).await?;
        row.live_key()?;
        let definition =
            app.exchanges.get(&row.exchange).ok_or_else(|| Error::internal("no such exchange"))?;
        let key: ExchangeKey = secrets::open(app, due.user, &row).await?;
        let markets = match definition.open_orders_need_market() {
            true => known_markets(definition, &store::traded(app, due).await?),
            false => Vec::new(),
        };
        Ok(Sweep {
            errands: Errands { app, definition, user: due.user, row, key },
            markets,
            refused: BTreeMap::new(),
            found: Found::default(),
            began: Instant::now(),
            all: All::Open(0),
        })
    }

    /// Lists, takes back, and lists again, until a list has nothing to take back and what was on its way has had time to
    /// arrive.
    async fn run(mut self) -> Report {
        let mut failed = 0;
        loop {
            let looked = self.look().await;
            failed = if looked.is_err() { failed + 1 } else { 0 };
            let over = self.began.elapsed() >= LONGEST;
            match looked {
                Err(problem) if failed >= TRIES || over => return self.report(Some(problem)).await,
                // without a list nothing is sent: what was listed before may be gone
                Err(_) => {}
                Ok(()) if over => return self.report(Some(TIME_USED_UP.to_owned())).await,
                Ok(()) if self.is_done() && !self.waits_for_others().await => return self.report(None).await,
                Ok(()) => {
                    if let Err(Stop(problem)) = self.take_back().await {
                        return self.report(Some(problem)).await;
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn is_done(&self) -> bool {
        let patience = if self.found.waits() { PATIENCE } else { ARRIVAL };
        !self.wants_all() && self.found.to_try().is_empty() && self.began.elapsed() >= patience
    }

    /// Whether an order that left before the stop may still arrive.
    async fn waits_for_others(&self) -> bool {
        self.began.elapsed() < PATIENCE && store::under_way(&self.errands).await.is_ok_and(|count| count > 0)
    }

    async fn look(&mut self) -> Result<(), String> {
        let mut open = Vec::new();
        if !self.errands.definition.open_orders_need_market() {
            open = self
                .errands
                .list(None)
                .await?
                .map_err(|refusal| format!("open orders cannot be listed: {refusal}"))?;
        }
        for market in &self.markets {
            if self.began.elapsed() >= LONGEST {
                return Err(TIME_USED_UP.to_owned());
            }
            match self.errands.list(Some(market)).await? {
                Ok(orders) => open.extend(orders),
                Err(refusal) => drop(self.refused.insert(name(market), refusal)),
            }
        }
        self.found.listed(open);
        Ok(())
    }

    /// One request for all of them, where they are many or cannot all be seen.
    fn wants_all(&self) -> bool {
        let blind = self.errands.definition.open_orders_need_market() || self.found.to_try().len() > MANY;
        let open = matches!(self.all, All::Open(_));
        blind && open && self.errands.definition.cancel_all_request().is_some()
    }

    async fn take_back(&mut self) -> Result<(), Stop> {
        if self.wants_all() {
            return self.take_all_back().await;
        }
        let (errands, until) = (&self.errands, self.began + LONGEST);
        let each = |order: OpenOrder| async move {
            let answered = match Instant::now() < until {
                true => errands.take_back(TakeBack::one(errands.definition, &order)).await,
                false => Answered::NotSent("there was no time left for it".to_owned()),
            };
            (order, answered)
        };
        let answers: Vec<_> =
            stream::iter(self.found.to_try()).map(each).buffer_unordered(BESIDE).collect().await;
        let mut stop = Ok(());
        for (order, answered) in answers {
            if let Answered::Resumed = answered {
                stop = Err(Stop("signing went on before everything was taken back".to_owned()));
            }
            self.found.answered(&order, answered);
        }
        stop
    }

    async fn take_all_back(&mut self) -> Result<(), Stop> {
        let answered = self.errands.take_back(TakeBack::all(self.errands.definition)).await;
        self.all = match (answered, &self.all) {
            (Answered::Yes, _) => {
                self.found.all_answered();
                All::Taken
            }
            (Answered::Resumed, _) => {
                return Err(Stop("signing went on before anything was taken back".to_owned()));
            }
            (Answered::NotSent(_), All::Open(tries)) if *tries + 1 < TRIES => All::Open(tries + 1),
            // one by one then
            (Answered::No(why) | Answered::NotSent(why), _) => All::Failed(why),
            (Answered::Nothing, _) => All::Failed("its answer was lost".to_owned()),
        };
        Ok(())
    }
}

/// Markets as the exchange spells them: from limits, from bots, and those that were traded lately.
fn known_markets(definition: &Definition, texts: &[String]) -> Vec<Symbol> {
    let spelled = |text: &String| {
        let pair = text.split_once('/').and_then(|(base, quote)| definition.market_name(base, quote));
        Symbol::Market(pair.unwrap_or_else(|| text.clone()))
    };
    let mut markets: Vec<Symbol> = Vec::new();
    for market in texts.iter().map(spelled) {
        if !markets.contains(&market) {
            markets.push(market);
        }
    }
    markets
}

const TIME_USED_UP: &str = "the time for it was used up";
const AT_ONCE: usize = 16;
/// Requests of one connection beside each other, as far as its exchange counts no nonces.
const BESIDE: usize = 4;
/// Longer lists are taken back by one request, where there is one.
const MANY: usize = 20;
/// Looks in a row that may fail.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);
/// What left before the stop has arrived by then.
const ARRIVAL: Duration = Duration::from_secs(2);
/// How long an exchange may list what it has taken back.
const PATIENCE: Duration = Duration::from_secs(8);
const LONGEST: Duration = Duration::from_secs(45);
/// Longer than one can take: by then it has ended, or its process has.
const LEASE: time::Duration = time::Duration::seconds(90);
