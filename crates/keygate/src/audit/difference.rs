//! What a change changed, as its record says it: each member by its name, `from` what it was `to` what it became.

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// `{"max_leverage": {"from": "1", "to": "5", "at": "2026-01-31T12:00:00Z"}}`; `at` stands where it waits until then.
#[derive(Clone, Debug, Default)]
pub struct Difference(Map<String, Value>);

impl Difference {
    /// The members of `new` that `old` has not, or has otherwise.
    pub fn between(old: &Map<String, Value>, new: &Map<String, Value>) -> Difference {
        let nothing = Value::Null;
        let members = new.iter().map(|(name, to)| (name.as_str(), old.get(name).unwrap_or(&nothing), to));
        members.fold(Difference::default(), |all, (name, from, to)| all.and(name, from, to))
    }

    pub fn of<T: Serialize>(name: &str, from: T, to: T) -> Difference {
        Difference::default().and(name, from, to)
    }

    /// Nothing, if it stays what it was.
    pub fn and<T: Serialize>(mut self, name: &str, from: T, to: T) -> Difference {
        let (from, to) = (json!(from), json!(to));
        if from != to {
            self.0.insert(name.to_owned(), json!({"from": from, "to": to}));
        }
        self
    }

    /// These of them are not in force before.
    pub fn waiting<'n>(
        mut self,
        names: impl IntoIterator<Item = &'n String>,
        until: OffsetDateTime,
    ) -> Difference {
        // the database knows no less than microseconds
        let until = until.truncate_to_microsecond();
        for name in names {
            if let Some(Value::Object(member)) = self.0.get_mut(name) {
                member.insert("at".to_owned(), json!(until.format(&Rfc3339).ok()));
            }
        }
        self
    }

    /// As its row holds it; nothing if nothing changed.
    pub fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| Value::Object(self.0.clone()).to_string())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn difference_says_what_was_and_what_became_of_it() {
        let old = json!({"a": "1", "b": null, "c": [1]});
        let new = json!({"a": "2", "b": null, "c": null, "d": true});
        let difference = Difference::between(old.as_object().unwrap(), new.as_object().unwrap());
        let waiting = difference.waiting(&["d".to_owned(), "b".to_owned()], datetime!(2026-01-31 12:00 UTC));
        let expected = json!({
            "a": {"from": "1", "to": "2"}, "c": {"from": [1], "to": null},
            "d": {"from": null, "to": true, "at": "2026-01-31T12:00:00Z"},
        });
        assert_eq!(serde_json::from_str::<Value>(&waiting.text().unwrap()).unwrap(), expected);
        assert_eq!(Difference::of("name", "x", "x").text(), None);
    }
}
