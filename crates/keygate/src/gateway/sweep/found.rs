//! What is known of the orders of one connection: listed, asked for, answered.

use std::collections::BTreeMap;

use exchange::OpenOrder;
use serde::Serialize;

use super::errand::Answered;
use crate::gateway::record::name;

/// What became of the open orders of a connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub found: i32,
    pub cancelled: i32,
    /// Filled, or taken back by somebody else.
    pub gone: i32,
    pub still_open: Vec<StillOpen>,
    pub problem: Option<String>,
    pub note: Option<String>,
}

/// An order that could not be taken back.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct StillOpen {
    pub order: String,
    pub market: String,
    pub reason: String,
}

/// Every order that any list has named. Some exchanges count the ids of each market by themselves.
#[derive(Default)]
pub struct Found(BTreeMap<Name, Tried>);

/// Market and the exchange's id.
type Name = (String, String);

struct Tried {
    order: OpenOrder,
    /// In the last list.
    listed: bool,
    sent: u8,
    /// The exchange said yes to this one, or to all.
    agreed: bool,
    with_all: bool,
    reason: String,
}

impl Report {
    pub fn problem(text: &str) -> Report {
        Report { problem: Some(text.to_owned()), ..Report::default() }
    }
}

impl Found {
    pub fn listed(&mut self, open: Vec<OpenOrder>) {
        self.0.values_mut().for_each(|tried| tried.listed = false);
        for order in open {
            self.0.entry(name_of(&order)).or_insert_with(|| Tried::new(order)).listed = true;
        }
    }

    /// Those to take back now: the list names them, and the exchange has not said yes.
    pub fn to_try(&self) -> Vec<OpenOrder> {
        let open = self.0.values().filter(|tried| tried.listed && !tried.agreed && tried.sent < MOST);
        open.map(|tried| tried.order.clone()).collect()
    }

    /// Whether the exchange lists what it has agreed to take back.
    pub fn waits(&self) -> bool {
        self.0.values().any(|tried| tried.listed && tried.agreed)
    }

    pub fn answered(&mut self, order: &OpenOrder, answered: Answered) {
        let Some(tried) = self.0.get_mut(&name_of(order)) else { return };
        tried.sent += u8::from(!matches!(answered, Answered::NotSent(_) | Answered::Resumed));
        tried.agreed = matches!(answered, Answered::Yes);
        tried.reason = match answered {
            Answered::Yes => "the exchange agreed and lists it still".to_owned(),
            Answered::Nothing => "its answer was lost".to_owned(),
            Answered::No(reason) | Answered::NotSent(reason) => reason,
            Answered::Resumed => "signing went on".to_owned(),
        };
    }

    pub fn all_answered(&mut self) {
        self.0.values_mut().filter(|tried| tried.listed).for_each(|tried| tried.with_all = true);
    }

    pub fn report(self) -> Report {
        let mut report = Report { found: count(self.0.len()), ..Report::default() };
        for tried in self.0.into_values() {
            match tried.listed {
                true => report.still_open.push(StillOpen {
                    market: name(&tried.order.symbol),
                    order: tried.order.id,
                    reason: tried.reason,
                }),
                false if tried.agreed || tried.with_all => report.cancelled += 1,
                false => report.gone += 1,
            }
        }
        report
    }
}

fn name_of(order: &OpenOrder) -> Name {
    (name(&order.symbol), order.id.clone())
}

impl Tried {
    fn new(order: OpenOrder) -> Self {
        let reason = "it was not tried".to_owned();
        Tried { order, listed: true, sent: 0, agreed: false, with_all: false, reason }
    }
}

fn count(orders: usize) -> i32 {
    i32::try_from(orders).unwrap_or(i32::MAX)
}

/// A second time only after another look.
const MOST: u8 = 2;

#[cfg(test)]
mod tests {
    use exchange::Symbol;

    use super::*;

    fn order(id: &str) -> OpenOrder {
        OpenOrder { id: id.to_owned(), symbol: Symbol::Market("BTCUSDT".to_owned()), client_id: None }
    }

    #[test]
    fn an_order_is_asked_for_twice_at_most_and_never_after_a_yes() {
        let mut found = Found::default();
        found.listed(vec![order("1"), order("2"), order("3")]);
        found.answered(&order("1"), Answered::Yes);
        found.answered(&order("2"), Answered::Nothing);
        found.answered(&order("3"), Answered::NotSent("busy".to_owned()));
        assert_eq!(found.to_try().iter().map(|order| order.id.as_str()).collect::<Vec<_>>(), ["2", "3"]);
        found.answered(&order("2"), Answered::Nothing);
        assert_eq!(found.to_try().len(), 1, "what was not sent may be tried again");
        assert!(found.waits());
    }

    #[test]
    fn what_no_list_names_any_more_was_cancelled_or_is_gone() {
        let mut found = Found::default();
        found.listed(vec![order("1"), order("2"), order("3")]);
        found.answered(&order("1"), Answered::Yes);
        found.answered(&order("2"), Answered::No("unknown order".to_owned()));
        found.answered(&order("3"), Answered::No("not now".to_owned()));
        found.listed(vec![order("3")]);
        let report = found.report();
        assert_eq!((report.found, report.cancelled, report.gone), (3, 1, 1));
        assert_eq!(
            (report.still_open[0].order.as_str(), report.still_open[0].reason.as_str()),
            ("3", "not now")
        );
    }

    #[test]
    fn orders_of_two_markets_may_have_the_same_id() {
        let other = OpenOrder { symbol: Symbol::Market("ETHUSDT".to_owned()), ..order("1") };
        let mut found = Found::default();
        found.listed(vec![order("1"), other.clone()]);
        assert_eq!(found.to_try().len(), 2);
        found.answered(&order("1"), Answered::Yes);
        assert_eq!(found.to_try(), [other]);
    }
}
