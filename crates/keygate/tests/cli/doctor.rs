//! `keygate doctor`: what is odd about the settings.

use serde_json::Value;

use crate::home::{Done, Home};

/// What it finds about this public address, by the name of the check.
fn found(url: &str, check: &str) -> Option<Value> {
    let home = Home::new();
    let mut command = home.command(&["doctor", "--offline", "--output", "json"]);
    let done = Done::of({
        command.env("KEYGATE_PUBLIC_URL", url);
        command
    });
    let found: Value = serde_json::from_str(&done.ok().out).unwrap();
    found.as_array().unwrap().iter().find(|own| own["check"] == check).cloned()
}

/// ccxt signs for Bybit by words that it looks for in the whole address.
#[test]
fn name_that_ccxt_takes_for_a_version_of_bybit_is_found() {
    for url in
        ["https://keygate-v5.example.org", "https://openapi.example.org", "https://v5.example.org:8443"]
    {
        let found = found(url, "address for ccxt").unwrap_or_else(|| panic!("nothing is found in {url}"));
        assert_eq!(found["severity"], "medium");
        assert!(found["text"].as_str().unwrap().contains(url), "{found}");
        assert!(found["fix"].as_str().unwrap().contains("public_url"), "{found}");
    }
    assert_eq!(found("https://keygate.example.org", "address for ccxt"), None);
}
