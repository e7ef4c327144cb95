//! The headers of a request that are kept: those that are passed on and those that hold key and signature.

use std::{ops::Range, sync::Arc};

use super::{Part, Refusal};
use crate::{Definition, definition::HeaderRules};

/// Kept headers in their order. The values stand in one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers {
    rules: HeaderRules,
    values: String,
    kept: Vec<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    /// The number of its rule, which has its name.
    rule: usize,
    value: Range<usize>,
}

const MAX_HEADER: usize = 16 * 1024;

impl Definition {
    /// Reads the headers the definition names; others are dropped unread.
    pub(super) fn read_headers(&self, headers: &[(&str, &[u8])]) -> Result<Headers, Refusal> {
        let mut own = Headers::new(&self.header_rules);
        for (name, value) in headers {
            let Some((at, rule)) = self.header_rules.find(name) else { continue };
            let refuse = |reason| Refusal::field(Part::Header, &rule.name, reason);
            if rule.refused && value != b"0" {
                return Err(refuse("the connection decides this: leave it out"));
            }
            if !(rule.signing || rule.passed) {
                continue;
            }
            let value = std::str::from_utf8(value).map_err(|_| refuse("not text"))?;
            if value.len() > MAX_HEADER || !is_printable(value) {
                return Err(refuse("not printable, or too long"));
            }
            if own.kept.iter().any(|kept| kept.rule == at) {
                return Err(refuse("given twice"));
            }
            own.push(at, value.trim_ascii());
        }
        Ok(own)
    }

    /// One header of the signer's, for a request that was no HTTP request.
    pub(super) fn keep_header(&self, header: Option<(String, String)>) -> Headers {
        let mut own = Headers::new(&self.header_rules);
        if let Some((name, value)) = header {
            self.header_rules.find(&name).into_iter().for_each(|(at, _)| own.push(at, &value));
        }
        own
    }
}

/// Looks at every byte, so that many are looked at at once.
fn is_printable(text: &str) -> bool {
    text.bytes().fold(true, |all, b| all & matches!(b, b' '..=b'~'))
}

impl Headers {
    fn new(rules: &HeaderRules) -> Headers {
        let (values, kept) = (String::with_capacity(USUAL_BYTES), Vec::with_capacity(USUAL));
        Headers { rules: rules.clone(), values, kept }
    }

    /// The value of a header, its name in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let own = |kept: &&Kept| self.rules.at(kept.rule).is(name);
        self.kept.iter().find(own).map(|kept| self.value(kept))
    }

    /// All of them, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kept.iter().map(|kept| (&*self.rules.at(kept.rule).name, self.value(kept)))
    }

    /// The headers that go on to the exchange.
    pub(crate) fn passed(&self) -> impl Iterator<Item = (&Arc<str>, &str)> {
        let passed = self.kept.iter().filter(|kept| self.rules.at(kept.rule).passed);
        passed.map(|kept| (&self.rules.at(kept.rule).name, self.value(kept)))
    }

    fn value(&self, kept: &Kept) -> &str {
        &self.values[kept.value.clone()]
    }

    fn push(&mut self, rule: usize, value: &str) {
        let start = self.values.len();
        self.values.push_str(value);
        self.kept.push(Kept { rule, value: start..self.values.len() });
    }
}

/// Room for what clients usually send, so that nothing has to grow.
const USUAL: usize = 8;
const USUAL_BYTES: usize = 512;
