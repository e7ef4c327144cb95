//! The line protocol: every line gets one line of JSON back.
#![no_main]

use std::sync::LazyLock;

use exchange::{Exchanges, conformance};
use libfuzzer_sys::fuzz_target;

static EXCHANGES: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);

fuzz_target!(|line: &str| {
    let answer = conformance(&EXCHANGES, line);
    assert!(!answer.contains('\n'));
    assert!(serde_json::from_str::<serde_json::Value>(&answer).unwrap().is_object());
});
