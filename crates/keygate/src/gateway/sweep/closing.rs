//! What is said of a connection at the end: what was found, what could not be seen, and what may still be on its way.

use super::{All, Report, Sweep, store};
use crate::gateway::record::name;

impl Sweep<'_> {
    pub(super) async fn report(self, problem: Option<String>) -> Report {
        let under_way = match store::under_way(&self.errands).await {
            Ok(0) => None,
            Ok(count) => Some(format!(
                "of {count} order(s) sent before nobody knows yet what became of them: look at the exchange"
            )),
            Err(_) => Some(
                "whether orders are still on their way cannot be looked up: look at the exchange".to_owned(),
            ),
        };
        let note = self.note();
        let problem = problem.or_else(|| self.unseen()).or(under_way);
        Report { problem, note, ..self.found.report() }
    }

    /// Not everything could be listed, and nothing has taken back what was not.
    fn unseen(&self) -> Option<String> {
        if !self.errands.definition.open_orders_need_market() {
            return None;
        }
        match &self.all {
            All::Taken => None,
            All::Failed(why) => Some(format!(
                "the one request that takes back all orders failed: {why}; look at the exchange"
            )),
            All::Open(_) => (self.markets.len() == self.refused.len()).then(|| {
                "this exchange lists open orders market by market, and no market is known".to_owned()
            }),
        }
    }

    /// What was not looked at.
    fn note(&self) -> Option<String> {
        let definition = self.errands.definition;
        let part = definition.open_orders_only().map(|part| format!("Looked at {part} only."));
        let markets = definition.open_orders_need_market().then(|| {
            let looked = self.markets.iter().map(name).filter(|market| !self.refused.contains_key(market));
            let looked: Vec<String> = looked.collect();
            format!(
                "Listed market by market: {}.",
                if looked.is_empty() { "none".to_owned() } else { looked.join(", ") }
            )
        });
        let refused = self.refused.iter().map(|(market, why)| format!("Not listed: {market} ({why})."));
        let all: Vec<String> = part.into_iter().chain(markets).chain(refused).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}
