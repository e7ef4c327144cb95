//! A question about an order: the request, and where its answer has the order.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{status::text, template::Template};
use crate::probe::rows;

/// One of `ask`. All places are JSON pointers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    pub(super) request: Template,
    /// The order itself. `null` there means that there is none.
    pub(super) at: Option<String>,
    pub(super) list: Option<String>,
    pub(super) map: Option<String>,
    /// In a list, the row's client id.
    pub(super) client_id: Option<String>,
    /// A list of so many rows may be cut off, so that an order which is not in it may still be there.
    full: Option<usize>,
    /// What says `true` if the list is cut off.
    more: Option<String>,
}

/// What an answer has.
pub(super) enum Found<'v> {
    Order(&'v Value),
    Nothing,
    /// The answer has another form, or not all that it could have.
    Unclear,
}

impl Ask {
    pub(super) fn find<'v>(&self, json: &'v Value, client_id: &str) -> Found<'v> {
        let is_own = |row: &Value| {
            self.client_id
                .as_ref()
                .is_none_or(|pointer| text(row, pointer).is_some_and(|own| same_id(&own, client_id)))
        };
        if let Some(pointer) = &self.at {
            return match json.pointer(pointer) {
                Some(Value::Null) => Found::Nothing,
                Some(row @ (Value::Object(_) | Value::Array(_))) if is_own(row) => Found::Order(row),
                _ => Found::Unclear,
            };
        }
        let Some(rows) = rows(json, self.list.as_deref(), self.map.as_deref()) else { return Found::Unclear };
        let more =
            self.more.as_ref().and_then(|pointer| text(json, pointer)).is_some_and(|more| more == "true");
        let cut_off = more || self.full.is_some_and(|full| rows.len() >= full);
        let mut own = rows.into_iter().map(|(_, row)| row).filter(|row| is_own(row));
        match (own.next(), own.next()) {
            // an id that was used twice tells nothing
            (Some(_), Some(_)) => Found::Unclear,
            (Some(row), None) => Found::Order(row),
            (None, _) if cut_off => Found::Unclear,
            (None, _) => Found::Nothing,
        }
    }
}

/// Whether two texts are one id. Exchanges write a UUID in their own way: in small letters, with hyphens or without.
fn same_id(own: &str, other: &str) -> bool {
    let uuid = |text: &str| [32, 36].contains(&text.len()).then(|| Uuid::try_parse(text).ok()).flatten();
    own == other || uuid(own).is_some_and(|own| uuid(other) == Some(own))
}
