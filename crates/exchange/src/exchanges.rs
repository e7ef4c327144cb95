//! The exchanges this build knows.

use std::{collections::BTreeMap, sync::Arc};

use crate::{Definition, DefinitionError};

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// Definitions by id. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exchanges(BTreeMap<String, Arc<Definition>>);

impl Exchanges {
    /// Every `exchanges/<id>/exchange.toml` of this crate, embedded.
    #[expect(clippy::expect_used, reason = "the files are part of the build, and a test reads each of them")]
    pub fn builtin() -> Exchanges {
        let definitions =
            BUILTIN.iter().map(|text| Definition::parse(text).expect("a built-in definition is sound"));
        Exchanges(definitions.map(|definition| (definition.id().to_owned(), Arc::new(definition))).collect())
    }

    /// One exchange alone.
    pub fn of(definition: Definition) -> Exchanges {
        Exchanges(BTreeMap::from([(definition.id().to_owned(), Arc::new(definition))]))
    }

    /// The definition with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Definition>> {
        self.0.get(id)
    }

    /// Splits the name in an address, `binance` or `binance.coinm`, into definition and host group.
    pub fn resolve<'n>(&self, name: &'n str) -> Option<(&Arc<Definition>, Option<&'n str>)> {
        match name.split_once('.') {
            None => Some((self.get(name)?, None)),
            Some((id, group)) => {
                self.get(id).filter(|own| own.has_group(group)).map(|own| (own, Some(group)))
            }
        }
    }

    /// All definitions, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.0.values()
    }

    /// The same exchanges, those that `origin` knows with one more environment whose every path goes there: see
    /// [`Definition::with_environment`].
    pub fn with_environment(
        &self,
        name: &str,
        origin: impl Fn(&str) -> Option<String>,
    ) -> Result<Exchanges, DefinitionError> {
        let moved = self.0.iter().map(|(id, definition)| match origin(id) {
            Some(origin) => Ok((id.clone(), Arc::new(definition.with_environment(name, &origin)?))),
            None => Ok((id.clone(), definition.clone())),
        });
        moved.collect::<Result<_, _>>().map(Exchanges)
    }
}
