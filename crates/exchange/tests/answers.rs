//! Errors in the exchange's words, and the exchange's answers read.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{
    Answer, Balance, Definition, ErrorKind, Exchanges, Permissions, Price, Probe, ProbeError, SignLevel,
    Symbol,
};
use serde_json::{Value, json};
use support::builtin;

const ALL: [Answer; 8] = [
    Answer::Denied,
    Answer::UnknownKey,
    Answer::BadSignature,
    Answer::BadTimestamp,
    Answer::BadRequest,
    Answer::RateLimited { retry_after: Some(7) },
    Answer::Down,
    Answer::OutcomeUnknown,
];

/// Status and code of an answer; plain text has no code.
fn answer(definition: &Definition, answer: Answer) -> (u16, Option<String>) {
    let response = definition.answer(answer, "why", "req-1");
    let json: Value = serde_json::from_str(&response.body).unwrap_or_default();
    let code =
        json.get("code").or(json.get("error_code")).map(|code| code.to_string().trim_matches('"').to_owned());
    (response.status, code)
}

/// A batch is a success as soon as one of its orders was taken.
#[test]
fn what_a_batch_does_not_take_is_seen_and_what_it_takes_is_no_refusal() {
    let cases = [
        (
            "binance",
            json!([{"orderId": 1}, {"code": -2022, "msg": "no"}]),
            json!([{"orderId": 1}, {"orderId": 2}]),
        ),
        (
            "okx",
            json!({"code": "2", "data": [{"sCode": "0"}, {"sCode": "51008"}]}),
            json!({"code": "0", "data": [{"sCode": "0"}, {"sCode": "0"}]}),
        ),
        (
            "bybit",
            json!({"retCode": 0, "retExtInfo": {"list": [{"code": 0}, {"code": 170131}]}}),
            json!({"retCode": 0, "retExtInfo": {"list": [{"code": 0}, {"code": 0}]}}),
        ),
        (
            "bitget",
            json!({"code": "00000", "data": {"successList": [{"orderId": "1"}], "failureList": [{"errorCode": "1"}]}}),
            json!({"code": "00000", "data": {"successList": [{"orderId": "1"}], "failureList": []}}),
        ),
        (
            "kucoin",
            json!({"data": [{"success": true}, {"success": false, "failMsg": "no"}]}),
            json!({"data": [{"success": true}, {"success": true}]}),
        ),
        (
            "gate",
            json!([{"succeeded": true}, {"succeeded": false, "label": "BALANCE_NOT_ENOUGH"}]),
            json!([{"succeeded": true}, {"succeeded": true}]),
        ),
        (
            "kraken",
            json!({"error": [], "result": {"orders": [{"txid": "O1"}, {"error": "EOrder:Insufficient funds"}]}}),
            json!({"error": [], "result": {"orders": [{"txid": "O1"}, {"txid": "O2"}]}}),
        ),
        (
            "htx",
            json!({"status": "ok", "data": [{"order-id": 1}, {"err-code": "invalid-amount"}]}),
            json!({"status": "ok", "data": [{"order-id": 1}, {"order-id": 2}]}),
        ),
        (
            "bitfinex",
            json!([
                1,
                "ox_multi-req",
                null,
                null,
                [[1, "on-req", null, null, [], null, "ERROR", "no"]],
                null,
                "SUCCESS",
                ""
            ]),
            json!([
                1,
                "ox_multi-req",
                null,
                null,
                [[1, "on-req", null, null, [], null, "SUCCESS", ""]],
                null,
                "SUCCESS",
                ""
            ]),
        ),
        (
            "cryptocom",
            json!({"code": 0, "result": {"result_list": [{"index": 0, "code": 0}, {"index": 1, "code": 20007}]}}),
            json!({"code": 0, "result": {"result_list": [{"index": 0, "code": 0}, {"index": 1, "code": 0}]}}),
        ),
        (
            "mexc",
            json!([{"orderId": "1"}, {"code": 30002, "msg": "no"}]),
            json!([{"orderId": "1"}, {"orderId": "2"}]),
        ),
        ("coinone", json!({"result": "success"}), json!([])),
    ];
    for (exchange, some, none) in cases {
        let refuses = |body: &Value| builtin(exchange).refuses_some(body.to_string().as_bytes());
        assert_eq!((refuses(&some), refuses(&none)), (exchange != "coinone", false), "{exchange}");
    }
    assert!(!builtin("okx").refuses_some(b"<html>"));
}

/// An order that Kraken took with a warning was taken.
#[test]
fn a_warning_is_no_refusal_and_an_unknown_outcome_outweighs_one() {
    let read = |body: Value| builtin("kraken").read_error(200, body.to_string().as_bytes());
    let taken = json!({"error": ["WGeneral:Danger zone", "WTrade:x"], "result": {"txid": ["O1"]}});
    assert_eq!(read(taken), None);
    for (codes, kind, code) in [
        (
            json!(["WGeneral:Danger zone", "EOrder:Insufficient funds"]),
            ErrorKind::Other,
            "EOrder:Insufficient funds",
        ),
        (json!(["WGeneral:x", "EAPI:Invalid nonce"]), ErrorKind::BadTimestamp, "EAPI:Invalid nonce"),
        (json!(["EOrder:Insufficient funds", "EService:Busy"]), ErrorKind::OutcomeUnknown, "EService:Busy"),
        (
            json!(["EGeneral:Permission denied", "EService:Timeout"]),
            ErrorKind::OutcomeUnknown,
            "EService:Timeout",
        ),
        (json!(["EGeneral:Internal error:x"]), ErrorKind::OutcomeUnknown, "EGeneral:Internal error:x"),
    ] {
        let error = read(json!({ "error": codes.clone() })).unwrap();
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{codes}");
        assert!(error.text.contains(code), "{}", error.text);
    }
}

#[test]
fn balances_that_cannot_be_added_up_are_no_answer() {
    let most = rust_decimal::Decimal::MAX.to_string();
    let error = Err(ProbeError(Probe::Balances));
    let twice = |free: &str, locked: &str| {
        let row = json!({"asset": "BTC", "free": free, "locked": locked});
        let body = json!({"balances": [row, row]}).to_string();
        builtin("binance").read_balances(body.as_bytes())
    };
    assert!(twice("1", "2").is_ok());
    assert_eq!(twice(&most, "0"), error);
    assert_eq!(twice("0", &most), error);
    let held = json!({"error": [], "result": {"XXBT": {"balance": format!("-{most}"), "hold_trade": most}}});
    assert_eq!(builtin("kraken").read_balances(held.to_string().as_bytes()), error);
}

/// Tried with ccxt and python-binance: what a person must change is final there, what passes is retried.
#[test]
fn each_answer_has_the_status_and_code_that_clients_understand() {
    let expected = |id: &str, table: [(u16, &str); 8]| {
        for (kind, (status, code)) in ALL.into_iter().zip(table) {
            let code = (!code.is_empty()).then(|| code.to_owned());
            assert_eq!(answer(&builtin(id), kind), (status, code), "{id} {kind:?}");
        }
    };
    expected(
        "binance",
        [
            (403, "-1002"),
            (401, "-2014"),
            (400, "-1022"),
            (400, "-1021"),
            (400, "-1130"),
            (429, "-1003"),
            (502, "-1001"),
            (504, "-1007"),
        ],
    );
    expected(
        "coinone",
        [
            (200, "40"),
            (200, "12"),
            (200, "123"),
            (200, "131"),
            (200, "107"),
            (429, ""),
            (502, "405"),
            (504, ""),
        ],
    );
}

#[test]
fn every_answer_says_who_speaks_why_and_for_which_request() {
    let text = "line\nbreak, \"quotes\", {code} and \\ are kept in their place";
    for definition in Exchanges::builtin().iter() {
        for kind in ALL {
            let response = definition.answer(kind, text, "req-1");
            let typed = response.headers.iter().find(|(name, _)| *name == "content-type").unwrap().1.clone();
            if typed == "application/json" {
                let json: Value = serde_json::from_str(&response.body).unwrap();
                let said = texts(&json);
                let ours = format!("Keygate: {text} (req-1)");
                assert!(
                    said.iter().any(|said| said.ends_with(&ours)),
                    "{} {kind:?}: {said:?}",
                    definition.id()
                );
            } else {
                assert!(
                    response.body.starts_with("Keygate: line break") && response.body.ends_with("(req-1)")
                );
            }
        }
    }
}

/// All texts of a document.
fn texts(json: &Value) -> Vec<String> {
    match json {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_rate_limit_says_when_to_come_back() {
    let headers =
        builtin("binance").answer(Answer::RateLimited { retry_after: Some(7) }, "slow down", "1").headers;
    assert!(headers.contains(&("retry-after", "7".to_owned())));
    let headers =
        builtin("binance").answer(Answer::RateLimited { retry_after: None }, "slow down", "1").headers;
    assert!(!headers.iter().any(|(name, _)| *name == "retry-after"));
}

#[test]
fn our_own_answers_are_errors_to_ourselves() {
    for definition in Exchanges::builtin().iter() {
        for kind in ALL {
            let response = definition.answer(kind, "why", "1");
            assert!(definition.read_error(response.status, response.body.as_bytes()).is_some(), "{kind:?}");
        }
    }
}

#[test]
fn an_exchanges_error_is_understood() {
    let read = |id: &str, status, body: Value| {
        builtin(id).read_error(status, body.to_string().as_bytes()).map(|error| (error.kind, error.code))
    };
    let binance = |status, code: i64| read("binance", status, json!({"code": code, "msg": "x"})).unwrap().0;
    assert_eq!(binance(401, -2014), ErrorKind::BadKey);
    assert_eq!(binance(400, -1022), ErrorKind::BadSignature);
    assert_eq!(binance(400, -1021), ErrorKind::BadTimestamp);
    assert_eq!(binance(401, -1002), ErrorKind::Permission);
    assert_eq!(binance(401, -2015), ErrorKind::KeyIpOrPermission, "Binance does not say which");
    assert_eq!(binance(429, -1003), ErrorKind::RateLimited);
    assert_eq!(binance(400, -1121), ErrorKind::Other);
    let coinone =
        |code: &str| read("coinone", 200, json!({"result": "error", "error_code": code})).unwrap().0;
    assert_eq!(coinone("12"), ErrorKind::BadKey);
    assert_eq!(coinone("123"), ErrorKind::BadSignature);
    assert_eq!(coinone("131"), ErrorKind::BadTimestamp);
    assert_eq!(coinone("40"), ErrorKind::Permission);
    assert_eq!(coinone("10"), ErrorKind::IpNotAllowed);
    assert_eq!(coinone("4"), ErrorKind::RateLimited);
    assert_eq!(coinone("104"), ErrorKind::Other);
    let old = read("coinone", 200, json!({"result": "error", "errorCode": "40", "errorMsg": "x"}));
    assert_eq!(old, Some((ErrorKind::Permission, "40".to_owned())), "v2 writes it differently");
}

#[test]
fn an_exchange_that_does_not_know_itself_has_not_said_no() {
    for (id, status, body) in [
        ("binance", 400, json!({"code": -1007, "msg": "Timeout waiting for response"})),
        ("binance", 409, json!({"code": -2021, "msg": "Order cancel-replace partially failed."})),
        ("binance", 400, json!({"code": -1001, "msg": "Internal error; unable to process your request."})),
        ("bitfinex", 500, json!(["error", 20060, "maintenance"])),
        ("bitstamp", 200, json!({"status": "error", "reason": {"__all__": ["Order could not be placed."]}})),
        ("coinbase", 200, json!({"success": false, "error_response": {"error": "UNKNOWN_FAILURE_REASON"}})),
        ("coinone", 200, json!({"result": "error", "error_code": "405", "error_msg": "Server error"})),
        ("gate", 400, json!({"label": "INTERNAL", "message": "Internal error"})),
        ("bithumb", 200, json!({"status": "5900", "message": "Unknown Error"})),
        ("bitget", 200, json!({"code": "40010", "msg": "Request timed out"})),
        ("bybit", 200, json!({"retCode": 10000, "retMsg": "Server Timeout"})),
        ("bybit", 200, json!({"retCode": 170146, "retMsg": "Order creation timeout"})),
        ("bybit", 200, json!({"retCode": 170147, "retMsg": "Order cancellation timeout"})),
        ("cryptocom", 200, json!({"code": 40801, "message": "Request timeout"})),
        ("htx", 200, json!({"status": "error", "err-code": "timeout", "err-msg": "Request Timeout"})),
        (
            "htx",
            200,
            json!({"status": "error", "err-code": "gateway-internal-error", "err-msg": "Try again"}),
        ),
        ("kraken", 200, json!({"error": ["EService:Timeout"]})),
        ("kucoin", 200, json!({"code": "500000", "msg": "Internal Server Error"})),
        ("mexc", 200, json!({"code": 504, "msg": "Gateway Time-out"})),
        ("okx", 200, json!({"code": "50004", "data": [], "msg": "Endpoint request timeout"})),
        (
            "okx",
            200,
            json!({"code": "1", "data": [{"sCode": "51149", "sMsg": "Order timed out"}], "msg": ""}),
        ),
        ("okx", 429, json!({"code": "50013", "data": [], "msg": "Systems are busy"})),
    ] {
        let error = builtin(id).read_error(status, body.to_string().as_bytes()).unwrap();
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{id}");
    }
}

/// A frame has no status of HTTP's: its code alone says it.
#[test]
fn a_frame_that_timed_out_inside_the_exchange_is_no_refusal() {
    for (id, path, frame) in [
        (
            "okx",
            "/ws/v5/private",
            json!({"id": "1", "op": "order", "code": "1", "data": [{"sCode": "51149"}]}),
        ),
        ("okx", "/ws/v5/private", json!({"id": "1", "op": "order", "code": "50001", "data": []})),
        ("okx", "/ws/v5/private", json!({"id": "1", "op": "order", "code": "50026", "data": []})),
        ("bybit", "/v5/trade", json!({"reqId": "1", "op": "order.create", "retCode": 170146, "data": {}})),
        ("bybit", "/v5/trade", json!({"reqId": "1", "op": "order.create", "retCode": 10019, "data": {}})),
        (
            "binance",
            "/ws-api/v3",
            json!({"id": 1, "status": 409, "error": {"code": -2021, "msg": "partially"}}),
        ),
        (
            "kraken",
            "/v2",
            json!({"method": "add_order", "success": false, "error": "EDatabase:Internal error"}),
        ),
    ] {
        let definition = builtin(id);
        let answer = definition.frame_answer(path, &frame.to_string()).unwrap();
        let error = definition.frame_error(&answer).unwrap();
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{id} {frame}");
    }
}

#[test]
fn a_success_is_no_error() {
    for (id, body) in [
        ("binance", json!({"code": 200, "msg": "success"})),
        ("binance", json!([{"symbol": "BTCUSDT"}])),
        ("binance", json!({})),
        ("coinone", json!({"result": "success", "error_code": "0"})),
        ("coinone", json!({"result": "success", "errorCode": "0"})),
    ] {
        assert_eq!(builtin(id).read_error(200, body.to_string().as_bytes()), None, "{body}");
    }
    assert_eq!(builtin("binance").read_error(200, b""), None);
}

#[test]
fn an_error_without_a_body_counts_by_its_status() {
    let kind = |status| builtin("binance").read_error(status, b"<html>").unwrap().kind;
    assert_eq!(
        (kind(418), kind(429), kind(502)),
        (ErrorKind::RateLimited, ErrorKind::RateLimited, ErrorKind::Other)
    );
}

#[test]
fn balances_are_exact() {
    let body = json!({"balances": [
        {"asset": "BTC", "free": "0.10000000", "locked": "0.02000000"},
        {"asset": "SHIB", "free": "123456789012.12345678", "locked": "0.00000000"},
    ]});
    let balances = builtin("binance").read_balances(body.to_string().as_bytes()).unwrap();
    let shib =
        Balance { asset: "SHIB".to_owned(), free: "123456789012.12345678".parse().unwrap(), used: 0.into() };
    assert_eq!(balances.len(), 2);
    assert_eq!(balances[1], shib);
    let body = br#"{"result":"success","error_code":"0","balances":[{"available":"998999692485","limit":"1000","average_price":"1","currency":"krw"}]}"#;
    let won = Balance { asset: "KRW".to_owned(), free: 998_999_692_485_u64.into(), used: 1000.into() };
    assert_eq!(builtin("coinone").read_balances(body), Ok(vec![won]));
}

#[test]
fn an_answer_in_another_form_is_an_error_and_not_an_empty_account() {
    let error = Err(ProbeError(Probe::Balances));
    for body in [
        "",
        "{}",
        "[]",
        r#"{"balances":{}}"#,
        r#"{"balances":[{"asset":"BTC"}]}"#,
        r#"{"balances":[{"asset":"BTC","free":"much","locked":"0"}]}"#,
    ] {
        assert_eq!(builtin("binance").read_balances(body.as_bytes()), error, "{body}");
    }
}

#[test]
fn permissions_are_what_the_exchange_says_and_unknown_otherwise() {
    let body = json!({
        "ipRestrict": true, "enableReading": true, "enableSpotAndMarginTrading": false, "enableFutures": true,
        "enableWithdrawals": false, "tradingAuthorityExpirationTime": 1_700_000_000_000_u64,
    });
    let permissions = builtin("binance").read_permissions(body.to_string().as_bytes(), "key").unwrap();
    let expected = Permissions {
        read: Some(true),
        trade: Some(true),
        withdraw: Some(false),
        transfer: None,
        ip_restricted: Some(true),
        expires_ms: Some(1_700_000_000_000),
    };
    assert_eq!(permissions, expected);
    assert!(builtin("coinone").read_permissions(b"{}", "key").is_err(), "Coinone has no such call");
    assert!(builtin("coinone").probe(Probe::Permissions, "", "").is_none());
}

#[test]
fn time_and_prices_are_read() {
    assert_eq!(builtin("binance").read_time(br#"{"serverTime":1700000000123}"#, None), Ok(1_700_000_000_123));
    assert_eq!(
        builtin("coinone").read_time(br#"{"server_time":1700000000123}"#, None),
        Ok(1_700_000_000_123)
    );
    assert!(builtin("binance").read_time(br#"{"serverTime":null}"#, None).is_err());
    let prices = builtin("binance")
        .read_prices(br#"[{"symbol":"BTCUSDT","price":"60000.10"},{"symbol":"X","price":""}]"#);
    let bitcoin = Price { symbol: Symbol::Market("BTCUSDT".to_owned()), price: "60000.10".parse().unwrap() };
    assert_eq!(prices, Ok(vec![bitcoin]), "a market without a price is left out");
    let body = br#"{"tickers":[{"quote_currency":"krw","target_currency":"btc","last":"85000000.0"}]}"#;
    let symbol = Symbol::Pair { base: "BTC".to_owned(), quote: "KRW".to_owned() };
    let price = "85000000.0".parse().unwrap();
    assert_eq!(builtin("coinone").read_prices(body), Ok(vec![Price { symbol, price }]));
}

#[test]
fn every_probe_can_be_sent_in_production() {
    for definition in Exchanges::builtin().iter() {
        for probe in [Probe::Ping, Probe::Time, Probe::Balances, Probe::Prices] {
            let request = definition.probe(probe, "1", "key").unwrap();
            assert!(definition.upstream(exchange::PRODUCTION, &request).is_some(), "{probe:?}");
            assert_eq!(request.sign_level() == SignLevel::Signed, probe == Probe::Balances, "{probe:?}");
        }
    }
}

#[test]
fn only_codes_about_the_orders_of_one_account_are_that_accounts_alone() {
    let limits = |id: &str, status, body: &str| builtin(id).limits_orders_of_key(status, body.as_bytes());
    assert!(limits("binance", 429, r#"{"code":-1015,"msg":"Too many new orders"}"#));
    for (status, body) in [
        (429, r#"{"code":-1003,"msg":"Too much request weight used"}"#),
        (418, "{}"),
        (400, r#"{"code":-2010,"msg":"Account has insufficient balance"}"#),
        (200, r#"{"code":-1015}"#),
    ] {
        assert!(!limits("binance", status, body), "{body}");
    }
    assert!(!limits("mexc", 429, r#"{"code":-1015}"#), "another exchange's code");
    let text = include_str!("../exchanges/binance/exchange.toml");
    let wrong = text.replacen("rate_limited_key = [\"-1015\"]", "rate_limited_key = [\"-1021\"]", 1);
    let error = Definition::parse(&wrong).err().unwrap();
    assert!(error.to_string().contains("rate_limited_key names codes of rate_limited"), "{error}");
}
