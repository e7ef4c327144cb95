//! JSON bodies and payloads: what the scanner takes is JSON to others too, and stays as it is around our fields.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use exchange::{Credentials, Exchanges, Incoming, Options, PRODUCTION, Stamp};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static EXCHANGES: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);
const NONCE: &str = "11111111-2222-4333-8444-555555555555";

fuzz_target!(|input: (bool, &str)| {
    let (as_payload, text) = input;
    let definition = EXCHANGES.get("coinone").unwrap();
    let payload = BASE64_STANDARD.encode(text);
    let header: [(&str, &[u8]); 1] = [("X-COINONE-PAYLOAD", payload.as_bytes())];
    let (headers, body): (&[(&str, &[u8])], &[u8]) = if as_payload { (&header, b"") } else { (&[], text.as_bytes()) };
    let incoming = Incoming { method: "POST", group: None, target: "/v2.1/order/info", headers, body };
    let Ok(request) = definition.request(incoming) else { return };
    let pair = Credentials::parse(definition, "REALKEY", &"S".repeat(36).into(), Options::default()).unwrap();
    let upstream = definition.upstream(PRODUCTION, &request).unwrap();
    let stamp = Stamp { now_ms: 1_700_000_000_000, nonce: Some(NONCE.to_owned()) };
    let sent = BASE64_STANDARD.decode(definition.sign(&request, &upstream, &pair, &stamp).unwrap().body).unwrap();
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    let mut expected: Value = if text.is_empty() { Value::Object(Default::default()) } else { serde_json::from_str(text).unwrap() };
    expected["access_token"] = "REALKEY".into();
    expected["nonce"] = NONCE.into();
    assert_eq!(sent, expected);
});
