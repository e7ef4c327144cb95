//! A definition is right or it is refused, with the line.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{fs, path::Path};

use exchange::{
    Class, Definition, DefinitionError, Exchanges, Field, Incoming, KeyKind, PRODUCTION, Request,
};
use support::builtin;

fn file(id: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id).join("exchange.toml"))
        .unwrap()
}

/// The Binance file with its n-th line changed, and what reading it says. The line of the change is returned too.
fn with(from: &str, to: &str) -> (usize, DefinitionError) {
    let text = file("binance");
    let (at, _) = text.match_indices(from).next().unwrap_or_else(|| panic!("no {from}"));
    let line = text[..at].matches('\n').count() + 1;
    let error = Definition::parse(&format!("{}{to}{}", &text[..at], &text[at + from.len()..])).unwrap_err();
    (line, error)
}

fn get(definition: &Definition, target: &str, group: Option<&str>) -> Request {
    definition.request(Incoming { method: "GET", target, group, ..Incoming::default() }).unwrap()
}

#[test]
fn every_folder_of_exchanges_is_built_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges");
    let mut folders: Vec<_> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    let exchanges = Exchanges::builtin();
    let ids: Vec<_> = exchanges.iter().map(|definition| definition.id()).collect();
    assert_eq!(ids, folders, "a folder is called like its exchange");
}

#[test]
fn what_a_form_needs_to_know_is_there() {
    let binance = builtin("binance");
    assert_eq!((binance.id(), binance.name()), ("binance", "Binance"));
    assert_eq!(binance.fields(), [Field::ApiKey, Field::Secret]);
    assert!(binance.key_kinds().into_iter().eq([KeyKind::Hmac, KeyKind::Rsa, KeyKind::Ed25519]));
    assert!(binance.environments().eq(["demo", "production", "testnet"]));
    let all = binance.capabilities();
    assert!(all.permissions && all.withdraw && all.testnet);
    let coinone = builtin("coinone").capabilities();
    assert!(!coinone.permissions && coinone.withdraw && !coinone.testnet);
    assert!(builtin("coinone").key_kinds().into_iter().eq([KeyKind::Hmac]));
}

#[test]
fn exchanges_that_take_public_keys_say_which_and_where_to_paste_them() {
    for definition in Exchanges::builtin().iter() {
        let says = file(definition.id()).contains("[exchange.own_keys]");
        let paste = definition.own_keys().map(|own| own.paste.len() >= 20);
        assert_eq!(paste, says.then_some(true), "{}", definition.id());
    }
    assert_eq!(builtin("binance").own_keys().unwrap().kinds, [KeyKind::Ed25519, KeyKind::Rsa]);
    assert_eq!(builtin("bybit").own_keys().unwrap().kinds, [KeyKind::Rsa]);
    for id in ["binance", "bybit"] {
        assert!(builtin(id).own_keys().unwrap().paste.contains("Self-generated"), "{id}");
    }
}

#[test]
fn own_keys_that_could_not_sign_are_refused_with_the_line() {
    for kinds in ["[]", "[\"hmac\"]", "[\"es256\"]", "[\"ed25519\", \"hmac\"]"] {
        let (line, error) = with("kinds = [\"ed25519\", \"rsa\"]", &format!("kinds = {kinds}"));
        assert!(error.reason.contains("own keys"), "{kinds}: {error}");
        assert_eq!(error.line, line - 1, "the table begins a line above");
    }
    let (_, error) = with("kinds = [\"ed25519\", \"rsa\"]", "kinds = [\"dsa\"]");
    assert!(error.reason.contains("dsa"), "{error}");
}

#[test]
fn the_longest_prefix_finds_the_host_and_a_group_its_own() {
    let binance = builtin("binance");
    let host = |environment: &str, target: &str, group| {
        let request = get(&binance, target, group);
        binance.upstream(environment, &request).map(|upstream| upstream.host().to_owned())
    };
    assert_eq!(host(PRODUCTION, "/api/v3/time", None).as_deref(), Some("api.binance.com"));
    assert_eq!(host(PRODUCTION, "/futures/data/basis", None).as_deref(), Some("fapi.binance.com"));
    assert_eq!(host(PRODUCTION, "/futures/data/basis", Some("coinm")).as_deref(), Some("dapi.binance.com"));
    assert_eq!(host("testnet", "/api/v3/time", None).as_deref(), Some("testnet.binance.vision"));
    assert_eq!(host("testnet", "/sapi/v1/account/status", None), None, "the testnet has no /sapi");
    assert_eq!(host(PRODUCTION, "/api/v3/time", Some("coinm")), None, "a group has its own paths only");
    assert_eq!(host(PRODUCTION, "/api/v3/time", Some("nowhere")), None);
    assert_eq!(host("nowhere", "/api/v3/time", None), None);
}

#[test]
fn a_name_in_an_address_is_an_exchange_and_perhaps_a_group() {
    let exchanges = Exchanges::builtin();
    let resolve =
        |name| exchanges.resolve(name).map(|(definition, group)| (definition.id().to_owned(), group));
    assert_eq!(resolve("binance"), Some(("binance".to_owned(), None)));
    assert_eq!(resolve("binance.coinm"), Some(("binance".to_owned(), Some("coinm"))));
    for name in ["binance.", "binance.x", "coinone.coinm", "Binance", "", ".coinm", "binance.coinm.x"] {
        assert_eq!(resolve(name), None, "{name}");
    }
}

#[test]
fn an_environment_of_the_operators_own_takes_every_path() {
    let only_binance = |origin: &str| {
        let origin = origin.to_owned();
        move |id: &str| (id == "binance").then(|| origin.clone())
    };
    let exchanges =
        Exchanges::builtin().with_environment("pretend", only_binance("http://127.0.0.1:8099")).unwrap();
    let binance = exchanges.get("binance").unwrap();
    for (target, group) in
        [("/api/v3/time", None), ("/sapi/v1/account/status", None), ("/futures/data/basis", Some("coinm"))]
    {
        let upstream = binance.upstream("pretend", &get(binance, target, group)).unwrap();
        assert_eq!((upstream.origin(), upstream.host()), ("http://127.0.0.1:8099", "127.0.0.1:8099"));
    }
    assert_eq!(
        binance.upstream(PRODUCTION, &get(binance, "/api/v3/time", None)).unwrap().origin(),
        "https://api.binance.com"
    );
    for (name, origin) in [
        ("production", "http://127.0.0.1:1"),
        ("Bad Name", "http://127.0.0.1:1"),
        ("x", "http://10.0.0.1:1"),
        ("x", "http://evil.example"),
    ] {
        assert!(
            Exchanges::builtin().with_environment(name, only_binance(origin)).is_err(),
            "{name} {origin}"
        );
    }
}

#[test]
fn only_a_declared_name_may_be_repeated_and_only_where_nothing_moves() {
    let text = file("binance").replace("[request]", "[request]\nrepeatable = [\"orderId\"]");
    let definition = Definition::parse(&text).unwrap();
    let accepts =
        |method, target| definition.request(Incoming { method, target, ..Incoming::default() }).is_ok();
    assert!(accepts("GET", "/api/v3/allOrders?orderId=1&orderId=2"));
    assert!(!accepts("GET", "/api/v3/allOrders?symbol=A&symbol=B"));
    assert!(!accepts("DELETE", "/api/v3/order?symbol=A&orderId=1&orderId=2"));
}

#[test]
fn response_headers_pass_by_name_or_prefix() {
    let passes = |name| builtin("binance").passes_response_header(name);
    for name in
        ["Content-Type", "X-MBX-USED-WEIGHT", "x-mbx-used-weight-1m", "X-MBX-ORDER-COUNT-10S", "Retry-After"]
    {
        assert!(passes(name), "{name}");
    }
    for name in ["Set-Cookie", "Server", "X-MBX-APIKEY", "x-mbx", "Location", "Transfer-Encoding"] {
        assert!(!passes(name), "{name}");
    }
}

#[test]
fn a_mistake_is_named_with_its_line() {
    for (from, to, reason) in [
        ("name = \"Binance\"", "name = \"Binance\"\nnam = \"x\"", "unknown field"),
        ("\"https://fapi.binance.com\"", "\"http://fapi.binance.com\"", "a host is https://"),
        ("\"https://fapi.binance.com\"", "\"https://127.0.0.1\"", "DNS name"),
        ("\"https://fapi.binance.com\"", "\"https://fapi.binance.com/x\"", "DNS name"),
        ("\"/fapi/\" =", "\"/fapi\" =", "starts and ends with /"),
        ("scheme = \"query\"", "scheme = \"telepathy\"", "unknown variant"),
        ("hash = \"sha256\"", "hash = \"md5\"", "unknown variant"),
        ("hmac = \"hex\"", "hmac = \"rot13\"", "unknown variant"),
        ("hmac = \"hex\"", "dsa = \"hex\"", "unknown variant"),
        ("\"{query}{body}\"", "\"{query}{secret}\"", "unknown name"),
        ("\"{query}{body}\"", "\"{query\"", "without its }"),
        ("\"POST /sapi/v1/capital/withdraw/apply\"", "\"POST sapi\"", "must start with /"),
        ("\"POST /sapi/v1/capital/withdraw/apply\"", "\"FETCH /sapi\"", "unknown method"),
        ("\"POST /sapi/v1/capital/withdraw/apply\"", "\"POST /sapi/**/apply\"", "may only stand last"),
        ("keyadmin = [", "superuser = [", "unknown variant"),
        ("fields = [\"api_key\", \"secret\"]", "fields = [\"api_key\", \"password\"]", "unknown variant"),
        ("rate_scope = \"ip\"", "rate_scope = \"moon\"", "unknown variant"),
        ("bad_key = ", "bad_keys = ", "unknown variant"),
        ("denied = { status = 403", "denied = { status = \"403\"", "invalid type"),
        ("id = \"binance\"", "id = \"Bin ance\"", "lower-case"),
    ] {
        let (line, error) = with(from, to);
        assert!(error.reason.contains(reason), "{to}: {error}");
        let near = error.line.abs_diff(line) <= usize::from(to.contains('\n'));
        assert!(near, "{to}: said line {}, is line {line}", error.line);
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (from, to, reason) in [
        ("\"GET /api/v3/time\",", "\"GET /api/v3/time\",\n  \"POST /api/v3/order\",", "listed twice"),
        ("signature_param = \"signature\"", "", "the signature needs one place"),
        ("\"X-MBX-APIKEY\" = \"{key}\"", "\"X-MBX-APIKEY\" = \"x\"", "the API key needs one place"),
        ("value = \"{ts}\"", "value = \"{nonce}\"", "{nonce} and the kind of nonce"),
        ("value = \"{ts}\"", "value = \"{host}\"", "can be injected"),
        ("\"{query}{body}\"", "\"{query}{signature}\"", "its own signature"),
        (
            "keys = { hmac = \"hex\", rsa = \"base64\", ed25519 = \"base64\" }",
            "keys = {}",
            "at least one key type",
        ),
        ("[signing.default]", "[signing.default]\npaths = [\"/api/\"]", "must have no paths"),
        ("ping = \"GET /api/v3/ping\"", "ping = \"GET /api/v3/unknown/../ping\"", "dot segment"),
        (
            "match = [\"POST /sapi/v1/capital/withdraw/apply\"]",
            "match = [\"POST /api/v3/order\"]",
            "of class withdraw",
        ),
        ("match = [\"DELETE /api/v3/order\"", "match = [\"DELETE /api/v3/orders\"", "of class trade"),
        ("permission = [\"-1002\"]", "permission = [\"-1022\"]", "two meanings"),
        ("\"msg\":\"{text}\"", "\"msg\":{text}", "not JSON"),
        ("\"msg\":\"{text}\"", "\"msg\":\"no\"", "{code} and"),
        ("status = 504", "status = 42", "200 to 599"),
        ("length = 64", "length = 12", "virtual secret"),
        ("alphabet = \"ABC", "alphabet = \"AABC", "virtual secret"),
        ("headers = [\"content-type\", ", "headers = [\"X-MBX-APIKEY\", ", "signing header"),
    ] {
        let (_, error) = with(from, to);
        assert!(error.reason.contains(reason), "{to}: {error}");
    }
}

#[test]
fn text_that_is_no_definition_is_refused() {
    let error = Definition::parse(&file("binance").replace("env.production", "env.live")).unwrap_err();
    assert_eq!(error.reason, "there is no [env.production]");
    for text in ["", "[exchange]", "\u{0}", "a = ", "[[order]]"] {
        assert!(Definition::parse(text).is_err(), "{text}");
    }
    assert!(Definition::parse(&file("binance").repeat(2)).is_err());
}

#[test]
fn names_of_classes_are_those_of_the_files() {
    for class in
        ["public", "read", "finance", "trade", "transfer", "subaccount", "withdraw", "session", "keyadmin"]
    {
        let parsed: Class = serde_json::from_value(class.into()).unwrap();
        assert_eq!(parsed.as_str(), class);
    }
}
