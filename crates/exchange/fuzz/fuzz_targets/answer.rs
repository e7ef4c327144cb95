//! What exchanges answer: any bytes are read or are an error, and our own answers are always whole.
#![no_main]

use std::sync::LazyLock;

use exchange::{Answer, Exchanges};
use libfuzzer_sys::fuzz_target;

static EXCHANGES: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);

fuzz_target!(|input: (u16, &[u8], &str)| {
    let (status, body, text) = input;
    for definition in EXCHANGES.iter() {
        let _ = definition.read_error(status, body);
        let _ = (definition.read_time(body), definition.read_balances(body));
        let _ = (definition.read_permissions(body), definition.read_prices(body));
        let answer = definition.answer(Answer::Denied, text, "1");
        assert!(serde_json::from_str::<serde_json::Value>(&answer.body).unwrap().is_object());
    }
});
