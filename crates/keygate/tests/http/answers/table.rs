//! The status and the code that each exchange has for a refusal; no code where plain text alone makes its clients do the
//! right thing.

type Said = (u16, &'static str);

pub struct Row {
    pub exchange: &'static str,
    pub denied: Said,
    pub unknown_key: Said,
    pub bad_signature: Said,
    /// None where its signatures say no time.
    pub stale: Option<Said>,
    pub rate: Said,
    pub lost: Said,
}

const fn row(
    exchange: &'static str,
    denied: Said,
    unknown_key: Said,
    bad_signature: Said,
    stale: Option<Said>,
    rate: Said,
    lost: Said,
) -> Row {
    Row { exchange, denied, unknown_key, bad_signature, stale, rate, lost }
}

#[rustfmt::skip]
pub const TABLE: [Row; 17] = [
    row("binance", (403, "-1002"), (401, "-2014"), (400, "-1022"), Some((400, "-1021")), (429, "-1003"), (504, "-1007")),
    row("bitfinex", (500, "10001"), (500, "10100"), (500, "10100"), Some((500, "10114")), (429, "11010"), (504, "")),
    row("bitget", (403, "40014"), (400, "40006"), (400, "40009"), Some((400, "40008")), (429, "429"), (504, "50008")),
    row("bithumb", (403, "out_of_scope"), (401, ""), (401, "jwt_verification"), Some((401, "expired_jwt")), (429, ""), (504, "")),
    row("bitstamp", (403, "No permission found"), (403, "API key not found"), (403, "Invalid signature"), Some((403, "Invalid nonce")), (429, ""), (504, "")),
    row("bybit", (200, "10005"), (200, "10003"), (200, "10004"), Some((200, "10002")), (200, "10006"), (200, "170007")),
    row("coinbase", (403, "PERMISSION_DENIED"), (401, "unauthorized"), (401, "unauthorized"), Some((401, "request timestamp expired")), (429, "rate_limit_exceeded"), (504, "")),
    row("coinbaseexchange", (401, "Forbidden"), (401, "Invalid API Key"), (401, "invalid signature"), Some((401, "request timestamp expired")), (429, "Private rate limit exceeded"), (504, "Gateway Timeout")),
    row("coinone", (200, "40"), (200, "12"), (200, "123"), None, (429, ""), (504, "")),
    row("cryptocom", (403, "10005"), (401, "40101"), (401, "40101"), Some((400, "40102")), (429, "42901"), (504, "40801")),
    row("gate", (403, "FORBIDDEN"), (401, "INVALID_KEY"), (401, "INVALID_SIGNATURE"), Some((403, "REQUEST_EXPIRED")), (429, "TOO_MANY_REQUESTS"), (504, "")),
    row("htx", (200, "API key has no permission"), (200, "api-signature-not-valid"), (200, "api-signature-not-valid"), Some((200, "api-signature-not-valid")), (429, "base-request-exceed-frequency-limit"), (504, "timeout")),
    row("kraken", (200, "EGeneral:Permission denied"), (200, "EAPI:Invalid key"), (200, "EAPI:Invalid signature"), Some((200, "EAPI:Invalid nonce")), (200, "EAPI:Rate limit exceeded"), (504, "")),
    row("kucoin", (403, "400007"), (401, "400003"), (401, "400005"), Some((401, "400002")), (429, "429000"), (504, "")),
    row("mexc", (403, "700007"), (400, "700001"), (400, "700002"), Some((400, "700003")), (429, "429"), (504, "504")),
    row("okx", (401, "50027"), (401, "50111"), (401, "50113"), Some((401, "50102")), (429, "50011"), (504, "50004")),
    row("upbit", (401, "out_of_scope"), (401, "invalid_access_key"), (401, "jwt_verification"), None, (429, ""), (504, "")),
];
