//! One function per reader, fed with arbitrary bytes by the fuzz targets and by the ordinary tests. Each must return without a
//! panic, and what it accepts must mean one thing only.

#![allow(dead_code, reason = "each fuzz target uses one function")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use exchange::{
    Answer, Credentials, Definition, Exchanges, Incoming, Options, PRODUCTION, Reading, Request, SigningKey,
    Stamp, Typed, conformance,
};
use serde_json::Value;

/// A reader and its name.
pub type Subject = (&'static str, fn(&[u8]));

pub const ALL: [Subject; 7] = [
    ("answer", answer),
    ("definition", definition),
    ("form", form),
    ("json", json),
    ("line", line),
    ("request", request),
    ("secret", secret),
];

static EXCHANGES: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);

/// What exchanges answer: any bytes are read or are an error, and our own answers are always whole.
pub fn answer(data: &[u8]) {
    let (head, body) = data.split_at(data.len().min(2));
    let status = head.iter().fold(0, |status, byte| status << 8 | u16::from(*byte));
    let text = String::from_utf8_lossy(body);
    for definition in EXCHANGES.iter() {
        let _ = definition.read_error(status, body);
        let _ = (definition.read_time(body, Some(&text)), definition.read_balances(body));
        let _ = (definition.read_permissions(body, "KEY"), definition.read_prices(body));
        let answer = definition.answer(Answer::Denied, &text, "1");
        if answer.headers.iter().any(|(_, value)| value == "application/json") {
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert!(body.is_object() || body.is_array());
        }
    }
}

/// Definitions: any text is read or refused, and a line in the refusal is a line of the text. The first four bytes say
/// where the rest is put into a definition that is good.
pub fn definition(data: &[u8]) {
    const FILE: &str = include_str!("../../exchanges/coinone/exchange.toml");
    let (place, rest) = data.split_at(data.len().min(4));
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    let start = FILE.floor_char_boundary(number(&place[..place.len().min(2)]) % FILE.len());
    let end = FILE.floor_char_boundary((start + number(&place[place.len().min(2)..]) % 256).min(FILE.len()));
    for candidate in [format!("{}{text}{}", &FILE[..start], &FILE[end..]), text.to_owned()] {
        if let Err(error) = Definition::parse(&candidate) {
            assert!(error.line <= candidate.matches('\n').count() + 1);
        }
    }
}

/// Target, query and form: whatever is accepted leaves with the client's text between our own parameters, and is read as the
/// same money when it is read again. The first byte is the method, the first line the target.
pub fn form(data: &[u8]) {
    let Some((method, target, body)) = parts(data) else { return };
    let binance = EXCHANGES.get("binance").unwrap();
    if let Some((request, sent)) = signed(binance, method, target, &[], body) {
        assert_eq!(sent.0.split('?').next(), target.split('?').next());
        same_when_signed_again(binance, method, &request, &sent);
    }
}

/// Any request at all seventeen exchanges: it is refused, or what was decided on is what leaves. The first byte is the
/// method, the first line the target.
pub fn request(data: &[u8]) {
    let Some((method, target, body)) = parts(data) else { return };
    for definition in EXCHANGES.iter() {
        let incoming = Incoming { method, target, body, ..Incoming::default() };
        let Ok(request) = definition.request(incoming) else { continue };
        assert_eq!(request.class().moves_money(), *request.reading() != Reading::NotMoney);
        assert!(target.starts_with(request.path()));
        let orders = match request.reading() {
            Reading::Orders(orders) => orders.len(),
            _ => continue,
        };
        assert_eq!(request.client_ids().len(), orders, "each order has its place for an id");
        let Ok(named) = definition.with_client_ids(&request, |_| [7; 16]) else { continue };
        assert_eq!(named.reading(), request.reading(), "an id changes nothing else");
    }
}

/// JSON bodies and payloads: what the scanner takes is JSON to others too, and stays as it is around our fields.
pub fn json(data: &[u8]) {
    let Some((as_payload, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let coinone = EXCHANGES.get("coinone").unwrap();
    let payload = BASE64_STANDARD.encode(text);
    let header: [(&str, &[u8]); 1] = [("X-COINONE-PAYLOAD", payload.as_bytes())];
    let (headers, body): (&[(&str, &[u8])], &[u8]) =
        if as_payload % 2 == 0 { (&header, b"") } else { (&[], text.as_bytes()) };
    let Some((_, (_, sent))) = signed(coinone, "POST", "/v2.1/order/info", headers, body) else { return };
    let sent: Value = serde_json::from_slice(&BASE64_STANDARD.decode(sent).unwrap()).unwrap();
    let mut expected: Value =
        if text.is_empty() { Value::Object(Default::default()) } else { serde_json::from_str(text).unwrap() };
    expected["access_token"] = "REALKEY".into();
    expected["nonce"] = NONCE.into();
    assert_eq!(sent, expected);
}

/// The line protocol: every line gets one line of JSON back.
pub fn line(data: &[u8]) {
    let Ok(line) = std::str::from_utf8(data) else { return };
    let answer = conformance(&EXCHANGES, line);
    assert!(!answer.contains('\n'));
    assert!(serde_json::from_str::<Value>(&answer).unwrap().is_object());
}

/// Secrets: any text is a key or a reason, and space around a block changes nothing.
pub fn secret(data: &[u8]) {
    let Some((armoured, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let label = "PRIVATE KEY";
    let block = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----");
    let kind = |secret: String| SigningKey::parse(&secret.into()).map(|key| key.kind());
    match armoured % 2 {
        0 => assert_eq!(kind(format!("\r\n{block}\n ")), kind(block)),
        _ => drop(kind(text.to_owned())),
    }
}

/// Method, target and body.
fn parts(data: &[u8]) -> Option<(&'static str, &str, &[u8])> {
    let (choice, rest) = data.split_first()?;
    let method = ["GET", "POST", "PUT", "DELETE", "PATCH"][usize::from(*choice) % 5];
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    Some((method, std::str::from_utf8(&rest[..end]).ok()?, rest.get(end + 1..).unwrap_or_default()))
}

/// The request, and target and body as they leave.
fn signed(
    definition: &Definition,
    method: &str,
    target: &str,
    headers: &[(&str, &[u8])],
    body: &[u8],
) -> Option<(Request, (String, Vec<u8>))> {
    let incoming = Incoming { method, target, headers, body, ..Incoming::default() };
    let request = definition.request(incoming).ok()?;
    let sent = sign(definition, &request)?;
    Some((request, sent))
}

fn sign(definition: &Definition, request: &Request) -> Option<(String, Vec<u8>)> {
    let upstream = definition.upstream(PRODUCTION, request)?;
    let secret = "S".repeat(if definition.id() == "coinone" { 36 } else { 64 }).into();
    let pair = Credentials::parse(definition, Typed::new("REALKEY", &secret), Options::default()).unwrap();
    let nonce = definition.nonce_kind(request, &Options::default()).map(|_| NONCE.to_owned());
    let stamp = Stamp { now_ms: 1_700_000_000_000, nonce };
    let signed = definition.sign(request, &upstream, &pair, &stamp).ok()?;
    Some((signed.target, signed.body))
}

fn same_when_signed_again(
    definition: &Definition,
    method: &str,
    request: &Request,
    (target, body): &(String, Vec<u8>),
) {
    let incoming = Incoming { method, target, body, ..Incoming::default() };
    let again = definition.request(incoming).unwrap();
    assert_eq!(again.reading(), request.reading());
    let (target_again, body_again) = sign(definition, &again).unwrap();
    assert_eq!((&target_again, &body_again), (target, body));
}

const NONCE: &str = "11111111-2222-4333-8444-555555555555";
