//! Which rules refuse a call.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

/// Rules that refuse, by their codes; with `false` those that may refuse or not, because nobody but the exchange knows.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<&'static str, bool>);

impl Found {
    pub fn has(&self, rule: &str) -> bool {
        self.0.contains_key(rule)
    }

    pub fn surely_refuse(&self) -> bool {
        self.0.values().any(|sure| *sure)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn when(&mut self, refuses: bool, rule: &'static str) {
        if refuses {
            self.0.insert(rule, true);
        }
    }

    pub fn perhaps(&mut self, rule: &'static str) {
        self.0.entry(rule).or_insert(false);
    }

    /// More than a limit: unless both are so close that digits were lost.
    pub fn above(&mut self, usd: Decimal, limit: Option<Decimal>, rule: &'static str) {
        let Some(limit) = limit else { return };
        let is_close = (usd - limit).abs() <= limit.abs() * Decimal::new(1, 15);
        match usd != limit && is_close {
            true => self.perhaps(rule),
            false => self.when(usd > limit, rule),
        }
    }
}

/// What refuses a call.
#[derive(Debug, Default)]
pub struct Rules {
    /// Of the key and its owner's stop: in force at any moment, of every call of a class.
    pub standing: Found,
    /// Whatever the limits are.
    pub hard: Found,
    /// Of the connection's limits, which a dry run only notes.
    pub limits: Found,
}

impl Rules {
    /// Whether this rule may refuse it, limits aside.
    pub fn refuses(&self, rule: &str) -> bool {
        self.standing.has(rule) || self.hard.has(rule)
    }

    /// Whether something other than a limit refuses it.
    pub fn surely_refuse(&self) -> bool {
        self.standing.surely_refuse() || self.hard.surely_refuse()
    }
}
