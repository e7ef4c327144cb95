//! Requests that two parsers could read differently, that reach past the listed endpoints, or that are meant to
//! exhaust us. Each exchange's `bypasses.json` holds its own; each must be refused, in the part it says, without showing a
//! value.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{Definition, Incoming, Refusal};
use serde_json::Value;
use support::{
    builtin,
    folder::{Folder, NEWCOMER, folders, newcomer, root},
};

fn refusal(definition: &Definition, case: &Value) -> Option<Refusal> {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let headers = case["headers"].as_object().cloned().unwrap_or_default();
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes())).collect();
    let (method, target, body) = (text("method"), text("target"), text("body").as_bytes());
    let incoming = Incoming { method, group: None, target, headers: &headers, body, called: "" };
    definition.request(incoming).err()
}

/// How many requests of one exchange were refused in the part that each says; all there are.
fn are_refused(folder: &Folder) -> usize {
    let (id, cases) = (folder.id(), folder.bypasses());
    for case in &cases {
        let refusal = refusal(&folder.definition, case).unwrap_or_else(|| panic!("{id} accepted: {case}"));
        assert_eq!(format!("{:?}", refusal.part), case["part"].as_str().unwrap(), "{id} {case}: {refusal}");
    }
    cases.len()
}

/// What every exchange has at least: paths, queries, orders and keys that are written in two ways.
const MIN: usize = 40;

#[test]
fn every_known_bypass_is_refused_where_it_stands() {
    let mut all = 0;
    for folder in folders(&root()) {
        let own = are_refused(&folder);
        assert!(own >= MIN, "{}: {own}", folder.id());
        all += own;
    }
    assert!(all >= 1035, "{all}");
}

#[test]
fn a_newcomers_bypasses_are_refused_too() {
    let exchanges = newcomer("bypasses", "kraken");
    let [folder] = &folders(&exchanges)[..] else { panic!("one was made") };
    assert!(are_refused(folder) >= MIN);
    std::fs::remove_file(exchanges.join(NEWCOMER).join("bypasses.json")).unwrap();
    assert_eq!(are_refused(folder), 0, "without the file it has too few");
}

#[test]
fn a_refusal_never_shows_a_value() {
    for (target, body) in [
        ("/api/v3/order?symbol=c4n4ry%zz", ""),
        ("/api/v3/order?c4n4ry", ""),
        ("/api/v3/order?c4n4ry%zz=1", ""),
        ("/api/v3/c4n4ry", ""),
        ("/api/v3/order", "symbol=BTCUSDT&side=c4n4ry&type=LIMIT&quantity=1"),
        ("/api/v3/order", "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=c4n4ry"),
        ("/api/v3/order", "c4n4ry"),
    ] {
        let incoming = Incoming { method: "POST", target, body: body.as_bytes(), ..Incoming::default() };
        let refusal = builtin("binance").request(incoming).unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("c4n4ry"), "{refusal:?}");
    }
}

#[test]
fn a_refusal_names_the_field() {
    let body = b"symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=-1&price=1";
    let incoming = Incoming { method: "POST", target: "/api/v3/order", body, ..Incoming::default() };
    let refusal = builtin("binance").request(incoming).unwrap_err();
    assert_eq!(refusal.to_string(), "body, quantity: not a plain decimal number");
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    let body = vec![b'a'; 64 * 1024 + 1];
    let incoming = Incoming { method: "POST", target: "/api/v3/order", body: &body, ..Incoming::default() };
    assert_eq!(builtin("binance").request(incoming).unwrap_err().reason, "too large");
}

#[test]
fn a_body_that_is_not_text_is_refused() {
    for exchange in ["binance", "coinone"] {
        let target = if exchange == "binance" { "/api/v3/order" } else { "/v2.1/order/info" };
        let incoming = Incoming { method: "POST", target, body: b"a=\xff", ..Incoming::default() };
        assert_eq!(builtin(exchange).request(incoming).unwrap_err().reason, "not UTF-8");
    }
}

#[test]
fn a_header_that_matters_may_stand_once_only() {
    let headers: [(&str, &[u8]); 2] = [("X-MBX-APIKEY", b"a"), ("x-mbx-apikey", b"b")];
    let incoming =
        Incoming { method: "GET", target: "/api/v3/account", headers: &headers, ..Incoming::default() };
    let refusal = builtin("binance").request(incoming).unwrap_err();
    assert_eq!((refusal.field.as_str(), refusal.reason), ("x-mbx-apikey", "given twice"));
}

#[test]
fn headers_that_nobody_reads_are_dropped_unread() {
    let headers: [(&str, &[u8]); 3] =
        [("Cookie", b"\xff\x00"), ("X-Forwarded-For", b"1"), ("X-Forwarded-For", b"2")];
    let incoming =
        Incoming { method: "GET", target: "/api/v3/account", headers: &headers, ..Incoming::default() };
    assert!(builtin("binance").request(incoming).is_ok());
}
