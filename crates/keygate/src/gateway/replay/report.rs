//! What a replay found: by rule and by day, with the first examples.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::recorded::Recorded;
use crate::gateway::Denial;

/// All of it. Its size does not grow with the calls.
pub struct Report {
    pub from: OffsetDateTime,
    pub to: OffsetDateTime,
    /// There were more calls than are gone through: the first ones are left out.
    pub rows_cut: bool,
    /// It took too long: the last ones are left out.
    pub time_cut: bool,
    /// Calls gone through.
    pub calls: u64,
    /// Calls refused then for what is no limit; left out.
    pub refused_by_others: u64,
    /// Refused by a limit then, and by nothing that can be judged now.
    pub passes_now: u64,
    /// Orders valued at today's prices, because they were not valued then.
    pub estimated: u64,
    pub rules: BTreeMap<&'static str, Rule>,
    pub unjudged: BTreeMap<(&'static str, &'static str), u64>,
}

/// What one rule would have refused.
#[derive(Default)]
pub struct Rule {
    pub calls: u64,
    /// Of these, refused then as well.
    pub refused_then: u64,
    pub by_day: BTreeMap<Date, u64>,
    pub examples: Vec<Example>,
}

/// One of the first calls a rule would have refused.
pub struct Example {
    pub at: OffsetDateTime,
    pub request: Option<Uuid>,
    pub method: String,
    pub path: String,
    pub symbol: Option<String>,
    pub usd: Option<Decimal>,
    pub reason: String,
}

/// Calls that a rule could not judge, and why.
pub struct Unjudged {
    pub rule: &'static str,
    pub reason: &'static str,
    pub calls: u64,
}

impl Report {
    pub fn new(from: OffsetDateTime, to: OffsetDateTime) -> Self {
        Report {
            from,
            to,
            rows_cut: false,
            time_cut: false,
            calls: 0,
            refused_by_others: 0,
            passes_now: 0,
            estimated: 0,
            rules: BTreeMap::new(),
            unjudged: BTreeMap::new(),
        }
    }

    pub fn denied(&mut self, call: &Recorded, denial: Denial, usd: Option<Decimal>) {
        let own = self.rules.entry(denial.rule).or_default();
        own.calls += 1;
        own.refused_then += u64::from(call.was_refused());
        *own.by_day.entry(call.at.to_offset(UtcOffset::UTC).date()).or_default() += 1;
        if own.examples.len() < EXAMPLES {
            own.examples.push(Example {
                at: call.at,
                request: call.request,
                method: call.method.clone(),
                path: call.path.clone(),
                symbol: call.symbol.clone(),
                usd,
                reason: denial.text,
            });
        }
    }

    pub fn unjudged(&mut self, rule: &'static str, reason: &'static str) {
        *self.unjudged.entry((rule, reason)).or_default() += 1;
    }

    pub fn is_complete(&self) -> bool {
        !self.rows_cut && !self.time_cut
    }

    /// Calls that would have been refused.
    pub fn denied_calls(&self) -> u64 {
        self.rules.values().map(|rule| rule.calls).sum()
    }

    pub fn not_judged(&self) -> impl Iterator<Item = Unjudged> {
        self.unjudged.iter().map(|((rule, reason), calls)| Unjudged { rule, reason, calls: *calls })
    }
}

const EXAMPLES: usize = 5;
