//! Requests meant to be read differently by two parsers, sent as bytes: none of them may reach the exchange.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::{
    api::text,
    bot::{BUY, Bot, FORM},
    raw::{host, send},
    world::World,
};

/// The cases of the `exchange` crate, here as what they are on the wire: those of the exchanges that the demo exchange
/// speaks, each with its exchange.
fn cases() -> Vec<Value> {
    let of = |exchange: &str| -> Vec<Value> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/exchanges");
        let file = fs::read(root.join(exchange).join("bypasses.json")).unwrap();
        let mut cases: Vec<Value> = serde_json::from_slice(&file).unwrap();
        cases.iter_mut().for_each(|case| case["exchange"] = exchange.into());
        cases
    };
    demo_exchange::spoken().flat_map(of).collect()
}

#[tokio::test]
async fn no_known_bypass_reaches_the_exchange_over_a_socket() {
    let world = World::new().await;
    let cases = cases();
    assert!(cases.len() >= 1035, "{}", cases.len());
    let mut bots: BTreeMap<String, Bot> = BTreeMap::new();
    for exchange in cases.iter().map(|case| text(&case["exchange"])) {
        if !bots.contains_key(exchange) {
            bots.insert(exchange.to_owned(), world.bot(exchange, "withdraw").await);
        }
    }
    world.demo.forget_requests();
    for case in cases.iter().filter(|case| stays_what_it_is(case)) {
        let bot = &bots[text(&case["exchange"])];
        let (status, body) = send(&bot.api, &on_the_wire(case, bot)).await;
        let refused = match (is_http(case), text(&case["target"]).starts_with('/')) {
            (false, true) => status == Some(400) && body.is_empty(),
            (_, false) => status == Some(404) && body.contains("\"code\":\"not-found\""),
            (true, true) => body.contains("Keygate: ") && body.contains("[bad-request]"),
        };
        assert!(refused, "{case}: {status:?} {body}");
        assert_eq!(world.demo.requests().len(), 0, "{case} reached the exchange");
    }
}

/// The HTTP parser cuts a fragment off before anyone can see it, and a line break in a header is on the wire just another
/// header: those requests are other ones here.
fn stays_what_it_is(case: &Value) -> bool {
    !text(&case["target"]).contains('#') && !case["headers"].to_string().contains("\\r\\n")
}

/// Otherwise the HTTP parser refuses it, before anybody looks at it; what it answers to HEAD has no body. What does not begin
/// with a slash names another exchange.
fn is_http(case: &Value) -> bool {
    let (method, target) = (text(&case["method"]), text(&case["target"]));
    let odd = |byte: u8| byte.is_ascii_control() || b" <>`".contains(&byte);
    let is_sound = |text: &str| !text.is_empty() && !text.bytes().any(odd);
    let is_quoted = target.split_once('?').is_some_and(|(_, query)| query.contains('"'));
    let mut headers = case["headers"].as_object().into_iter().flatten();
    is_sound(method)
        && method != "HEAD"
        && is_sound(target)
        && !is_quoted
        && headers.all(|(_, value)| !text(value).contains('\0'))
}

fn on_the_wire(case: &Value, bot: &Bot) -> Vec<u8> {
    let body = case["body"].as_str().unwrap_or_default();
    let mut head = format!(
        "{} /x/{}{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nX-Keygate-Key: {}\r\nContent-Length: {}\r\n",
        text(&case["method"]),
        text(&case["exchange"]),
        text(&case["target"]),
        host(&bot.api),
        bot.token,
        body.len()
    );
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        head.push_str(&format!("{name}: {}\r\n", text(value)));
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// Heads that proxies and servers are known to read differently.
#[tokio::test]
async fn ambiguous_heads_are_refused() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.demo.forget_requests();
    let own = host(&bot.api).to_owned();
    let key = format!("X-Keygate-Key: {}", bot.token);
    let post = |lines: &str, body: &str| {
        format!("POST /x/binance/api/v3/order HTTP/1.1\r\n{lines}Content-Type: {FORM}\r\n{key}\r\n\r\n{body}")
    };
    let get = |line: &str, lines: &str| format!("{line}\r\n{lines}{key}\r\n\r\n");
    let length = BUY.len();
    let chunked = format!("{length:x}\r\n{BUY}\r\n0\r\n\r\n");
    let line = "GET /x/binance/api/v3/account HTTP/1.1";
    let cases = [
        get(line, &format!("Host: {own}\r\nHost: {own}\r\n")),
        get(line, &format!("Host: {own}\r\nHost: evil.example\r\n")),
        get(line, ""),
        get(line, "Host: \r\n"),
        get(line, "Host: evil.example\r\n"),
        get(line, "Host: api.binance.com\r\n"),
        get(line, &format!("Host: {own}@evil.example\r\n")),
        get(line, &format!("Host: {own}, evil.example\r\n")),
        get(&format!("GET http://{own}/x/binance/api/v3/account HTTP/1.1"), &format!("Host: {own}\r\n")),
        get("GET http://api.binance.com/x/binance/api/v3/account HTTP/1.1", &format!("Host: {own}\r\n")),
        get("GET /x/binance/api/v3/account HTTP/1.0", &format!("Host: {own}\r\n")),
        get("GET /x/binance/api/v3/account HTTP/0.9", &format!("Host: {own}\r\n")),
        get("GET /x/binance/api/v3/account", &format!("Host: {own}\r\n")),
        get("GET /x/binance/api/v3/account HTTP/2.0", &format!("Host: {own}\r\n")),
        get("CONNECT api.binance.com:443 HTTP/1.1", &format!("Host: {own}\r\n")),
        get(line, &format!("Host : {own}\r\n")),
        get(line, &format!("Host: {own}\r\n folded: yes\r\n")),
        get(line, &format!("Host: {own}\r\nX-Odd\x00: 1\r\n")),
        get(line, &format!("Host: {own}\r\nX-Odd: a\rb\r\n")),
        get(line, &format!("Host: {own}\r\nAuthorization: Bearer {}\r\n", bot.token)),
        post(&format!("Host: {own}\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), &chunked),
        post(&format!("Host: {own}\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n"), &chunked),
        post(&format!("Host: {own}\r\nContent-Length: {length}\r\nContent-Length: 3\r\n"), BUY),
        post(&format!("Host: {own}\r\nContent-Length: +{length}\r\n"), BUY),
        post(&format!("Host: {own}\r\nContent-Length: -1\r\n"), BUY),
        post(&format!("Host: {own}\r\nContent-Length: 0x{length:x}\r\n"), BUY),
        post(&format!("Host: {own}\r\nContent-Length: {length}, {length}\r\n"), BUY),
        post(&format!("Host: {own}\r\nTransfer-Encoding: chunked\r\n"), &chunked),
        post(&format!("Host: {own}\r\nTransfer-Encoding: xchunked\r\n"), &chunked),
        post(&format!("Host: {own}\r\nTransfer-Encoding: chunked, identity\r\n"), &chunked),
        post(
            &format!("Host: {own}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            &chunked,
        ),
        post(&format!("Host: {own}\r\nTransfer-Encoding: gzip, chunked\r\n"), &chunked),
        post(&format!("Host: {own}\r\nTransfer-Encoding: chunked\r\n"), "zz\r\nx\r\n0\r\n\r\n"),
        post(&format!("Host: {own}\r\nTransfer-Encoding: chunked\r\n"), &format!("-1\r\n{BUY}\r\n0\r\n\r\n")),
    ];
    for case in &cases {
        let (status, body) = send(&bot.api, case.as_bytes()).await;
        let refused = status.is_none_or(|status| (400..506).contains(&status) && status != 404);
        assert!(refused, "{case:?}: {status:?} {body}");
        assert_eq!(world.demo.requests().len(), 0, "{case:?} reached the exchange");
    }
    // The same pieces in their plain form do work: it was the ambiguity that was refused.
    let good = get(line, &format!("Host: {own}\r\n"));
    assert_eq!(send(&bot.api, good.as_bytes()).await.0, Some(200));
    let good = post(&format!("Host: {own}\r\nContent-Length: {length}\r\n"), BUY);
    assert_eq!(send(&bot.api, good.as_bytes()).await.0, Some(200));
}

#[tokio::test]
async fn head_beyond_sixteen_kilobytes_is_refused() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let asked = world.demo.requests().len();
    let long = "x".repeat(20_000);
    let head = format!(
        "GET /x/binance/api/v3/account HTTP/1.1\r\nHost: {}\r\nX-Long: {long}\r\n\r\n",
        host(&bot.api)
    );
    let (status, _) = send(&bot.api, head.as_bytes()).await;
    assert!(status.is_none_or(|status| status == 431 || status == 400), "{status:?}");
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn refusal_of_a_foreign_host_is_a_whole_problem() {
    let world = World::new().await;
    let request = world.api.request("GET", "/api/v1/connections").header("host", "evil.example");
    crate::api::Reply::of(request).await.problem(421, "unknown-host");
}
