//! What becomes of a request's headers: the names a definition knows, with all that is to know about each.

use std::sync::Arc;

use super::Profile;

/// The headers a definition names. Others are dropped unread.
#[derive(Clone, Debug)]
pub(crate) struct HeaderRules(Vec<HeaderRule>);

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
        let mut rules = HeaderRules(Vec::new());
        for name in profiles.iter().flat_map(Profile::own_headers) {
            rules.entry(&name).signing = true;
        }
        passed.iter().for_each(|name| rules.entry(name).passed = true);
        refused.for_each(|name| rules.entry(name).refused = true);
        rules
    }

    /// The rule for a header, its name in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&HeaderRule> {
        self.0.iter().find(|rule| rule.name.eq_ignore_ascii_case(name))
    }

    fn entry(&mut self, name: &str) -> &mut HeaderRule {
        let at = self.0.iter().position(|rule| rule.name.eq_ignore_ascii_case(name)).unwrap_or_else(|| {
            let name = name.to_ascii_lowercase().into();
            self.0.push(HeaderRule { name, refused: false, signing: false, passed: false });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}
