//! Names of values in a definition, and what they are compared with.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::Deserialize;

use super::wording::Wording;

/// Names a value: `quantity`, `params.price`, `configuration.*.size`, `path:3`, `=BUY`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Field {
    /// A constant.
    Always(String),
    /// A segment of the path, counted from 1, without a suffix.
    Segment { nth: usize, suffix: String },
    /// A parameter or member, and the members to go on with. `*` is the only member there is, `#` its name.
    Path(Vec<String>),
}

/// Names of parameters, sorted by length: most are told apart by it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Vec<String>")]
pub(crate) struct Names(Vec<String>);

/// Fields and the texts each may have; all must fit. `*` stands for any text, an empty list for none.
/// An exchange may take letters in any case where its documents show one.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "BTreeMap<Field, Vec<Wording>>")]
pub(crate) struct Condition(Vec<(Field, Vec<Wording>)>);

impl TryFrom<String> for Field {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Field, &'static str> {
        if let Some(constant) = text.strip_prefix('=') {
            return Ok(Field::Always(constant.to_owned()));
        }
        let Some(segment) = text.strip_prefix("path:") else {
            return Ok(Field::Path(text.split('.').map(str::to_owned).collect()));
        };
        let (nth, suffix) = segment.split_once(':').unwrap_or((segment, ""));
        let nth = nth.parse().map_err(|_| "a path segment has a number")?;
        Ok(Field::Segment { nth, suffix: suffix.to_owned() })
    }
}

impl From<BTreeMap<Field, Vec<Wording>>> for Condition {
    fn from(fields: BTreeMap<Field, Vec<Wording>>) -> Condition {
        Condition(fields.into_iter().collect())
    }
}

impl Condition {
    /// Each field, and the texts it may have.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&Field, &[Wording])> {
        self.0.iter().map(|(field, texts)| (field, texts.as_slice()))
    }

    /// What it looks at.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.0.iter().map(|(field, _)| field)
    }
}

impl From<Vec<String>> for Names {
    fn from(names: Vec<String>) -> Names {
        let mut own = Names::default();
        own.extend(Names(names));
        own
    }
}

impl Names {
    /// The names that fields start with.
    pub(crate) fn of(fields: Vec<&Field>) -> Names {
        Names(fields.into_iter().filter_map(Field::first_name).map(str::to_owned).collect())
    }

    pub(crate) fn extend(&mut self, more: Names) {
        self.0.extend(more.0);
        self.0.sort_unstable_by(|a, b| Names::order(a, b));
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.binary_search_by(|own| Names::order(own, name)).is_ok()
    }

    fn order(a: &str, b: &str) -> Ordering {
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    }
}

impl Field {
    /// The parameter or member it starts with.
    pub(crate) fn first_name(&self) -> Option<&str> {
        match self {
            Field::Path(names) => names.first().map(String::as_str),
            Field::Always(_) | Field::Segment { .. } => None,
        }
    }

    /// How it is called in a refusal.
    pub(crate) fn name(&self) -> &str {
        match self {
            Field::Path(names) => {
                names.iter().rfind(|name| !["*", "#"].contains(&name.as_str())).map_or("", String::as_str)
            }
            Field::Always(_) | Field::Segment { .. } => "",
        }
    }
}
