//! Target, query and form: whatever is accepted leaves with the client's text between our own parameters, and is
//! read as the same money when it is read again.
#![no_main]

use std::sync::LazyLock;

use exchange::{Credentials, Exchanges, Incoming, Options, PRODUCTION, Request, Stamp};
use libfuzzer_sys::fuzz_target;

static EXCHANGES: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);

fuzz_target!(|input: (u8, &str, &[u8])| {
    let (choice, target, body) = input;
    let method = ["GET", "POST", "PUT", "DELETE", "PATCH"][usize::from(choice) % 5];
    let definition = EXCHANGES.get("binance").unwrap();
    let read = |target: &str, body: &[u8]| definition.request(Incoming { method, group: None, target, headers: &[], body });
    let Ok(request) = read(target, body) else { return };
    let Some(upstream) = definition.upstream(PRODUCTION, &request) else { return };
    let pair = Credentials::parse(definition, "REALKEY", &"s".repeat(64).into(), Options::default()).unwrap();
    let sign = |request: &Request| {
        definition.sign(request, &upstream, &pair, &Stamp { now_ms: 1_700_000_000_000, nonce: None }).unwrap()
    };
    let sent = sign(&request);
    assert_eq!(sent.target.split('?').next(), target.split('?').next());
    let again = read(&sent.target, &sent.body).unwrap();
    assert_eq!(again.reading(), request.reading());
    let twice = sign(&again);
    assert_eq!((twice.target, twice.body), (sent.target, sent.body));
});
