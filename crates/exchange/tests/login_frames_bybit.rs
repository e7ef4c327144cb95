//! Bybit's two streams with a session: a log-in with an end of its life, topics as plain texts, orders with the headers of
//! requests.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::sync::{Arc, LazyLock};

use exchange::{
    Act, Answer, Asked, Class, Credentials, Definition, Frame, Options, PRODUCTION, Reading, Session, Symbol,
    Typed, VerifyError,
};
use serde_json::{Value, json};
use support::{builtin, vectors};

const PRIVATE: &str = "/v5/private";
const TRADE: &str = "/v5/trade";
const NOW: u64 = 1_700_000_000_000;
const SECRET: &str = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5";

fn bybit() -> &'static Definition {
    static BYBIT: LazyLock<Arc<Definition>> = LazyLock::new(|| builtin("bybit"));
    &BYBIT
}

fn pair(key: &str, secret: &str) -> Credentials {
    let secret = secret.to_owned().into();
    Credentials::parse(bybit(), Typed::new(key, &secret), Options::default()).unwrap()
}

fn frame(path: &str, frame: &Value) -> Frame {
    bybit().frame(path, &frame.to_string()).unwrap_or_else(|bad| panic!("{bad}: {frame}"))
}

fn order() -> Value {
    json!({"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "50000"})
}

fn call(op: &str, arg: &Value) -> Value {
    let header =
        json!({"X-BAPI-TIMESTAMP": NOW.to_string(), "X-BAPI-RECV-WINDOW": 5000, "Referer": "broker"});
    json!({"reqId": "a-1", "header": header, "op": op, "args": [arg]})
}

#[test]
fn every_hostile_frame_is_refused_where_it_stands_and_under_its_name() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("login_frames_bybit.json")).unwrap();
    assert!(cases.len() >= 110, "{}", cases.len());
    for case in &cases {
        let text = |name: &str| case[name].as_str().unwrap();
        let bad =
            bybit().frame(text("path"), text("frame")).err().unwrap_or_else(|| panic!("accepted: {case}"));
        assert_eq!(format!("{:?}", bad.refusal.part), text("part"), "{case}: {bad}");
        assert_eq!((bad.id.as_str(), bad.method.as_str()), (text("id"), text("method")), "{case}: {bad}");
    }
}

#[test]
fn an_order_is_the_request_of_its_endpoint_and_leaves_as_it_came() {
    let sent = call("order.create", &order());
    let read = frame(TRADE, &sent);
    assert_eq!((read.act(), read.request().class(), read.key()), (Act::Call, Class::Trade, None));
    assert_eq!((read.request().method().as_str(), read.request().path()), ("POST", "/v5/order/create"));
    let Reading::Orders(orders) = read.request().reading() else { panic!("{:?}", read.request().reading()) };
    assert_eq!(orders[0].symbol, Symbol::Market("BTCUSDT".to_owned()));
    assert_eq!((orders[0].price, orders[0].quantity), (Some(50_000.into()), Some("0.010".parse().unwrap())));
    assert_eq!(bybit().sign_frame(&read, &pair("real", SECRET), NOW).unwrap(), sent.to_string());
    for (op, endpoint) in [
        ("order.create-batch", "/v5/order/create-batch"),
        ("order.amend", "/v5/order/amend"),
        ("order.amend-batch", "/v5/order/amend-batch"),
        ("order.cancel-batch", "/v5/order/cancel-batch"),
    ] {
        let arg = match op {
            "order.amend" => json!({"category": "spot", "symbol": "BTCUSDT", "orderId": "1", "qty": "1"}),
            "order.cancel-batch" => {
                json!({"category": "spot", "request": [{"symbol": "BTCUSDT", "orderId": "1"}]})
            }
            _ => json!({"category": "spot", "request": [order().as_object_mut().map(|own| {
                own.remove("category");
                own.clone()
            }).unwrap()]}),
        };
        assert_eq!(frame(TRADE, &call(op, &arg)).request().path(), endpoint);
    }
    let cancel = frame(
        TRADE,
        &call("order.cancel", &json!({"category": "spot", "symbol": "BTCUSDT", "orderId": "1"})),
    );
    assert!(matches!(cancel.request().reading(), Reading::Cancel { .. }), "{:?}", cancel.request().reading());
}

#[test]
fn an_order_is_as_old_as_a_request_may_be() {
    let at = |header: Value| {
        let mut sent = call("order.create", &order());
        sent["header"] = header;
        frame(TRADE, &sent)
    };
    let fresh = |header: Value, now: u64| bybit().frame_is_fresh(&at(header), now);
    let time = |window: Value| json!({"X-BAPI-TIMESTAMP": NOW.to_string(), "X-BAPI-RECV-WINDOW": window});
    assert!(fresh(time(json!("8000")), NOW + 8000) && !fresh(time(json!("8000")), NOW + 8001));
    assert!(fresh(time(json!(8000)), NOW + 8000), "a number, as pybit writes it");
    assert!(
        fresh(json!({"X-BAPI-TIMESTAMP": NOW}), NOW + 5000)
            && !fresh(json!({"X-BAPI-TIMESTAMP": NOW}), NOW + 5001)
    );
    assert!(!fresh(json!({}), NOW) && !fresh(json!({"X-BAPI-TIMESTAMP": "soon"}), NOW));
    assert!(!fresh(time(json!("600000")), NOW), "no window is that long");
    let subscription = frame(PRIVATE, &json!({"op": "subscribe", "args": ["order"]}));
    assert!(bybit().frame_is_fresh(&subscription, NOW + 600_000), "topics have no time");
}

#[test]
fn topics_are_plain_texts_and_only_read() {
    for topic in [
        "order",
        "order.spot",
        "execution",
        "execution.fast",
        "execution.fast.linear",
        "position",
        "wallet",
        "greeks",
    ] {
        for op in ["subscribe", "unsubscribe"] {
            for id in [json!("a-1"), json!(7)] {
                let read = frame(PRIVATE, &json!({"req_id": id, "op": op, "args": ["order", topic]}));
                assert_eq!((read.act(), read.request().class()), (Act::Listen, Class::Read));
                assert_eq!((read.id(), read.method()), (id.to_string().as_str(), op));
            }
        }
    }
}

#[test]
fn a_log_in_holds_for_its_pair_until_its_end_and_no_longer_than_half_a_minute() {
    let own = pair("kg_12345678", SECRET);
    for path in [PRIVATE, TRADE] {
        let signed: Value = serde_json::from_str(&bybit().sign_login(path, &own, NOW).unwrap()).unwrap();
        // as ccxt signs: HMAC-SHA256 of `GET/realtime1700000010000`
        let signature = "84a93629d026fe3427c9762fa1f2377236401e2801f594a47988ce3de893e739";
        assert_eq!(signed, json!({"op": "auth", "args": ["kg_12345678", "1700000010000", signature]}));
        let as_number = json!({"op": "auth", "args": ["kg_12345678", 1_700_000_010_000_u64, signature]});
        let mut ids = Vec::new();
        for login in [&signed, &as_number] {
            let read = frame(path, login);
            assert_eq!(
                (read.act(), read.key(), read.request().class()),
                (Act::Logon, Some("kg_12345678"), Class::Read)
            );
            let verified = bybit().verify_frame(&read, &own, NOW).unwrap();
            assert_eq!((verified.timestamp_ms, verified.replayable_until_ms), (None, Some(NOW + 10_000)));
            ids.push(verified.signature_id);
        }
        assert_eq!(ids[0], ids[1], "one use, however the end is written");
        let read = frame(path, &signed);
        assert!(
            bybit().verify_frame(&read, &own, NOW - 20_000).is_ok()
                && bybit().verify_frame(&read, &own, NOW + 9_999).is_ok()
        );
        for now in [NOW + 10_000, NOW + 60_000, NOW - 20_001] {
            assert_eq!(bybit().verify_frame(&read, &own, now).err(), Some(VerifyError::StaleTimestamp));
        }
        for other in [pair("kg_12345678", &SECRET.to_lowercase()), pair("kg_12345679", SECRET)] {
            assert_eq!(bybit().verify_frame(&read, &other, NOW).err(), Some(VerifyError::BadSignature));
        }
        for (at, value) in [
            (0, json!("kg_12345679")),
            (1, json!("1700000010001")),
            (1, json!("01700000010000")),
            (2, json!("abcd")),
        ] {
            let mut changed = signed.clone();
            changed["args"][at] = value;
            assert_eq!(
                bybit().verify_frame(&frame(path, &changed), &own, NOW).err(),
                Some(VerifyError::BadSignature),
                "{at}"
            );
        }
    }
}

#[test]
fn an_end_that_is_no_time_in_milliseconds_is_stale_however_well_it_is_signed() {
    let own = pair("kg_12345678", SECRET);
    for expires in ["1700000010", "1700000010000000", "soon", "", "1700000010000.0"] {
        let login = bybit().sign_login(PRIVATE, &own, NOW).unwrap();
        let mut login: Value = serde_json::from_str(&login).unwrap();
        login["args"][1] = json!(expires);
        login["args"][2] = json!(hmac(&format!("GET/realtime{expires}")));
        assert_eq!(
            bybit().verify_frame(&frame(PRIVATE, &login), &own, NOW).err(),
            Some(VerifyError::StaleTimestamp),
            "{expires}"
        );
    }
}

fn hmac(text: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    data_encoding::HEXLOWER.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref())
}

#[test]
fn a_private_key_logs_in_as_it_signs_requests() {
    let rsa = |own: &support::Vector| own.exchange() == "bybit" && own.0["credentials"]["secret"].is_object();
    let key = vectors().into_iter().find(rsa).unwrap().credentials(bybit());
    let signed: Value = serde_json::from_str(&bybit().sign_login(TRADE, &key, NOW).unwrap()).unwrap();
    let signature = signed["args"][2].as_str().unwrap();
    assert!(signature.len() > 300 && signature.ends_with('='), "base64 of 256 bytes: {signature}");
    assert!(bybit().verify_frame(&frame(TRADE, &signed), &key, NOW).is_ok());
}

#[test]
fn heartbeats_are_frames_and_have_the_streams_own_form() {
    for (path, id, told) in [
        (PRIVATE, "null", json!({"op": "pong", "args": ["5"], "conn_id": "keygate"})),
        (PRIVATE, "\"a\"", json!({"req_id": "a", "op": "pong", "args": ["5"], "conn_id": "keygate"})),
        (
            TRADE,
            "\"a\"",
            json!({"reqId": "a", "retCode": 0, "retMsg": "OK", "op": "pong", "data": ["5"], "connId": "keygate"}),
        ),
    ] {
        let answer = bybit().answer_heartbeat(path, id, 5);
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), told);
        assert!(bybit().is_heartbeat_answer(path, &answer));
        assert_eq!(frame(path, &json!({"op": "ping"})).act(), Act::Ping);
        assert_eq!(bybit().heartbeat(path), Some(r#"{"op":"ping"}"#));
        for other in [r#"{"op":"subscribe","success":true}"#, r#"{"topic":"order"}"#, "pong", ""] {
            assert!(!bybit().is_heartbeat_answer(path, other), "{other}");
        }
    }
    assert_eq!(frame(PRIVATE, &json!({"req_id": 3, "op": "ping"})).id(), "3");
}

#[test]
fn answers_are_bybits_and_are_read_back() {
    let said = |path, answer, id, method| -> Value {
        let asked = Asked { path, id, method };
        serde_json::from_str(&bybit().refuse_frame(answer, "not \"this\" {id,}", "req", asked)).unwrap()
    };
    let text = "Keygate: not \"this\" {id,} (req)";
    assert_eq!(
        said(PRIVATE, Answer::Denied, "7", "subscribe"),
        json!({"req_id": 7, "success": false, "ret_msg": text, "ret_code": 10005, "op": "subscribe", "conn_id": "keygate"})
    );
    let trade = said(TRADE, Answer::OutcomeUnknown, "\"x\"", "order.create");
    assert_eq!(
        (&trade["reqId"], &trade["retCode"], &trade["op"]),
        (&json!("x"), &json!(170_007), &json!("order.create"))
    );
    let nameless = said(TRADE, Answer::Down, "null", "\"}");
    assert_eq!(
        (nameless.get("reqId"), &nameless["retCode"], &nameless["op"]),
        (None, &json!(10_016), &json!("\"}"))
    );
    let read = |text: &str| {
        bybit()
            .frame_answer(TRADE, text)
            .map(|own| (own.id.clone(), bybit().frame_error(&own).map(|error| error.code)))
    };
    assert_eq!(
        read(r#"{"reqId":"7","retCode":0,"retMsg":"OK","op":"order.create","data":{}}"#),
        Some((Some("\"7\"".to_owned()), None))
    );
    assert_eq!(
        read(r#"{"reqId":"7","retCode":170131,"retMsg":"no","op":"order.create"}"#),
        Some((Some("\"7\"".to_owned()), Some("170131".to_owned())))
    );
    let nameless = bybit().frame_answer(TRADE, r#"{"retCode":10005,"op":"order.create"}"#).unwrap();
    assert_eq!((nameless.id, nameless.method.as_deref()), (None, Some("order.create")));
    assert_eq!(bybit().frame_answer(PRIVATE, r#"{"topic":"order","data":[]}"#), None);
    let done = |path, text: &str| bybit().login_answer(path, text);
    assert_eq!(done(PRIVATE, r#"{"success":true,"ret_msg":"","op":"auth"}"#), Some(Ok(())));
    let refused = |path, text| done(path, text).unwrap().unwrap_err().code;
    assert_eq!(refused(PRIVATE, r#"{"success":false,"ret_msg":"Params Error","op":"auth"}"#), "Params Error");
    assert_eq!(done(PRIVATE, r#"{"op":"pong"}"#), None);
    assert_eq!(done(TRADE, r#"{"retCode":0,"retMsg":"OK","op":"auth"}"#), Some(Ok(())));
    assert_eq!(refused(TRADE, r#"{"retCode":10004,"retMsg":"no","op":"auth"}"#), "10004");
    let login = bybit().sign_login(TRADE, &pair("kg_12345678", SECRET), NOW).unwrap();
    let told = bybit().tell_session(
        Session { key: None, connected_ms: 0, now_ms: 0 },
        &bybit().frame(TRADE, &login).unwrap(),
    );
    assert_eq!(done(TRADE, &told), Some(Ok(())));
}

#[test]
fn two_paths_are_streams_and_their_hosts_are_the_streams_own() {
    for (path, is) in [
        (PRIVATE, true),
        (TRADE, true),
        ("/v5/public/spot", false),
        ("/v5/private/", false),
        ("/v5/order/create", false),
    ] {
        assert_eq!(bybit().is_stream(path), is, "{path}");
    }
    assert!(
        bybit().takes_stream_query(PRIVATE, "") && !bybit().takes_stream_query(PRIVATE, "max_active_time=1m")
    );
    let host = |environment, path| bybit().stream_upstream(environment, path).unwrap().origin().to_owned();
    assert_eq!(host(PRODUCTION, TRADE), "https://stream.bybit.com");
    assert_eq!(host("testnet", PRIVATE), "https://stream-testnet.bybit.com");
    assert_eq!(host("demo", PRIVATE), "https://stream-demo.bybit.com");
}

#[test]
fn a_wrong_table_is_refused_with_its_line_and_reason() {
    let text = include_str!("../exchanges/bybit/exchange.toml");
    let tables: Vec<usize> = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| line.starts_with("[[login_stream]]"))
        .map(|(_, at)| at)
        .collect();
    for (which, from, to, reason) in [
        (0, "list = [\"{key}\", ", "list = [", "with {key} and {signature} once"),
        (0, "list = [\"{key}\", ", "list = [\"{key}\", \"{key}\", ", "with {key} and {signature} once"),
        (0, "list = [", "object = { key = \"{key}\" }\nlist = [", "an object or a list"),
        (0, "\"{expires}\", ", "", "{ts} or {expires}, and signs it"),
        (0, "\"{expires}\", ", "\"{ts}\", ", "{ts} or {expires}, and signs it"),
        (0, "realtime{expires}\"", "realtime{expires}{ts}\"", "{ts} or {expires}, and signs it"),
        (0, "\"{expires}\", ", "\"{expires}\", \"{passphrase}\", ", "where the exchange's keys have one"),
        (0, "heard = { at = \"/op\", is = \"pong\" }\n", "", "texts alone, or JSON with a method"),
        (0, "method = \"ping\"", "method = \"subscribe\"", "stands for one thing"),
        (0, "ask = '{\"op\":\"ping\"}'", "ask = 'ping'", "texts alone, or JSON with a method"),
        (0, "ids = { longest = 64", "ids = { longest = 65", "up to 64 characters"),
        (0, "also = \"-_.,:\"", "also = '\"'", "that JSON does not escape"),
        (0, "methods = [\"subscribe\", \"unsubscribe\"]", "methods = []", "channels have methods and names"),
        (
            0,
            "[login_stream.channels]",
            "[login_stream.channels]\nknown = [\"symbol\"]",
            "have no other members",
        ),
        (0, "\"success\":false,", "\"success\":false", "JSON objects, a refusal"),
        (0, "'{{id,}\"success\":false", "'{\"success\":false", "a refusal with its {id,}"),
        (1, "paths = [\"/v5/trade\"]", "paths = [\"/v5/private\"]", "a path is one stream's"),
        (1, "paths = [\"/v5/trade\"]", "paths = [\"/elsewhere\"]", "no host in production"),
        (1, "\"Referer\"]", "\"X-Forwarded-For\"]", "not a header that requests have"),
        (1, "\"Referer\"]", "\"X-BAPI-API-KEY\"]", "the log-in's to say"),
        (1, "\"Referer\"]", "\"x-bapi-sign\"]", "the log-in's to say"),
        (
            1,
            "\"POST /v5/order/create\"\n\"order.create-batch",
            "\"POST /v5/nowhere\"\n\"order.create-batch",
            "frames may reach",
        ),
        (
            1,
            "\"order.create\" = \"POST /v5/order/create\"",
            "\"auth\" = \"POST /v5/order/create\"",
            "stands for one thing",
        ),
    ] {
        let (at, _) = text
            .match_indices(from)
            .find(|(at, _)| text[..*at].matches('\n').count() + 1 >= tables[which])
            .unwrap_or_else(|| panic!("no {from}"));
        let wrong = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
        let error = Definition::parse(&wrong).err().unwrap_or_else(|| panic!("accepted: {to}"));
        assert!(error.reason.contains(reason), "{to}: {error}");
        // two streams of one path are both wrong: the first is named
        let named = if reason.contains("one stream's") { tables[0] } else { tables[which] };
        assert!(error.line.abs_diff(named) <= 1, "{to}: said line {}, the table is at {named}", error.line);
    }
    for (from, to, reason) in [
        ("list = [\"{key}\"", "list = [\"{secret}\"", "a part of a log-in is"),
        ("failed = {", "failed = { more = 1,", "unknown field"),
        ("headers = { member", "headers = { more = 1, member", "unknown field"),
    ] {
        let wrong = text.replacen(from, to, 1);
        let line = text[..text.find(from).unwrap()].matches('\n').count() + 1;
        let error = Definition::parse(&wrong).err().unwrap_or_else(|| panic!("accepted: {to}"));
        assert!(error.reason.contains(reason) && error.line == line, "{to}, line {line}: {error}");
    }
}
