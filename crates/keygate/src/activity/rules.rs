//! The rules that decide about calls, in plain words for whoever finds their bot refused: what it means and what to do.

mod table;

use table::RULES;

/// What a rule means, and what its owner can do about it.
#[derive(Debug)]
pub struct Explained {
    pub meaning: &'static str,
    pub advice: &'static str,
    /// It is one of the limits of the connection.
    pub is_limit: bool,
}

/// Nothing for a rule that says all there is to say itself.
pub fn explain(rule: &str) -> Option<Explained> {
    let found = RULES.iter().find(|(name, ..)| *name == rule);
    found.map(|(_, meaning, advice, is_limit)| Explained { meaning, advice, is_limit: *is_limit })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Every rule that stands in the gateway's source as the first word of a refusal.
    fn rules_of(dir: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                rules_of(&entry, found);
                continue;
            }
            let source = fs::read_to_string(&entry).expect("a source");
            for before in ["Denial::denied(", "stop(", "rule: ", "within("] {
                let quoted =
                    source.split(before).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                found.extend(quoted.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_rule_of_the_gateway_is_explained_in_sentences() {
        let mut found = Vec::new();
        rules_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway"), &mut found);
        assert!(found.len() > 25, "{found:?}");
        for rule in found {
            assert!(explain(&rule).is_some(), "{rule} is not explained");
        }
        assert!(RULES.is_sorted_by_key(|(name, ..)| *name), "not in order");
        for (name, meaning, advice, _) in RULES {
            assert!(meaning.ends_with('.') && advice.ends_with('.'), "{name}");
        }
        assert!(explain("no such rule").is_none());
    }
}
