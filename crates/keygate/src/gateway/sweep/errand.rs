//! What Keygate itself signs while everything stands still. The two types here are the whole of it: a request becomes a
//! [`Look`] only if it reads, and a [`TakeBack`] only if it is read as a cancellation, whatever a definition says.

use std::time::Instant;

use exchange::{Class, Definition, ExchangeError, OpenOrder, Reading, Request, Symbol};
use uuid::Uuid;

use crate::{
    app::App,
    connection::{
        ExchangeKey, Row,
        probe::{self, At, Only},
    },
    error::Code,
    gateway::{
        ledger::{Became, Verdict},
        record::{Line, name, of_our_own, with_outcome},
    },
    upstream::{Answer, Failure},
};

/// A list of open orders.
pub struct Look(Request);

/// A cancellation.
pub struct TakeBack {
    request: Request,
    market: Option<String>,
}

/// What the exchange said to a cancellation.
#[derive(Debug)]
pub enum Answered {
    Yes,
    No(String),
    /// Its answer was lost, or says neither.
    Nothing,
    /// It did not leave; it may be tried again.
    NotSent(String),
    /// The panic has ended: nothing may be signed here any more.
    Resumed,
}

/// Errands for one connection, with its key.
pub struct Errands<'a> {
    pub app: &'a App,
    pub definition: &'a Definition,
    pub user: Uuid,
    pub row: Row,
    pub key: ExchangeKey,
}

type Sent = (Result<Answer, Failure>, Option<ExchangeError>);

impl Look {
    fn at(definition: &Definition, market: Option<&Symbol>) -> Option<Look> {
        let request = definition.open_orders_request(market)?;
        (request.class() == Class::Read).then_some(Look(request))
    }
}

impl TakeBack {
    pub fn one(definition: &Definition, order: &OpenOrder) -> Option<TakeBack> {
        TakeBack::of(definition.cancel_order_request(order)?, Some(name(&order.symbol)))
    }

    pub fn all(definition: &Definition) -> Option<TakeBack> {
        TakeBack::of(definition.cancel_all_request()?, None)
    }

    fn of(request: Request, market: Option<String>) -> Option<TakeBack> {
        let cancels = matches!(request.reading(), Reading::Cancel { .. }) && request.class() == Class::Trade;
        cancels.then_some(TakeBack { request, market })
    }
}

impl Errands<'_> {
    /// Open orders, or why the exchange does not list them. An error: it cannot be asked now.
    pub async fn list(&self, market: Option<&Symbol>) -> Result<Result<Vec<OpenOrder>, String>, String> {
        let Some(Look(request)) = Look::at(self.definition, market) else {
            return Ok(Err("Keygate does not know how they are listed there".to_owned()));
        };
        let (started, id) = (Instant::now(), self.app.clock.id());
        let sent = self.sent(&request, Only::Always).await?;
        let line = Line { symbol: market.map(name), ..self.line(id, "event", &request) };
        let line = with_outcome(line, &sent.0, sent.1.clone(), started.elapsed());
        self.app.gate.records.push(self.app, line, None).await;
        let answer = match sent {
            (Err(_), _) => return Err("the exchange cannot be reached".to_owned()),
            (Ok(_), Some(error)) => return Ok(Err(probe::told(&error, &self.key))),
            (Ok(answer), None) => answer,
        };
        let orders = self.definition.read_open_orders(answer.status.as_u16(), &answer.body);
        orders.map(Ok).ok_or_else(|| "its list of open orders cannot be read".to_owned())
    }

    /// Puts the cancellation on record and sends it, once.
    pub async fn take_back(&self, errand: Option<TakeBack>) -> Answered {
        let Some(errand) = errand else {
            return Answered::No("Keygate does not know how it is taken back there".to_owned());
        };
        let (started, id) = (Instant::now(), self.app.clock.id());
        let line = |phase| Line { symbol: errand.market.clone(), ..self.line(id, phase, &errand.request) };
        match self.app.gate.ledger.take_back(line("intent"), &errand).await {
            Verdict::Held => {}
            Verdict::Moving => return Answered::Resumed,
            _ => return Answered::NotSent("it could not be put on record".to_owned()),
        }
        let (line, became, answered) = match self.sent(&errand.request, Only::WhileStopped).await {
            Ok((outcome, error)) => {
                let became = Became::of(&outcome, error.as_ref(), 1);
                let answered = self.answered(became, &outcome, error.as_ref());
                (with_outcome(line("outcome"), &outcome, error, started.elapsed()), became, answered)
            }
            Err(reason) => {
                let error = Some(format!("not sent: {reason}"));
                let line = Line { success: Some(false), error, ..line("outcome") };
                (line, Became::Rejected, Answered::NotSent(reason))
            }
        };
        self.app.gate.ledger.outcome(line, became, None).await;
        answered
    }

    fn answered(
        &self,
        became: Became,
        outcome: &Result<Answer, Failure>,
        error: Option<&ExchangeError>,
    ) -> Answered {
        match (became, outcome) {
            (Became::Confirmed, _) => Answered::Yes,
            (Became::Unknown, _) => Answered::Nothing,
            (Became::Rejected, Err(_)) => Answered::NotSent("the exchange cannot be reached".to_owned()),
            (Became::Rejected, Ok(_)) => Answered::No(
                error
                    .map_or_else(|| "the exchange said no".to_owned(), |error| probe::told(error, &self.key)),
            ),
        }
    }

    /// An error: nothing left.
    async fn sent(&self, request: &Request, only: Only) -> Result<Sent, String> {
        let at = At { only, ..self.row.at(self.user) };
        match probe::signed(self.app, self.definition, at, &self.key, request).await {
            Ok(Some(sent)) => Ok(sent),
            Ok(None) => Err("there is no such call in this environment".to_owned()),
            Err(error) if error.code == Code::Forbidden => Err("signing goes on".to_owned()),
            Err(error) => {
                tracing::warn!(%error, connection = %self.row.id, "a cancellation waits");
                Err("the exchange limits our rate, or the account is busy".to_owned())
            }
        }
    }

    fn line(&self, id: Uuid, phase: &'static str, request: &Request) -> Line {
        Line {
            phase,
            class: request.class().as_str(),
            method: request.method().as_str(),
            path: request.path().to_owned(),
            ..of_our_own(self.app, self.user, &self.row, id)
        }
    }
}

#[cfg(test)]
mod tests {
    use exchange::Exchanges;

    use super::*;

    #[test]
    fn only_lists_and_cancellations_can_be_made_into_errands() {
        for definition in Exchanges::builtin().iter() {
            let market = definition.open_orders_need_market().then(|| Symbol::Market("A-B".to_owned()));
            assert!(Look::at(definition, market.as_ref()).is_some(), "{}", definition.id());
            // an exchange names its markets or the two assets of each, and its list of orders does the same
            let pair = Symbol::Pair { base: "A".to_owned(), quote: "B".to_owned() };
            let takes_back = |symbol| {
                let order = OpenOrder { id: "1".to_owned(), symbol, client_id: None };
                TakeBack::one(definition, &order).is_some()
            };
            let is_taken = takes_back(Symbol::Market("A".to_owned())) || takes_back(pair);
            assert!(is_taken, "{}", definition.id());
        }
        let exchanges = Exchanges::builtin();
        let binance = exchanges.get("binance").unwrap();
        let order = |method, target| {
            binance.request(exchange::Incoming { method, target, ..exchange::Incoming::default() }).unwrap()
        };
        let buy = "/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1";
        assert!(TakeBack::of(order("POST", buy), None).is_none());
        assert!(TakeBack::of(order("GET", "/api/v3/account"), None).is_none());
        assert!(TakeBack::of(order("DELETE", "/api/v3/order?symbol=BTCUSDT&orderId=1"), None).is_some());
    }
}
