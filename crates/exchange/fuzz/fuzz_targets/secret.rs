//! Secrets: any text is a key or a reason, and space around a block changes nothing.
#![no_main]

use exchange::SigningKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &str)| {
    let (armoured, text) = input;
    let label = "PRIVATE KEY";
    let secret = if armoured { format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----") } else { text.to_owned() };
    let kind = |secret: String| SigningKey::parse(&secret.into()).map(|key| key.kind());
    if armoured {
        assert_eq!(kind(format!("\r\n{secret}\n ")), kind(secret));
    } else {
        let _ = kind(secret);
    }
});
