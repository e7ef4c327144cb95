//! What holds for every request, not only for those we thought of.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{collections::BTreeMap, sync::LazyLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use exchange::{Credentials, Definition, Incoming, Options, Reading, Refusal, Request, Signed, Stamp, Typed};
use proptest::{collection::vec, prelude::*};
use serde_json::Value;
use support::{
    builtin,
    generate::{json, query},
    upstream,
};

static PAIR: LazyLock<BTreeMap<&str, Credentials>> = LazyLock::new(|| {
    let pair = |id| {
        Credentials::parse(&builtin(id), Typed::new("REALKEY", &"S".repeat(36).into()), Options::default())
            .unwrap()
    };
    ["binance", "coinone"].into_iter().map(|id| (id, pair(id))).collect()
});

fn parse(
    definition: &Definition,
    method: &str,
    target: &str,
    headers: &[(&str, &[u8])],
    body: &[u8],
) -> Result<Request, Refusal> {
    definition.request(Incoming { method, group: None, target, headers, body, called: "" })
}

fn sign(definition: &Definition, request: &Request) -> Signed {
    let nonce = definition
        .nonce_kind(request, &exchange::Options::default())
        .map(|kind| kind.text(1_700_000_000_000, [3; 16]));
    let stamp = Stamp { now_ms: 1_700_000_000_000, nonce };
    definition.sign(request, &upstream(definition, request).unwrap(), &PAIR[definition.id()], &stamp).unwrap()
}

proptest! {
    #[test]
    fn the_clients_bytes_are_never_written_anew(query in query()) {
        let definition = builtin("binance");
        let request = parse(&definition, "GET", &format!("/api/v3/account?{query}"), &[], b"").unwrap();
        let signed = sign(&definition, &request);
        let expected = format!("/api/v3/account?timestamp=1700000000000&{query}&signature=");
        prop_assert!(signed.target.starts_with(&expected), "{}", signed.target);
        prop_assert_eq!(signed.target.len(), expected.len() + 64);
        let form = parse(&definition, "POST", "/sapi/v3/asset/getUserAsset", &[], query.as_bytes()).unwrap();
        let body = String::from_utf8(sign(&definition, &form).body).unwrap();
        let expected = format!("timestamp=1700000000000&{query}&signature=");
        prop_assert!(body.starts_with(&expected));
    }

    #[test]
    fn json_keeps_key_order_number_text_and_spacing(text in json()) {
        let definition = builtin("coinone");
        let request = parse(&definition, "POST", "/v2.1/order/info", &[], text.as_bytes()).unwrap();
        let sent = BASE64_STANDARD.decode(sign(&definition, &request).body).unwrap();
        let own = "\"access_token\":\"REALKEY\",\"nonce\":\"03030303-0303-4303-8303-030303030303\",";
        let expected = format!("{{{own}{}", &text[1..]);
        prop_assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }

    /// Signing what was signed replaces the same fields again and changes nothing else.
    #[test]
    fn what_leaves_is_read_as_the_same_request(query in query(), text in json()) {
        let binance = builtin("binance");
        let first = sign(&binance, &parse(&binance, "GET", &format!("/api/v3/account?{query}"), &[], b"").unwrap());
        let headers: Vec<_> = first.headers.iter().map(|(name, value)| (name.as_ref(), value.as_bytes())).collect();
        let again = parse(&binance, "GET", &first.target, &headers, &first.body).unwrap();
        prop_assert_eq!(sign(&binance, &again).target, first.target);
        let coinone = builtin("coinone");
        let first = sign(&coinone, &parse(&coinone, "POST", "/v2.1/order/info", &[], text.as_bytes()).unwrap());
        let headers: Vec<_> = first.headers.iter().map(|(name, value)| (name.as_ref(), value.as_bytes())).collect();
        let again = parse(&coinone, "POST", &first.target, &headers, &first.body).unwrap();
        prop_assert_eq!(sign(&coinone, &again).body, first.body);
    }

    /// What was decided on is what the exchange reads in the bytes sent.
    #[test]
    fn the_order_decided_on_is_the_order_sent(
        quantity in "[1-9][0-9]{0,8}(\\.[0-9]{1,8})?", price in "[1-9][0-9]{0,6}", buy: bool, body: bool,
    ) {
        let definition = builtin("binance");
        let side = if buy { "BUY" } else { "SELL" };
        let text = format!("symbol=BTCUSDT&side={side}&type=LIMIT&quantity={quantity}&price={price}");
        let (target, form) = if body { ("/api/v3/order".to_owned(), text) } else { (format!("/api/v3/order?{text}"), String::new()) };
        let request = parse(&definition, "POST", &target, &[], form.as_bytes()).unwrap();
        let sent = sign(&definition, &request);
        let reread = parse(&definition, "POST", &sent.target, &[], &sent.body).unwrap();
        prop_assert_eq!(reread.reading(), request.reading());
        let Reading::Orders(orders) = request.reading() else { panic!("not an order") };
        let order = &orders[0];
        prop_assert_eq!(order.quantity.unwrap().to_string(), quantity);
    }

    /// Nothing that arrives makes us fall over, and what our JSON scanner takes, others take as the same value.
    #[test]
    fn any_bytes_are_read_or_refused(target in "\\PC{0,60}", body in vec(any::<u8>(), 0..80), text in "[\\[\\]{}\":,0-9aetrufnlsE+. \\\\-]{0,40}") {
        for (definition, path) in [(builtin("binance"), "/sapi/v3/asset/getUserAsset"), (builtin("coinone"), "/v2.1/order/info")] {
            let _ = parse(&definition, "GET", &target, &[], b"");
            let _ = parse(&definition, "GET", &format!("/api/v3/account?{target}"), &[], b"");
            let _ = parse(&definition, "POST", path, &[], &body);
            let _ = parse(&definition, "POST", path, &[("X-COINONE-PAYLOAD", &body)], b"");
        }
        if parse(&builtin("coinone"), "POST", "/v2.1/order/info", &[], text.as_bytes()).is_ok() && !text.is_empty() {
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert!(value.is_object());
        }
    }

    /// Our percent decoding agrees with the plain reading of RFC 3986 and the form rule for `+`.
    #[test]
    fn parameters_mean_what_was_encoded(text in "\\PC{0,20}") {
        let encoded: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
        let request = parse(&builtin("binance"), "GET", &format!("/api/v3/account?ax={encoded}"), &[], b"");
        match text.chars().any(char::is_control) {
            true => prop_assert!(request.is_err()),
            false => {
                let request = request.unwrap();
                prop_assert_eq!(request.param("ax"), Some(text.as_str()));
            }
        }
    }
}
