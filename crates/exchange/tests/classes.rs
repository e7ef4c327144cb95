//! Which endpoint needs which permission: every endpoint that ccxt knows, and every known trap by name.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{fs, path::Path};

use exchange::{Class, Exchanges, Incoming, Method, SignLevel};
use support::{Message, builtin};

fn class(exchange: &str, endpoint: &str) -> Option<Class> {
    let (method, path) = endpoint.split_once(' ').unwrap();
    builtin(exchange).classify(Method::parse(method).unwrap(), path)
}

/// Class, method, path of every endpoint in ccxt 4.5.90.
fn table(id: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id).join("endpoints.txt");
    fs::read_to_string(path).unwrap()
}

#[test]
fn every_endpoint_of_the_tables_has_its_class() {
    let mut count = 0;
    for definition in Exchanges::builtin().iter() {
        for line in table(definition.id()).lines() {
            let [expected, method, path] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let class =
                definition.classify(Method::parse(method).unwrap(), path).map_or("refused", Class::as_str);
            assert_eq!(class, expected, "{} {method} {path}", definition.id());
            count += 1;
        }
    }
    assert!(count > 4_000, "{count}");
}

#[test]
fn a_transfer_to_another_account_is_of_class_subaccount() {
    let class = |id: &str, path: &str, body: &str| {
        let incoming =
            Incoming { method: "POST", target: path, body: body.as_bytes(), ..Incoming::default() };
        builtin(id).request(incoming).map(|request| request.class())
    };
    let okx = |body: &str| class("okx", "/api/v5/asset/transfer", body);
    let own = r#"{"ccy":"USDT","amt":"1","from":"6","to":"18"}"#;
    assert_eq!(okx(own), Ok(Class::Transfer));
    assert_eq!(okx(&own.replace('}', r#","type":"0"}"#)), Ok(Class::Transfer));
    for more in [
        r#""type":"1","subAcct":"a""#,
        r#""type":"2","subAcct":"a""#,
        r#""type":"3""#,
        r#""type":4"#,
        r#""subAcct":"a""#,
        r#""type":"0","subAcct":"a""#,
        r#""type":"""#,
    ] {
        assert_eq!(okx(&own.replace('}', &format!(",{more}}}"))), Ok(Class::Subaccount), "{more}");
    }
    assert!(okx(&own.replace('}', r#","type":["0"]}"#)).is_err(), "a list says nothing");
    let kucoin = |body: &str| class("kucoin", "/api/v3/accounts/universal-transfer", body);
    assert_eq!(kucoin(r#"{"type":"INTERNAL","currency":"USDT"}"#), Ok(Class::Transfer));
    for body in [
        r#"{"type":"PARENT_TO_SUB","toUserId":"1"}"#,
        r#"{"type":"INTERNAL","toUserId":"1"}"#,
        r#"{"type":"internal"}"#,
        "{}",
    ] {
        assert_eq!(kucoin(body), Ok(Class::Subaccount), "{body}");
    }
    let unified = |body: &str| class("kucoin", "/api/ua/v1/account/transfer", body);
    assert_eq!(unified(r#"{"type":"0","currency":"USDT"}"#), Ok(Class::Transfer));
    assert_eq!(unified(r#"{"type":"1","toUid":"1"}"#), Ok(Class::Subaccount));
    let bitfinex = |body: &str| class("bitfinex", "/v2/auth/w/transfer", body);
    assert_eq!(bitfinex(r#"{"from":"exchange","to":"margin"}"#), Ok(Class::Transfer));
    for member in ["email_dst", "user_id_dst"] {
        assert_eq!(bitfinex(&format!(r#"{{"from":"exchange","{member}":"a"}}"#)), Ok(Class::Subaccount));
    }
}

#[test]
fn the_balance_of_another_account_is_of_class_subaccount() {
    let class = |query: &str, path: &str| {
        let target = format!("/v5/asset/transfer/{path}?accountType=UNIFIED{query}");
        let incoming = Incoming { method: "GET", target: &target, ..Incoming::default() };
        builtin("bybit").request(incoming).map(|request| request.class())
    };
    for path in ["query-account-coin-balance", "query-account-coins-balance"] {
        assert_eq!(class("&coin=BTC", path), Ok(Class::Read), "{path}");
        for member in ["memberId", "toMemberId"] {
            assert_eq!(class(&format!("&{member}=592324"), path), Ok(Class::Subaccount), "{path} {member}");
        }
        assert!(class("&memberid=592324", path).is_err(), "in other letters it may count or not");
    }
    assert_eq!(self::class("kucoin", "GET /api/v1/account-overview-all"), Some(Class::Subaccount));
}

#[test]
fn a_stream_key_is_not_handed_out_as_a_read_or_a_trade() {
    for path in [
        "/api/v3/userDataStream",
        "/sapi/v1/userDataStream",
        "/sapi/v1/userDataStream/isolated",
        "/fapi/v1/listenKey",
        "/dapi/v1/listenKey",
        "/eapi/v1/listenKey",
        "/papi/v1/listenKey",
    ] {
        for method in ["POST", "PUT", "DELETE", "GET"] {
            assert_eq!(
                class("binance", &format!("{method} {path}")),
                Some(Class::Session),
                "{method} {path}"
            );
        }
    }
    assert_eq!(class("binance", "POST /sapi/v1/userListenToken"), Some(Class::Session));
}

#[test]
fn a_withdrawal_in_disguise_is_a_withdrawal() {
    for endpoint in [
        "POST /sapi/v1/capital/withdraw/apply",
        "POST /sapi/v1/localentity/withdraw/apply",
        "POST /sapi/v2/localentity/withdraw/apply",
        "PUT /sapi/v1/localentity/deposit/provide-info",
        "POST /sapi/v1/fiat/withdraw",
        "POST /sapi/v2/fiat/withdraw",
        "POST /sapi/v1/giftcard/createCode",
        "POST /sapi/v1/giftcard/buyCode",
        "POST /sapi/v1/managed-subaccount/withdraw",
    ] {
        assert_eq!(class("binance", endpoint), Some(Class::Withdraw), "{endpoint}");
    }
    for endpoint in [
        "POST /v2.1/transaction/coin/withdrawal",
        "POST /v2.1/transaction/krw/withdrawal",
        "POST /v2/transaction/btc",
        "POST /v2/transaction/coin",
        "POST /v2/transaction/auth_number",
    ] {
        assert_eq!(class("coinone", endpoint), Some(Class::Withdraw), "{endpoint}");
    }
}

#[test]
fn a_key_that_makes_keys_is_keyadmin() {
    for endpoint in [
        "POST /sapi/v2/sub-account/subAccountApi",
        "POST /sapi/v2/sub-account/subAccountApi/ipRestriction",
        "DELETE /sapi/v1/sub-account/subAccountApi/ipRestriction/ipList",
        "POST /sapi/v1/broker/subAccountApi",
        "POST /sapi/v1/broker/subAccountApi/permission/universalTransfer",
        "GET /sapi/v1/broker/subAccountApi",
        "POST /sapi/v1/account/enableFastWithdrawSwitch",
    ] {
        assert_eq!(class("binance", endpoint), Some(Class::KeyAdmin), "{endpoint}");
    }
}

#[test]
fn a_post_may_be_a_read() {
    for endpoint in ["POST /sapi/v3/asset/getUserAsset", "POST /sapi/v1/asset/get-funding-asset"] {
        assert_eq!(class("binance", endpoint), Some(Class::Read), "{endpoint}");
    }
    for endpoint in [
        "POST /v2.1/account/balance/all",
        "POST /v2/account/balance",
        "POST /v2.1/order/info",
        "POST /v2.1/transaction/coin/withdrawal/limit",
        "POST /v2.1/transaction/coin/withdrawal/address_book",
    ] {
        assert_eq!(class("coinone", endpoint), Some(Class::Read), "{endpoint}");
    }
}

#[test]
fn what_is_not_listed_is_refused() {
    for endpoint in [
        "POST /api/v3/unknown",
        "PATCH /api/v3/order",
        "GET /api/v1/order",
        "GET /bapi/asset/v1/private",
        "POST /sapi/v1/capital/withdraw/apply2",
        "POST /sapi/v1/capital/withdraw",
        "POST /sapi/v1/something/new",
        "DELETE /sapi/v1/something/new",
        "POST /fapi/v1/something",
        "POST /wapi/v3/withdraw.html",
        "GET /sapi",
        "GET /sapi/v1",
        "GET /",
    ] {
        assert_eq!(class("binance", endpoint), None, "{endpoint}");
    }
    for endpoint in [
        "POST /account/balance",
        "POST /order/limit_buy",
        "GET /v2.1/account/balance/all",
        "POST /public/v2/ticker_new/KRW",
        "POST /v2.1/order/new",
        "POST /v1/anything",
        "POST /v2.1/account/new",
    ] {
        assert_eq!(class("coinone", endpoint), None, "{endpoint}");
    }
}

/// The exchange's router may ignore case; then `/Sub-Account/` would be read by a pattern for all of `/sapi`.
#[test]
fn a_path_that_would_change_class_with_the_case_of_its_letters_is_refused() {
    for endpoint in [
        "GET /sapi/v1/Sub-Account/list",
        "GET /sapi/v1/BROKER/subAccountApi",
        "GET /fapi/v1/ListenKey",
        "GET /api/v3/USERDATASTREAM",
    ] {
        assert_eq!(class("binance", endpoint), None, "{endpoint}");
        let exact = endpoint
            .replace("Sub-Account", "sub-account")
            .replace("BROKER", "broker")
            .replace("ListenKey", "listenKey")
            .replace("USERDATASTREAM", "userDataStream");
        assert!(class("binance", &exact).is_some_and(Class::moves_money), "{exact}");
    }
}

#[test]
fn a_trailing_slash_is_another_endpoint() {
    assert_eq!(class("binance", "POST /api/v3/order/"), None);
    assert_eq!(class("binance", "GET /sapi/v1/account/status/"), None);
}

#[test]
fn everything_but_reads_moves_money() {
    let reads = [Class::Public, Class::Read];
    let all = [
        Class::Finance,
        Class::Trade,
        Class::Transfer,
        Class::Subaccount,
        Class::Withdraw,
        Class::Session,
        Class::KeyAdmin,
    ];
    assert!(all.into_iter().all(Class::moves_money) && !reads.into_iter().any(Class::moves_money));
}

#[test]
fn public_calls_are_unsigned_and_stream_keys_need_the_key_alone() {
    let level = |method: &str, path: &str| {
        let url = format!("https://host{path}");
        Message { method: method.to_owned(), url, headers: Vec::new(), body: Vec::new() }
            .parse(&builtin("binance"))
            .unwrap()
            .sign_level()
    };
    assert_eq!(level("GET", "/api/v3/exchangeInfo"), SignLevel::Unsigned);
    assert_eq!(level("GET", "/api/v3/historicalTrades"), SignLevel::Unsigned);
    assert_eq!(level("POST", "/fapi/v1/listenKey"), SignLevel::KeyOnly);
    assert_eq!(level("GET", "/fapi/v1/historicalTrades"), SignLevel::KeyOnly);
    assert_eq!(level("GET", "/api/v3/account"), SignLevel::Signed);
}
