//! How much of a budget a caller has used in the current window.

use std::collections::HashMap;
use std::hash::Hash;

/// Usage per caller in fixed windows.
pub(crate) struct Budget<K> {
    window_ms: i64,
    limit: Option<u32>,
    used: HashMap<K, (i64, u32)>,
}

/// The budget is used up.
#[derive(Debug)]
pub(crate) struct Spent {
    pub(crate) limit: u32,
    /// Until the next window starts.
    pub(crate) retry_after_s: i64,
}

impl<K: Eq + Hash> Budget<K> {
    pub(crate) fn new(window_ms: i64, limit: Option<u32>) -> Self {
        Self { window_ms, limit, used: HashMap::new() }
    }

    /// The caller's usage.
    pub(crate) fn used(&self, caller: &K, now: i64) -> u32 {
        let window = now.div_euclid(self.window_ms);
        self.used.get(caller).filter(|own| own.0 == window).map_or(0, |own| own.1)
    }

    /// Adds to the caller's usage and returns it.
    pub(crate) fn spend(&mut self, caller: K, weight: u32, now: i64) -> Result<u32, Spent> {
        let window = now.div_euclid(self.window_ms);
        let entry = self.used.entry(caller).or_insert((window, 0));
        if entry.0 != window {
            *entry = (window, 0);
        }
        entry.1 += weight;
        match self.limit {
            Some(limit) if entry.1 > limit => {
                let left_ms = (window + 1) * self.window_ms - now;
                Err(Spent { limit, retry_after_s: (left_ms + 999) / 1000 })
            }
            _ => Ok(entry.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_comes_back_with_the_next_window() {
        let mut budget = Budget::new(60_000, Some(3));
        assert_eq!(budget.spend("a", 3, 0).unwrap(), 3);
        assert_eq!(budget.spend("a", 1, 10_500).unwrap_err().retry_after_s, 50);
        assert_eq!(budget.spend("b", 1, 10_500).unwrap(), 1);
        assert_eq!(budget.spend("a", 1, 60_000).unwrap(), 1);
    }
}
