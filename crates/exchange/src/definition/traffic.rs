//! How much an exchange takes: its request budgets, and which public answers hardly change.

use serde::Deserialize;
use toml::Spanned;

use super::{Pattern, RateScope, pattern::Case};
use crate::{Class, Definition, Request};

/// The table `[traffic]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traffic {
    /// Public endpoints that describe the exchange: markets, currencies, rules.
    #[serde(default)]
    pub(super) slow: Vec<Spanned<Pattern>>,
    #[serde(default)]
    pub(super) budget: Vec<Spanned<Budget>>,
}

/// A request budget: so much per window, counted by address or by key.
///
/// Of what a request costs the exchange's own count in its answers is believed; before the answer it counts one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Prefixes of the paths it is for; all if there are none.
    #[serde(default)]
    paths: Vec<String>,
    /// Counts trades alone, or all but trades.
    trades: Option<bool>,
    /// Each endpoint has a budget of its own.
    #[serde(default)]
    per_endpoint: bool,
    scope: Option<RateScope>,
    limit: u32,
    window_s: u32,
    /// The header that says how much of it is used.
    used: Option<String>,
    /// The header that says how much of it is left, of `limit` or of what `limit_from` says.
    remaining: Option<String>,
    limit_from: Option<String>,
    /// Where that header is a list such as `group=order; min=10; sec=7`: the name of the number.
    part: Option<String>,
    /// The header that says when it is whole again: a time, or a number of milliseconds from now.
    reset: Option<String>,
}

impl Budget {
    /// How much it allows in a window.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// The length of its window, in milliseconds. Windows start at multiples of it since 1970.
    pub fn window_ms(&self) -> u64 {
        u64::from(self.window_s) * 1000
    }

    /// Whether each endpoint has a budget of its own.
    pub fn is_per_endpoint(&self) -> bool {
        self.per_endpoint
    }

    /// Whether this request draws on it.
    pub fn covers(&self, request: &Request) -> bool {
        let path = request.path();
        (self.paths.is_empty() || self.paths.iter().any(|prefix| path.starts_with(prefix)))
            && self.trades.is_none_or(|trades| trades == (request.class() == Class::Trade))
    }

    /// How much is used, and of how much, by the count in an answer; `header` gives a header's text by its
    /// lower-case name. `None`: the answer does not say.
    pub fn spent<'h>(&self, header: impl Fn(&str) -> Option<&'h str>) -> Option<(u32, u32)> {
        if let Some(name) = &self.used {
            return Some((header(name)?.trim().parse().ok()?, self.limit));
        }
        let left: u32 = self.number(header(self.remaining.as_ref()?)?)?.parse().ok()?;
        let told = self.limit_from.as_ref().and_then(|name| header(name)?.trim().parse().ok());
        let limit = told.unwrap_or(self.limit).max(1);
        Some((limit.saturating_sub(left), limit))
    }

    /// When it is whole again by what an answer says, in milliseconds since 1970.
    pub fn whole_at<'h>(&self, header: impl Fn(&str) -> Option<&'h str>, now_ms: u64) -> Option<u64> {
        let text = header(self.reset.as_ref()?)?.trim();
        match text.parse::<u64>() {
            // no clock shows so little: it is a time to wait
            Ok(wait) if wait < 1_000_000_000 => Some(now_ms + wait),
            _ => crate::moment::Clock::read_any(text),
        }
    }

    fn number<'t>(&self, text: &'t str) -> Option<&'t str> {
        match &self.part {
            None => Some(text.trim()),
            Some(name) => {
                text.split(';').find_map(|part| part.trim().strip_prefix(name.as_str())?.strip_prefix('='))
            }
        }
    }

    /// What its shape alone cannot say.
    fn check(&self) -> Result<(), &'static str> {
        let headers = [&self.used, &self.remaining, &self.limit_from, &self.reset];
        let lower = headers.into_iter().flatten().all(|name| *name == name.to_ascii_lowercase());
        match () {
            () if self.limit == 0 || self.window_s == 0 => Err("a budget allows something in some time"),
            () if self.used.is_some() && self.remaining.is_some() => {
                Err("a budget is counted by what is used or by what remains")
            }
            () if (self.part.is_some() || self.limit_from.is_some()) && self.remaining.is_none() => {
                Err("part and limit_from go with remaining")
            }
            () if !lower => Err("names of headers are in lower case"),
            () if !self.paths.iter().all(|path| path.starts_with('/')) => Err("a path starts with /"),
            () => Ok(()),
        }
    }
}

impl Definition {
    /// The budgets a request draws on, with the number of each in this definition and whose budget it is.
    pub fn budgets(&self, request: &Request) -> impl Iterator<Item = (usize, RateScope, &Budget)> {
        let all = self.traffic.budget.iter().map(Spanned::get_ref).enumerate();
        let mine = all.filter(|(_, budget)| budget.covers(request));
        mine.map(|(number, budget)| (number, budget.scope.unwrap_or(self.rate_scope), budget))
    }

    /// Whether this is a public request whose answer describes the exchange and hardly ever changes.
    pub fn is_slow(&self, request: &Request) -> bool {
        request.class() == Class::Public
            && self
                .traffic
                .slow
                .iter()
                .any(|pattern| pattern.get_ref().matches(request.method(), request.path(), Case::Exact))
    }

    /// Whether this is the request that asks for the exchange's time, or whether it is there: an answer from
    /// before would be a wrong one.
    pub fn asks_time(&self, request: &Request) -> bool {
        [crate::Probe::Time, crate::Probe::Ping].into_iter().any(|probe| {
            let own = self.probe(probe, "", "");
            own.is_some_and(|own| own.path() == request.path() && !self.is_slow(request))
        })
    }

    /// Slow endpoints are public ones, and budgets make sense.
    pub(super) fn check_traffic(&self) -> Result<(), (Option<usize>, String)> {
        for pattern in &self.traffic.slow {
            let sample = pattern.get_ref().sample();
            let class = sample.and_then(|(method, path)| self.classify(method, &path));
            if class != Some(Class::Public) {
                return Err((Some(pattern.span().start), "a slow endpoint is a public one".to_owned()));
            }
        }
        let wrong = self.traffic.budget.iter().find_map(|budget| {
            let reason = budget.get_ref().check().err()?;
            Some((Some(budget.span().start), reason.to_owned()))
        });
        wrong.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(text: &str) -> Budget {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_exchanges_own_count_is_read_in_every_form() {
        let used = budget("limit = 100\nwindow_s = 60\nused = \"x-used\"");
        assert_eq!(used.spent(|_| Some(" 7")), Some((7, 100)));
        assert_eq!(used.spent(|_| None), None);
        let left = budget("limit = 100\nwindow_s = 60\nremaining = \"x-left\"");
        assert_eq!(left.spent(|_| Some("30")), Some((70, 100)));
        assert_eq!(left.spent(|_| Some("130")), Some((0, 100)), "a better plan than ours");
        let list = budget("limit = 8\nwindow_s = 1\nremaining = \"remaining-req\"\npart = \"sec\"");
        assert_eq!(list.spent(|_| Some("group=order; min=59; sec=6")), Some((2, 8)));
        assert_eq!(list.spent(|_| Some("group=order; min=59")), None);
    }

    #[test]
    fn the_end_of_a_window_is_a_time_or_a_wait() {
        let own = budget("limit = 1\nwindow_s = 1\nremaining = \"a\"\nreset = \"b\"");
        let now = 1_700_000_000_000;
        assert_eq!(own.whole_at(|_| Some("1500"), now), Some(now + 1500));
        assert_eq!(own.whole_at(|_| Some("1700000002"), now), Some(now + 2000));
        assert_eq!(own.whole_at(|_| Some("1700000002500"), now), Some(now + 2500));
        assert_eq!(own.whole_at(|_| Some("soon"), now), None);
    }
}
