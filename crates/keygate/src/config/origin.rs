//! Where each setting comes from, for `keygate config show --sources`, and the check for unknown keys.

use figment::{
    Figment,
    providers::{Format, Toml},
    value::{Dict, Value},
};

use super::DEFAULTS;
use crate::error::Fatal;

/// One setting as it is in force.
pub struct Setting {
    pub key: String,
    /// `***` for secrets.
    pub value: String,
    pub source: String,
}

/// Every known setting in the order of the default file.
pub fn settings(figment: &Figment) -> Vec<Setting> {
    known_keys().into_iter().map(|key| setting(figment, key)).collect()
}

/// An unknown key is an error that names the nearest known one.
pub fn refuse_unknown(figment: &Figment) -> Result<(), Fatal> {
    let known = known_keys();
    let given: Dict = figment.extract().unwrap_or_default();
    for key in leaves(&given) {
        if !known.contains(&key) {
            let near = known.iter().max_by(|a, b| likeness(a, &key).total_cmp(&likeness(b, &key)));
            let source = figment.find_metadata(&key).map_or("?".into(), |data| data.name.clone());
            return Err(Fatal::new(
                format!("unknown setting '{key}' (from {source})"),
                format!("did you mean '{}'?", near.map_or("", String::as_str)),
            ));
        }
    }
    Ok(())
}

fn setting(figment: &Figment, key: String) -> Setting {
    let source = figment.find_metadata(&key).map_or("?".to_owned(), |data| match data.source.as_ref() {
        Some(place) => format!("{} {place}", data.name),
        None => data.name.to_string(),
    });
    let source = if source.contains("TOML source string") { "default".to_owned() } else { source };
    let value = figment.find_value(&key).map_or_else(|_| String::new(), |value| text(&value));
    let secret = SECRETS.contains(&key.as_str()) && !value.is_empty();
    Setting { value: if secret { "***".to_owned() } else { value }, key, source }
}

/// A setting, or a section of them.
pub(super) fn is_known(key: &str) -> bool {
    known_keys().iter().any(|known| known == key || known.starts_with(&format!("{key}.")))
}

fn known_keys() -> Vec<String> {
    let defaults: Dict = Figment::from(Toml::string(DEFAULTS)).extract().unwrap_or_default();
    leaves(&defaults)
}

fn leaves(dict: &Dict) -> Vec<String> {
    let mut keys = Vec::new();
    for (name, value) in dict {
        match value {
            Value::Dict(_, inner) => {
                keys.extend(leaves(inner).into_iter().map(|key| format!("{name}.{key}")))
            }
            _ => keys.push(name.clone()),
        }
    }
    keys
}

fn text(value: &Value) -> String {
    match value {
        Value::String(_, text) => text.clone(),
        Value::Array(_, items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Bool(_, on) => on.to_string(),
        Value::Num(_, number) => {
            number.to_i128().map_or_else(|| format!("{number:?}"), |number| number.to_string())
        }
        _ => String::new(),
    }
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

pub(super) const SECRETS: [&str; 2] = ["database.url", "master_key.value"];
