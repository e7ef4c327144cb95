//! Whatever spelling a client has, an id that is put in changes nothing else.

use std::sync::LazyLock;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::Exchanges;

/// Exchange, endpoint, what stands around the orders (`{o}`), and the members of an order as names and JSON.
type Place = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Orders as JSON: in the body, in an array, in a member, in base64, in a parameter.
const JSON: &[Place] = &[
    ("bybit", "POST /v5/order/create", "{o}", BYBIT),
    (
        "bybit",
        "POST /v5/order/create-batch",
        r#"{"category":"spot","request": [{o} ,{o}]}"#,
        &[BYBIT_ONE[0], BYBIT_ONE[1], BYBIT_ONE[2], BYBIT_ONE[3], BYBIT_ONE[4]],
    ),
    ("bitfinex", "POST /v2/auth/w/order/submit", "{o}", BITFINEX),
    ("bitfinex", "POST /v2/auth/w/order/multi", r#"{"ops":[["on",{o}], ["on", {o} ]]}"#, BITFINEX),
    ("gate", "POST /api/v4/spot/batch_orders", "[{o}, {o}]", GATE),
    (
        "cryptocom",
        "POST /exchange/v1/private/create-order",
        r#"{ "id":1,"method":"private/create-order" , "params": {o},"nonce":7}"#,
        CRYPTOCOM,
    ),
    ("coinone", "POST /v2.1/order", "{o}", COINONE),
    ("mexc", "POST /api/v3/batchOrders", "[{o},{o}]", MEXC),
];

/// Orders as parameters.
const PARAMS: &[Place] = &[
    ("binance", "POST /api/v3/order", "query", MEXC),
    ("binance", "POST /api/v3/order", "body", MEXC),
    (
        "kraken",
        "POST /0/private/AddOrder",
        "body",
        &[("pair", "XBT/USD"), ("type", "buy"), ("ordertype", "limit"), ("volume", "1.50"), ("price", "2")],
    ),
    (
        "bitstamp",
        "POST /api/v2/buy/btcusd/",
        "body",
        &[("amount", "1.50"), ("price", "2"), ("gtd_order", "a+b é")],
    ),
];

const BYBIT_ONE: [(&str, &str); 5] = [
    ("symbol", "\"BTCUSDT\""),
    ("side", "\"Buy\""),
    ("orderType", "\"Limit\""),
    ("qty", "\"1.50\""),
    ("price", "\"2\""),
];
const BYBIT: &[(&str, &str)] =
    &[("category", "\"spot\""), BYBIT_ONE[0], BYBIT_ONE[1], BYBIT_ONE[2], BYBIT_ONE[3], BYBIT_ONE[4]];
const BITFINEX: &[(&str, &str)] = &[
    ("type", "\"EXCHANGE LIMIT\""),
    ("symbol", "\"tBTCUSD\""),
    ("amount", "\"-1.50\""),
    ("price", "20.00"),
    ("meta", "{\"a\" :[1.0, \"\\u00e9\"]}"),
];
const GATE: &[(&str, &str)] =
    &[("currency_pair", "\"BTC_USDT\""), ("side", "\"buy\""), ("amount", "1.50"), ("price", "\"2\"")];
const CRYPTOCOM: &[(&str, &str)] = &[
    ("instrument_name", "\"BTC_USD\""),
    ("side", "\"BUY\""),
    ("type", "\"LIMIT\""),
    ("price", "\"1.10\""),
    ("quantity", "\"2\""),
];
const COINONE: &[(&str, &str)] = &[
    ("side", "\"BUY\""),
    ("quote_currency", "\"KRW\""),
    ("target_currency", "\"BTC\""),
    ("type", "\"LIMIT\""),
    ("price", "1.0"),
    ("qty", "\"0.10\""),
    ("post_only", "true"),
];
const MEXC: &[(&str, &str)] =
    &[("symbol", "BTCUSDT"), ("side", "BUY"), ("type", "LIMIT"), ("quantity", "1.50"), ("price", "2")];

static EXCHANGES: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);

/// A JSON object of the members, in this order, with spaces wherever they may be.
fn object(members: &[(String, String)], spaces: &[u8]) -> String {
    let mut space = spaces.iter().cycle().map(|count| " ".repeat(usize::from(*count)));
    let mut gap = || space.next().unwrap_or_default();
    let members: Vec<_> = members
        .iter()
        .map(|(name, json)| format!("{}\"{name}\"{}:{}{json}{}", gap(), gap(), gap(), gap()))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Percent-encodes what must be, and here and there what need not be, in either case.
fn encoded(text: &str, whims: &[u8]) -> String {
    let mut whim = whims.iter().cycle();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let one = |b: u8| match whim.next().copied().unwrap_or_default() {
        2 => format!("%{b:02x}"),
        1 => format!("%{b:02X}"),
        _ if plain(b) => char::from(b).to_string(),
        _ if b == b' ' => "+".to_owned(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

fn read(exchange: &str, endpoint: &str, body: &str) -> Request {
    let (method, target) = endpoint.split_once(' ').unwrap();
    let payload = BASE64_STANDARD.encode(body);
    let headers: &[(&str, &[u8])] = match exchange {
        "coinone" => &[("X-COINONE-PAYLOAD", payload.as_bytes())],
        _ => &[],
    };
    let body = if exchange == "coinone" { b"" } else { body.as_bytes() };
    let incoming = Incoming {
        method,
        target,
        headers,
        body,
        called: "https://keygate.example/x/one",
        ..Incoming::default()
    };
    EXCHANGES.get(exchange).unwrap().request(incoming).unwrap()
}

fn text(request: &Request) -> &str {
    match &request.body {
        Body::Empty => request.query.text(),
        Body::Form(params) => params.text(),
        Body::Json(document) | Body::Payload(document, _) => document.text(),
    }
}

/// Whether the text without each piece, which stands in it once, is the text before.
fn is_inserted(before: &str, after: &str, pieces: &[String]) -> bool {
    let without = pieces.iter().fold(after.to_owned(), |text, piece| {
        assert_eq!(text.matches(piece.as_str()).count(), 1, "{text} {piece}");
        text.replacen(piece.as_str(), "", 1)
    });
    without == before
}

fn holds(exchange: &str, request: &Request, random: u8, piece: impl Fn(&str, &str) -> String) {
    let definition = EXCHANGES.get(exchange).unwrap();
    let bytes = |at: usize| [random.wrapping_add(u8::try_from(at).unwrap()); 16];
    let made = definition.with_client_ids(request, bytes).unwrap();
    let (_, client_id) = definition.client_id(request).unwrap();
    let ids: Vec<String> = (0..request.client_ids.len()).map(|at| client_id.text(bytes(at))).collect();
    assert!(made.client_ids.iter().flatten().eq(&ids), "{made:?}");
    let pieces: Vec<String> = ids.iter().map(|id| piece(client_id.name(), id)).collect();
    assert!(is_inserted(text(request), text(&made), &pieces), "{} became {}", text(request), text(&made));
    assert_eq!(
        (&made.reading, made.endpoint, made.leverage),
        (&request.reading, request.endpoint, request.leverage)
    );
    assert_eq!((made.method, &made.path, &made.group), (request.method, &request.path, &request.group));
    assert_eq!(format!("{:?}", made.called), format!("{:?}", request.called));
    let again = definition.with_client_ids(&made, |_| [9; 16]).unwrap();
    assert_eq!(format!("{again:?}"), format!("{made:?}"), "the client's own ids stay");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_id_in_json_changes_nothing_else(
        at in 0..JSON.len(), turn in 0usize..7, spaces in vec(0u8..3, 1..9), whims in vec(0u8..3, 1..40), random in 1u8..250,
    ) {
        let (exchange, endpoint, around, members) = JSON[at];
        let quoted = |json: &str| if exchange == "mexc" { quote(json) } else { json.to_owned() };
        let mut members: Vec<_> = members.iter().map(|(name, json)| ((*name).to_owned(), quoted(json))).collect();
        let count = members.len();
        members.rotate_left(turn % count);
        let json = around.replace("{o}", &object(&members, &spaces));
        let (member, number) = (|name: &str, id: &str| format!(",\"{name}\":\"{id}\""), exchange == "bitfinex");
        match exchange {
            "mexc" => {
                let request = read(exchange, &format!("{endpoint}?timestamp=1&batchOrders={}&recvWindow=2", encoded(&json, &whims)), "");
                holds(exchange, &request, random, |name, id| escape(&member(name, id)));
            }
            _ if number => holds(exchange, &read(exchange, endpoint, &json), random, |name, id| format!(",\"{name}\":{id}")),
            _ => holds(exchange, &read(exchange, endpoint, &json), random, member),
        }
    }

    #[test]
    fn an_id_among_parameters_changes_nothing_else(
        at in 0..PARAMS.len(), turn in 0usize..5, whims in vec(0u8..3, 1..40), random in 1u8..250,
    ) {
        let (exchange, endpoint, place, members) = PARAMS[at];
        let mut members = members.to_vec();
        let count = members.len();
        members.rotate_left(turn % count);
        let pairs: Vec<_> = members.iter().map(|(name, value)| format!("{name}={}", encoded(value, &whims))).collect();
        let pairs = pairs.join("&");
        let request = match place {
            "query" => read(exchange, &format!("{endpoint}?{pairs}"), ""),
            _ => read(exchange, endpoint, &pairs),
        };
        holds(exchange, &request, random, |name, id| format!("&{name}={id}"));
    }
}
