//! Names of values in a definition, and what they are compared with.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::Deserialize;

use super::wording::Wording;
use crate::request::Json;

/// Names a value: `quantity`, `params.price`, `configuration.*.size`, `path:3`, `=BUY`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Field {
    /// A constant.
    Always(String),
    /// A segment of the path, counted from 1, without a suffix.
    Segment { nth: usize, suffix: String },
    /// A parameter or member, and the members to go on with. `*` is the only member there is, or the only item of a list,
    /// `#` the member's name.
    Path(Vec<String>),
}

/// Names of parameters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Vec<String>")]
pub(crate) struct Names {
    /// Those whose values are texts, or nobody's business. Sorted by length: most are told apart by it.
    whole: Vec<String>,
    /// Those of which some members are known: `put.price` is `put` and `price`.
    members: Vec<Vec<String>>,
}

/// Fields and the texts each may have; all must fit. `*` stands for any text, an empty list for none.
#[derive(Clone, Debug, Default, Deserialize)]
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
        names.iter().for_each(|name| own.add(name.split('.').map(str::to_owned).collect()));
        own.sort();
        own
    }
}

impl Names {
    /// The names of what fields read.
    pub(crate) fn of(fields: Vec<&Field>) -> Names {
        let mut own = Names::default();
        for field in fields {
            if let Field::Path(names) = field {
                own.add(names.clone());
            }
        }
        own
    }

    pub(crate) fn extend(&mut self, more: Names) {
        self.whole.extend(more.whole);
        self.members.extend(more.members);
        self.sort();
    }

    /// Of a parameter, the name that is not known: its own, or one inside. `value` is what it has in JSON.
    pub(crate) fn stranger<'n>(&self, name: &'n str, value: Option<&'n Json>) -> Option<&'n str> {
        if self.whole.binary_search_by(|own| Names::order(own, name)).is_ok() {
            return None;
        }
        let paths: Vec<&[String]> = self.members.iter().filter_map(|path| after(path, name)).collect();
        match value {
            Some(value) if !paths.is_empty() => stranger(name, value, &paths),
            _ => Some(name),
        }
    }

    fn add(&mut self, mut path: Vec<String>) {
        match path.len() {
            1 => self.whole.append(&mut path),
            _ => self.members.push(path),
        }
    }

    fn sort(&mut self) {
        self.whole.sort_unstable_by(|a, b| Names::order(a, b));
    }

    fn order(a: &str, b: &str) -> Ordering {
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    }
}

/// What a path goes on with behind a name.
fn after<'p>(path: &'p [String], name: &str) -> Option<&'p [String]> {
    let (first, rest) = path.split_first()?;
    ["*", "#", name].contains(&first.as_str()).then_some(rest)
}

/// The first name inside a value that no path leads to. Nothing of a list is known.
fn stranger<'n>(name: &'n str, value: &'n Json, paths: &[&[String]]) -> Option<&'n str> {
    if matches!(value, Json::Array(_)) {
        return Some(name);
    }
    value.members().iter().find_map(|member| {
        let inside: Vec<&[String]> = paths.iter().filter_map(|path| after(path, &member.name)).collect();
        match inside.is_empty() {
            true => Some(member.name.as_str()),
            false => stranger(&member.name, &member.value, &inside),
        }
    })
}

impl Field {
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
