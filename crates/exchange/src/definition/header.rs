//! What becomes of a request's headers: the names a definition knows, with all that is to know about each.

use std::sync::Arc;

use super::Profile;

/// The headers a definition names. Others are dropped unread.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderRules(Arc<[HeaderRule]>);

/// One header.
#[derive(Clone, Debug)]
pub(crate) struct HeaderRule {
    /// In lower case.
    pub(crate) name: Arc<str>,
    /// It would change whose account or which environment is meant.
    pub(crate) refused: bool,
    /// It holds a part of the client's signature.
    pub(crate) signing: bool,
    /// It goes on to the exchange.
    pub(crate) passed: bool,
}

impl HeaderRules {
    pub(super) fn new<'a>(
        profiles: &[Profile],
        passed: &[String],
        refused: impl Iterator<Item = &'a String>,
    ) -> HeaderRules {
        let mut rules = Vec::new();
        for name in profiles.iter().flat_map(Profile::own_headers) {
            entry(&mut rules, &name).signing = true;
        }
        passed.iter().for_each(|name| entry(&mut rules, name).passed = true);
        refused.for_each(|name| entry(&mut rules, name).refused = true);
        HeaderRules(rules.into())
    }

    /// The rule for a header and its number; the name in any case.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, &HeaderRule)> {
        self.0.iter().enumerate().find(|(_, rule)| rule.is(name))
    }

    /// The rule with this number.
    pub(crate) fn at(&self, number: usize) -> &HeaderRule {
        &self.0[number]
    }
}

impl HeaderRule {
    /// Whether a header is this one, its name in any case. Most come in lower case, and so they are compared first.
    pub(crate) fn is(&self, name: &str) -> bool {
        *self.name == *name || self.name.eq_ignore_ascii_case(name)
    }
}

fn entry<'r>(rules: &'r mut Vec<HeaderRule>, name: &str) -> &'r mut HeaderRule {
    let at = rules.iter().position(|rule| rule.name.eq_ignore_ascii_case(name)).unwrap_or_else(|| {
        let name = name.to_ascii_lowercase().into();
        rules.push(HeaderRule { name, refused: false, signing: false, passed: false });
        rules.len() - 1
    });
    &mut rules[at]
}
