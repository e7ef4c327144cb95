//! The headers of a request that are kept: those that are passed on and those that hold key and signature.

use std::{ops::Range, sync::Arc};

use super::{Part, Refusal};
use crate::Definition;

/// Kept headers in their order. The values stand in one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers {
    values: String,
    kept: Vec<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    /// In lower case.
    name: Arc<str>,
    value: Range<usize>,
    passed: bool,
}

const MAX_HEADER: usize = 16 * 1024;

impl Definition {
    /// Reads the headers the definition names; others are dropped unread.
    pub(super) fn read_headers(&self, headers: &[(&str, &[u8])]) -> Result<Headers, Refusal> {
        let mut own = Headers::default();
        for (name, value) in headers {
            let Some(rule) = self.header_rules.get(name) else { continue };
            let refuse = |reason| Refusal::field(Part::Header, &rule.name, reason);
            if rule.refused && value != b"0" {
                return Err(refuse("the connection decides this: leave it out"));
            }
            if !(rule.signing || rule.passed) {
                continue;
            }
            let value = std::str::from_utf8(value).map_err(|_| refuse("not text"))?;
            if value.len() > MAX_HEADER || !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
                return Err(refuse("not printable, or too long"));
            }
            if own.get(&rule.name).is_some() {
                return Err(refuse("given twice"));
            }
            own.push(rule.name.clone(), value.trim(), rule.passed);
        }
        Ok(own)
    }
}

impl Headers {
    /// The value of a header, its name in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let kept = self.kept.iter().find(|kept| kept.name.eq_ignore_ascii_case(name))?;
        Some(&self.values[kept.value.clone()])
    }

    /// All of them, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kept.iter().map(|kept| (&*kept.name, &self.values[kept.value.clone()]))
    }

    /// The headers that go on to the exchange.
    pub(crate) fn passed(&self) -> impl Iterator<Item = (&Arc<str>, &str)> {
        let passed = self.kept.iter().filter(|kept| kept.passed);
        passed.map(|kept| (&kept.name, &self.values[kept.value.clone()]))
    }

    fn push(&mut self, name: Arc<str>, value: &str, passed: bool) {
        if self.kept.is_empty() {
            self.kept.reserve_exact(USUAL);
            self.values.reserve_exact(USUAL_BYTES);
        }
        let start = self.values.len();
        self.values.push_str(value);
        self.kept.push(Kept { name, value: start..self.values.len(), passed });
    }
}

/// Room for what clients usually send, so that nothing has to grow.
const USUAL: usize = 8;
const USUAL_BYTES: usize = 512;

impl FromIterator<(String, String)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(headers: I) -> Headers {
        let mut own = Headers::default();
        headers.into_iter().for_each(|(name, value)| own.push(name.into(), &value, false));
        own
    }
}
