//! Limits as a form shows and posts them: texts, and boxes that are ticked or absent.

use std::collections::HashMap;

use serde_json::Value;

use super::Patch;

const TICKS: [&str; 6] =
    ["dry_run", "can_read", "can_trade", "can_transfer", "can_withdraw", "can_manage_sub_accounts"];
const COUNTS: [&str; 3] = ["max_requests_per_minute", "max_requests_per_hour", "max_requests_per_day"];
const LISTS: [&str; 3] = ["allowed_ip_addresses", "allowed_symbols", "blocked_symbols"];

/// The whole form as a change. Absent boxes are not ticked.
pub fn patch(given: &HashMap<String, String>) -> Patch {
    let mut patch = Patch::new();
    for name in TICKS {
        patch.insert(name.to_owned(), given.contains_key(name).into());
    }
    for (name, text) in
        given.iter().filter(|(name, _)| !TICKS.contains(&name.as_str()) && *name != "form_token")
    {
        let (name, text) = (name.as_str(), text.trim());
        let value = match text {
            "" if name == "blocked_symbols" => Value::Array(Vec::new()),
            "" => Value::Null,
            text if LISTS.contains(&name) => {
                let items = text.split([',', '\n', ' ']).map(str::trim).filter(|item| !item.is_empty());
                items.filter(|item| *item != NOBODY).map(Value::from).collect()
            }
            text if COUNTS.contains(&name) => text.parse::<u32>().map_or_else(|_| text.into(), Value::from),
            text => text.into(),
        };
        patch.insert(name.to_owned(), value);
    }
    patch
}

/// A limit as its field shows it.
pub fn shown((name, value): (&String, &Value)) -> Option<(String, String)> {
    let text = match value {
        Value::Bool(false) => return None,
        Value::Bool(true) => "on".to_owned(),
        Value::Array(items) if items.is_empty() && name != "blocked_symbols" => NOBODY.to_owned(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    Some((name.clone(), text))
}

/// An empty list, which lets nothing through; an empty field means no limit.
const NOBODY: &str = "nothing";
