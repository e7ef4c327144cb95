//! All that a definition says about an endpoint. For paths that a pattern spells out it is looked up when the definition
//! is read; for the rest, which a `*` covers or nothing, when they are asked for.

use std::collections::HashMap;

use super::{Definition, Pattern, endpoints::Endpoints};
use crate::{Class, Method, SignLevel, reading::Reader};

/// One endpoint of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) class: Class,
    pub(crate) level: SignLevel,
    /// What reads its money.
    pub(crate) reader: Option<Reader>,
    /// What reads its leverage, by its number.
    pub(crate) leverage: Option<usize>,
}

/// The patterns of a definition, by what they are for.
#[derive(Clone, Debug)]
pub(crate) struct Patterns {
    pub(super) classes: Endpoints<Class>,
    key_only: Endpoints<()>,
    readers: Endpoints<Reader>,
    leverages: Endpoints<usize>,
}

/// The endpoints of each path that has no `*`, by the number of their method.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(HashMap<Box<str>, [Option<Endpoint>; Method::ALL.len()]>);

impl Endpoint {
    /// One that no pattern is about.
    pub(crate) fn plain(class: Class) -> Endpoint {
        let level = if class == Class::Public { SignLevel::Unsigned } else { SignLevel::Signed };
        Endpoint { class, level, reader: None, leverage: None }
    }
}

impl Patterns {
    pub(super) fn new(
        classes: Vec<(Pattern, Class)>,
        key_only: Vec<Pattern>,
        readers: Endpoints<Reader>,
        leverages: Endpoints<usize>,
    ) -> Patterns {
        let key_only = key_only.into_iter().map(|own| (own, ())).collect();
        Patterns { classes: Endpoints::new(classes), key_only: Endpoints::new(key_only), readers, leverages }
    }

    fn find(&self, method: Method, path: &str) -> Option<Endpoint> {
        let mut endpoint = Endpoint::plain(self.classes.get_in_any_case(method, path)?);
        if self.key_only.get(method, path).is_some() {
            endpoint.level = SignLevel::KeyOnly;
        }
        if endpoint.class.moves_money() {
            endpoint.reader = self.readers.get(method, path);
            endpoint.leverage = self.leverages.get(method, path);
        }
        Some(endpoint)
    }

    /// What is found for every path that is spelled out.
    pub(super) fn known(&self) -> Known {
        let paths = self.classes.plain_paths();
        Known(paths.map(|path| (path.into(), Method::ALL.map(|method| self.find(method, path)))).collect())
    }
}

impl Definition {
    /// All about an endpoint, or `None` if the definition does not list it.
    pub(crate) fn endpoint(&self, method: Method, path: &str) -> Option<Endpoint> {
        match self.known.0.get(path) {
            Some(endpoints) => endpoints[method as usize],
            None => self.patterns.find(method, path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exchanges;

    #[test]
    fn what_is_known_beforehand_is_what_would_be_found() {
        for definition in Exchanges::builtin().iter() {
            assert!(!definition.known.0.is_empty(), "{}", definition.id());
            for path in definition.known.0.keys() {
                for method in Method::ALL {
                    let found = definition.patterns.find(method, path);
                    assert_eq!(definition.endpoint(method, path), found, "{method} {path}");
                    assert_eq!(definition.classify(method, path), found.map(|own| own.class));
                }
            }
        }
    }
}
