//! A definition that is wrong is refused, with the line and the reason: the keys Binance has no use for, in the files of
//! the exchanges that have them. Those of Binance are in `definitions.rs`.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

use std::{fs, path::Path};

use exchange::{Definition, DefinitionError};

fn file(id: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id).join("exchange.toml"))
        .unwrap()
}

/// A file with its first `from` changed: the line of the change, and what reading it says.
fn with(id: &str, from: &str, to: &str) -> (usize, DefinitionError) {
    let text = file(id);
    let at = text.find(from).unwrap_or_else(|| panic!("{id} has no {from}"));
    let line = text[..at].matches('\n').count() + 1;
    let changed = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
    let error = Definition::parse(&changed).err().unwrap_or_else(|| panic!("{id} takes {to}"));
    (line, error)
}

/// Each mistake is refused with its reason, on its line or the first of its table (at most so many lines above).
fn all_refused(mistakes: &[(&str, &str, &str, &str)], above: usize) {
    for (id, from, to, reason) in mistakes {
        let (line, error) = with(id, from, to);
        assert!(error.reason.contains(reason), "{id} {to}: {error}");
        let first = line.saturating_sub(above);
        let last = line + to.matches('\n').count();
        assert!((first..=last).contains(&error.line), "{id} {to}: said line {}, is line {line}", error.line);
    }
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    all_refused(
        &[
            ("coinbase", "[signing.default.token]", "[signing.default.token]\nfooter = []", "unknown field"),
            ("mexc", "last = true }", "last = true, first = true }", "unknown field"),
            ("bybit", "{ each = \"request\", inherit", "{ every = \"request\", inherit", "unknown field"),
            ("okx", "real_money = true", "real_funny = true", "unknown field"),
            ("bitstamp", "refused = [", "refuses = [", "unknown field"),
            ("bitstamp", "expire_time\", ", "expire_time\"]\nknowns = [", "unknown field"),
            ("htx", "at = \"/type\", is = \"spot\"", "at = \"/type\", was = \"spot\"", "unknown field"),
            ("coinbase", "raw_keys = true", "cooked_keys = true", "unknown field"),
            ("upbit", "own = \"/access_key\"", "mine = \"/access_key\"", "unknown field"),
            ("coinbase", "kind = \"es256\"", "kind = \"es256\"\nlength = 4", "did not match any variant"),
        ],
        1,
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_line() {
    all_refused(
        &[
            ("coinbase", "[[\"alg\", \"{alg}\"]", "[[\"alg\", 7]", "did not match any variant"),
            ("coinbase", "[\"typ\", \"JWT\"]", "[\"typ\"]", "invalid length"),
            ("upbit", "\"{params_hash}\"", "\"{param_hash}\"", "did not match any variant"),
            ("mexc", "last = true }", "last = \"yes\" }", "invalid type"),
            ("okx", "real_money = true", "real_money = \"yes\"", "invalid type"),
            ("bitstamp", "refused = [\"x-auth-subaccount-id\"]", "refused = true", "invalid type"),
            (
                "bitstamp",
                "\"path:3:_withdrawal\"",
                "\"path:three:_withdrawal\"",
                "a path segment has a number",
            ),
            ("bithumb", "\"base64(hex)\"", "\"hex(base64)\"", "unknown variant"),
            ("kraken", "body = \"either\"", "body = \"both\"", "unknown variant"),
            ("kraken", "nonce = \"millis\"", "nonce = \"hours\"", "unknown variant"),
            ("htx", "query = \"sorted\"", "query = \"shuffled\"", "unknown variant"),
            ("okx", "clock = \"iso8601_ms\"", "clock = \"sundial\"", "unknown variant"),
            ("kucoin", "\"{passphrase_mac}\"", "\"{passphrase_hash}\"", "unknown name"),
            ("bybit", "max_ms = 60000", "max_ms = -1", "invalid value"),
            ("bitfinex", "{ sign_of = \"amount\" }", "{ sign = \"amount\" }", "did not match any variant"),
            ("okx", "{ ordType = [\"market\"], tgtCcy", "{ ordType = \"market\", tgtCcy", "invalid type"),
        ],
        1,
    );
}

#[test]
fn a_host_is_a_plain_name_in_every_environment_and_group() {
    all_refused(
        &[
            ("okx", "https://eea.okx.com", "http://eea.okx.com", "a host is https://"),
            ("okx", "https://us.okx.com", "https://us.okx.com:8443", "DNS name"),
            ("upbit", "https://sg-api.upbit.com", "https://10.0.0.1", "DNS name"),
            ("htx", "\"/\" = \"https://api.hbdm.vn\"", "\"/\" = \"https://user@api.hbdm.vn\"", "DNS name"),
            (
                "kucoin",
                "\"/api/\" = \"https://api-futures",
                "\"/api\" = \"https://api-futures",
                "starts and ends with /",
            ),
            ("gate", "https://api-testnet.gateapi.io", "https://api-testnet.gateapi.io/api", "DNS name"),
            ("bitstamp", "= \"https://www.bitstamp.net\"", "= \"https://WWW.bitstamp.net\"", "DNS name"),
        ],
        0,
    );
}

#[test]
fn profiles_that_clash_or_cannot_sign_are_refused_where_they_begin() {
    all_refused(
        &[
            (
                "coinbase",
                "keys = { ed25519 = \"base64\" }",
                "keys = { es256 = \"base64\" }",
                "another profile signs",
            ),
            ("coinbase", "paths = [\"/api/v3/\"]\n", "", "another profile signs"),
            ("coinone", "paths = [\"/v2/\"]\n", "", "another profile signs"),
            ("bithumb", "keys = { hmac = \"base64(hex)\" }", "keys = {}", "at least one key type"),
            ("okx", "{ts}{method}{path}{?query}{body}", "", "needs a prehash or a token"),
            ("okx", "\"OK-ACCESS-SIGN\" = \"{signature}\", ", "", "the signature needs one place"),
            ("okx", "\"OK-ACCESS-KEY\" = \"{key}\", ", "", "the API key needs one place"),
            ("kraken", "{path}{sha256:nonce+body}", "{path}{signature}", "its own signature"),
            (
                "kraken",
                "\"API-Sign\" = \"{signature}\"",
                "\"API-Sign\" = \"{signature}\", \"X-Hash\" = \"{sha256:nonce+body}\"",
                "is not text",
            ),
            ("kraken", "nonce = \"millis\"", "clock = \"ms\"", "the kind of nonce go together"),
            (
                "okx",
                "scheme = \"header\"",
                "scheme = \"header\"\nnonce = \"uuid4\"",
                "the kind of nonce go together",
            ),
            ("okx", "scheme = \"header\"", "scheme = \"payload\"", "the scheme payload needs"),
            ("okx", "scheme = \"header\"", "scheme = \"jwt\"", "the scheme jwt needs a token"),
            ("coinone", "\"X-COINONE-PAYLOAD\" = \"{payload}\", ", "", "the scheme payload needs"),
            ("cryptocom", "scheme = \"envelope\"", "scheme = \"header\"", "only the scheme envelope injects"),
            ("cryptocom", "value = \"{key}\"", "value = \"{key}{host}\"", "can be injected"),
        ],
        12,
    );
}

#[test]
fn patterns_that_overlap_by_mistake_or_mean_everything_are_refused() {
    all_refused(
        &[
            (
                "kraken",
                "\"POST /0/private/Withdraw\",",
                "\"POST /0/private/Balance\",\n  \"POST /0/private/Balance\",",
                "listed twice",
            ),
            ("gate", "\"POST /api/v4/wallet/transfers\"", "\"* /**\"", "match everything"),
            ("bitget", "\"POST /api/v2/user/*-apikey\"", "\"POST /api/v2/**/apikey\"", "may only stand last"),
            ("bitstamp", "\"POST /api/v2/*_withdrawal/\"", "\"POST /api/v2/*_with*awal/\"", "at most one *"),
            (
                "okx",
                "\"POST /api/v5/asset/withdrawal\"",
                "\"POST  /api/v5/asset/withdrawal\"",
                "must start with /",
            ),
            ("htx", "\"POST /v2/c2c/transfer\"", "\"post /v2/c2c/transfer\"", "unknown method"),
        ],
        0,
    );
    // one endpoint in two classes, far apart
    let (_, error) = with("kraken", "\"POST /0/private/Withdraw\",", "\"POST /0/private/Balance\",");
    assert!(error.reason.contains("listed twice"), "{error}");
}

#[test]
fn a_reader_of_another_class_is_refused_where_it_begins() {
    all_refused(
        &[
            (
                "okx",
                "match = [\"POST /api/v5/trade/order\"",
                "match = [\"POST /api/v5/asset/transfer\"",
                "not an endpoint of class trade",
            ),
            (
                "bybit",
                "match = [\"POST /v5/order/create-batch\"]",
                "match = [\"GET /v5/order/create-batch\"]",
                "not an endpoint of class trade",
            ),
            (
                "kraken",
                "match = [\"POST /0/private/Withdraw\"]",
                "match = [\"POST /0/private/WalletTransfer\"]",
                "not an endpoint of class withdraw",
            ),
            (
                "bitstamp",
                "match = [\"POST /api/v2/xrp_withdrawal/\"]",
                "match = [\"POST /api/v2/xrp_withdrawal\"]",
                "not an endpoint of class withdraw",
            ),
            (
                "htx",
                "match = [\"POST /v1/order/orders/*/submitcancel\"",
                "match = [\"POST /v1/order/**\"",
                "not an endpoint of class trade",
            ),
            (
                "gate",
                "match = [\"DELETE /api/v4/spot/orders\"",
                "match = [\"* /api/v4/spot/orders\"",
                "not an endpoint of class trade",
            ),
        ],
        1,
    );
}

#[test]
fn a_probe_asks_what_the_definition_itself_lists() {
    all_refused(
        &[
            (
                "htx",
                "first = { request = \"GET /v2/user/uid\"",
                "first = { request = \"POST /v2/user/uid\"",
                "not an endpoint",
            ),
            (
                "htx",
                "request = \"GET /v1/account/accounts/{first}/balance\"",
                "request = \"GET /v0/{first}/balance\"",
                "not an endpoint",
            ),
            (
                "cryptocom",
                "\"method\":\"private/user-balance\"",
                "\"method\":\"private/get-trades\"",
                "must be the method of the path",
            ),
            ("bitfinex", "\"POST /v2/auth/r/wallets {}\"", "\"POST /v2/auth/r/wallets {\"", "not JSON"),
        ],
        14,
    );
}

#[test]
fn a_signing_header_cannot_be_passed_on_from_the_client() {
    for (id, header) in
        [("okx", "ok-access-sign"), ("bybit", "X-BAPI-RECV-WINDOW"), ("coinbase", "authorization")]
    {
        let (_, error) = with(id, "headers = [\"content-type\", ", &format!("headers = [\"{header}\", "));
        assert!(error.reason.contains("signing header"), "{id}: {error}");
    }
}

/// A hole that no value of the definition fills would be signed as nothing.
#[test]
fn a_hole_nobody_fills_is_refused() {
    all_refused(
        &[
            (
                "okx",
                "{ts}{method}{path}{?query}{body}",
                "{ts}{method}{path}{?query}{body}{window}",
                "{window} needs a window",
            ),
            (
                "bybit",
                "window = { name = \"X-BAPI-RECV-WINDOW\", default_ms = 5000, max_ms = 60000 }\n",
                "",
                "{window} needs a window",
            ),
            (
                "okx",
                "{ts}{method}{path}{?query}{body}",
                "{ts}{method}{path}{?query}{body}{payload}",
                "{payload}",
            ),
        ],
        12,
    );
    let (_, error) = with("okx", ", \"passphrase\"]", "]");
    assert!(error.reason.contains("passphrase"), "{error}");
}

#[test]
fn orders_stand_in_one_place() {
    all_refused(
        &[(
            "bybit",
            "{ each = \"request\", inherit",
            "{ each = \"request\", member = \"x\", inherit",
            "each or member",
        )],
        10,
    );
}

#[test]
fn a_refused_header_is_neither_passed_on_nor_signed() {
    for header in ["accept", "X-Auth-Nonce"] {
        let (_, error) = with("bitstamp", "refused = [", &format!("refused = [\"{header}\", "));
        assert!(error.reason.contains("refused"), "{header}: {error}");
    }
}

#[test]
fn rows_of_an_answer_are_a_list_or_a_map() {
    let (_, error) = with("gate", "list = \"\", asset", "asset");
    assert!(error.reason.contains("list or map"), "{error}");
    let (_, error) = with("kraken", "map = \"/result\", price", "price");
    assert!(error.reason.contains("list or map"), "{error}");
    let (_, error) = with("upbit", "free = \"/balance\", ", "");
    assert!(error.reason.contains("free or total"), "{error}");
}

#[test]
fn traffic_that_makes_no_sense_is_refused() {
    all_refused(
        &[
            (
                "binance",
                "slow = [\n  \"GET /api/v3/exchangeInfo",
                "slow = [\n  \"GET /api/v3/account",
                "a slow endpoint is a public one",
            ),
            ("binance", "limit = 6000", "limit = 0", "allows something"),
            ("binance", "used = \"x-mbx-used-weight-1m\"", "used = \"X-MBX-USED-WEIGHT-1M\"", "lower case"),
            ("binance", "paths = [\"/sapi/\"]", "paths = [\"sapi/\"]", "starts with /"),
            (
                "upbit",
                "remaining = \"remaining-req\"",
                "used = \"a\"\nremaining = \"b\"",
                "used or by what remains",
            ),
            ("kucoin", "remaining = \"gw-ratelimit-remaining\"\n", "", "go with remaining"),
            ("okx", "spellings = [\"{base}-{quote}\"]", "spellings = [\"{base}\"]", "{base} and {quote}"),
            ("upbit", "part = \"sec\"", "piece = \"sec\"", "unknown field"),
        ],
        7,
    );
}

#[test]
fn a_wrong_stream_is_named_with_its_line() {
    all_refused(
        &[
            (
                "binance",
                "\"order.place\" = \"POST /api/v3/order\"",
                "\"order.place\" = \"trade\"",
                "a method is public, read, or",
            ),
            ("binance", "\"ping\" = \"GET /api/v3/ping\"", "\"ping\" = \"GET /api/*\"", "is one endpoint"),
            ("binance", "apart = [", "besides = [", "unknown field"),
        ],
        1,
    );
    let whole_table: &[(&str, &str, &str, &str)] = &[
        (
            "binance",
            "GET /api/v3/depth\"\n\"trades",
            "GET /nowhere\"\n\"trades",
            "'depth' is not an endpoint that frames may reach",
        ),
        (
            "binance",
            "\"ping\" = \"GET /api/v3/ping\"",
            "\"ping\" = \"POST /api/v3/userDataStream\"",
            "not an endpoint that frames may reach",
        ),
        ("binance", "logon = \"session.logon\"", "logon = \"ping\"", "cannot be one of the exchange"),
        ("binance", "refusal = '{\"id\":{id},", "refusal = '{", "JSON objects, a refusal with its {id}"),
        ("binance", "paths = [\"/ws-api/v3\"]", "paths = [\"/elsewhere\"]", "no host in production"),
        ("binance", "paths = [\"/ws-api/v3\"]", "paths = []", "a stream has paths"),
        (
            "binance",
            "= \"userDataStream.subscribe.signature\"",
            "= \"userDataStream.begin\"",
            "another one that is listed",
        ),
    ];
    for (id, from, to, reason) in whole_table {
        let (_, error) = with(id, from, to);
        let table = file(id).lines().position(|line| line.starts_with("[stream]")).unwrap() + 1;
        assert!(error.reason.contains(reason), "{to}: {error}");
        assert!(error.line.abs_diff(table) <= 1, "{to}: said line {}, the table is at {table}", error.line);
    }
}

#[test]
fn a_wrong_token_stream_is_named_with_its_line() {
    all_refused(
        &[
            ("kraken", "at = \"/result/token\"", "in = \"/result/token\"", "unknown field"),
            ("kraken", "life_s = 900", "life_s = \"900\"", "invalid type"),
            ("kraken", "add_order = { is = \"POST", "add_order = { was = \"POST", "unknown field"),
            ("kraken", "{ is = \"POST /0/private/CancelAll\" }", "{ is = \"trade\" }", "METHOD and a path"),
            ("kraken", "orders = \"orders\"", "orders = 7", "did not match any variant"),
        ],
        1,
    );
    let whole_table: &[(&str, &str, &str)] = &[
        ("paths = [\"/v2\"]", "paths = []", "a stream has paths"),
        ("paths = [\"/v2\"]", "paths = [\"/v2?a=b\"]", "a stream has paths"),
        ("methods = [\"subscribe\"", "methods = [\"add_order\"", "stands for one thing"),
        ("method = \"ping\"", "method = \"cancel_all\"", "stands for one thing"),
        ("{ is = \"POST /0/private/CancelAll\" }", "{ is = \"GET /0/public/Time\" }", "with a body, POST"),
        ("{ is = \"POST /0/private/CancelAll\" }", "{ is = \"read\" }", "with a body, POST"),
        (
            "{ is = \"POST /0/private/CancelAll\" }",
            "{ is = \"POST /0/private/Nothing\" }",
            "frames may reach",
        ),
        (
            "{ is = \"POST /0/private/CancelAll\" }",
            "{ is = \"POST /0/private/GetWebSocketsToken\" }",
            "frames may reach",
        ),
        ("request = \"POST /0/private/GetWeb", "request = \"POST /0/private/NoWeb", "of class session"),
        (
            "request = \"POST /0/private/GetWebSocketsToken",
            "request = \"POST /0/private/Balance",
            "of class session",
        ),
        ("side = \"type\"", "side = \"type\"\ntoken = \"token\"", "has one meaning"),
        ("\"no_mpp\", ", "\"no_mpp\", \"side\", ", "has one meaning"),
        ("lists = [\"orders\"", "lists = [\"order_ids\"", "is one of the words"),
        ("AddOrderBatch\", each = \"orders\"", "AddOrderBatch\", each = \"items\"", "is one of the words"),
        ("life_s = 900", "life_s = 0", "lives for a while"),
        ("member = \"channel\"\n", "", "a member names the channel"),
        ("names = [\"balances\", \"executions\"]", "names = []", "channels have methods and names"),
        ("unknown_key = \"ESession", "unknown = \"ESession", "kinds of [answers]"),
        ("refusal = '{{echo}", "refusal = '{", "with their holes"),
        ("told = '{\"error\":[],", "told = '{{", "with their holes"),
        ("ask = '{\"method\":\"ping\"}'", "ask = 'ping'", "texts alone, or JSON with a method"),
        ("\"time_in\":\"{now}\"", "\"time_in\":", "texts alone, or JSON with a method"),
        ("body = '{\"error\":[{error}]}'", "body = '{\"error\":[]}'", "with their holes"),
        ("\"/\" = \"https://ws-auth", "\"/v3/\" = \"https://ws-auth", "no host in production"),
    ];
    let table = file("kraken").lines().position(|line| line.starts_with("[token_stream]")).unwrap() + 1;
    for (from, to, reason) in whole_table {
        let (_, error) = with("kraken", from, to);
        assert!(error.reason.contains(reason), "{to}: {error}");
        assert!(error.line.abs_diff(table) <= 1, "{to}: said line {}, the table is at {table}", error.line);
    }
}
