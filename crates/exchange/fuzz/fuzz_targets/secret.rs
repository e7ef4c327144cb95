//! Secrets: any text is a key or a reason, and the reason does not repeat it.
#![no_main]

use exchange::SigningKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &str)| {
    let (armoured, text) = input;
    let label = "PRIVATE KEY";
    let secret = if armoured { format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----") } else { text.to_owned() };
    if let Err(error) = SigningKey::parse(&secret.into()) {
        assert!(text.len() < 16 || !error.to_string().contains(text));
    }
});
