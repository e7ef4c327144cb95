//! Who gets in at Binance, and with what words others are turned away.

use demo_exchange::Config;

use crate::caller::{FORM, NOW, Reply, World, http, sign, text};

const ACCOUNT: &str = "/api/v3/account";
const ORDER: &str = "/api/v3/order";
const BUY: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";

#[tokio::test]
async fn each_kind_of_key_opens_its_account() {
    let world = World::new().await;
    for name in ["trade", "trade-next", "ed25519", "rsa"] {
        let account = world.binance(name, "GET", ACCOUNT, "").await.ok();
        assert_eq!(account["accountType"], "SPOT", "{name}");
        assert_eq!(world.exchange.requests().last().unwrap().signed_by.as_ref().unwrap().key, name);
    }
}

#[tokio::test]
async fn a_key_of_the_wrong_form_is_told_apart_from_an_unknown_one() {
    let world = World::new().await;
    let query = world.timed("signature=00");
    for wrong in ["", "short", &"!".repeat(64), "kg_00000000"] {
        let msg = world.sent(wrong, "GET", ACCOUNT, &query).await.refused(401, -2014);
        assert_eq!(msg, "API-key format invalid.");
    }
    let missing = Reply::of(world.request("GET", &format!("{ACCOUNT}?{query}"))).await;
    missing.refused(401, -2014);
    let msg = world.sent(&"Z".repeat(64), "GET", ACCOUNT, &query).await.refused(401, -2015);
    assert_eq!(msg, "Invalid API-key, IP, or permissions for action.");
}

#[tokio::test]
async fn an_ip_bound_key_works_from_its_own_address_only() {
    let mut world = World::new().await;
    world.binance("ip-bound", "GET", ACCOUNT, "").await.refused(401, -2015);
    world.http = http("127.0.0.2");
    world.binance("ip-bound", "GET", ACCOUNT, "").await.ok();
    let restrictions = world.binance("ip-bound", "GET", "/sapi/v1/account/apiRestrictions", "").await.ok();
    assert_eq!(restrictions["ipRestrict"], true);
}

#[tokio::test]
async fn a_signature_of_another_secret_or_key_type_is_refused() {
    let world = World::new().await;
    let params = world.timed("");
    for (key, signer) in [("trade", "withdraw"), ("trade", "ed25519"), ("ed25519", "rsa"), ("rsa", "trade")] {
        let signature = sign(&world.binance_key(signer), params.as_bytes());
        let sent = format!("{params}&signature={signature}");
        let api_key = world.binance_key(key).api_key;
        let msg = world.sent(&api_key, "GET", ACCOUNT, &sent).await.refused(400, -1022);
        assert_eq!(msg, "Signature for this request is not valid.");
        assert!(world.exchange.requests().last().unwrap().signed_by.is_none());
    }
}

#[tokio::test]
async fn the_signature_covers_every_received_byte() {
    let world = World::new().await;
    let key = world.binance_key("trade");
    let params = world.timed(BUY);
    let signature = sign(&key, params.as_bytes());
    let altered = [
        params.replace("0.001", "0.002"),
        params.replace("BUY", "SELL"),
        params.replacen("symbol=BTCUSDT&side=BUY", "side=BUY&symbol=BTCUSDT", 1),
        params.replace("BTCUSDT", "BTCUSD%54"),
        format!("{params}&newClientOrderId=x"),
    ];
    for altered in altered {
        let sent = format!("{altered}&signature={signature}");
        world.sent(&key.api_key, "POST", ORDER, &sent).await.refused(400, -1022);
    }
    assert_eq!(world.balance("trade", "USDT").await, ("100000.00000000".into(), "0.00000000".into()));
    world.sent(&key.api_key, "POST", ORDER, &format!("{params}&signature={signature}")).await.ok();
}

#[tokio::test]
async fn text_signed_before_it_was_encoded_is_refused() {
    let world = World::new().await;
    let key = world.binance_key("withdraw");
    let params = |address: &str| world.timed(&format!("coin=USDT&amount=10&address={address}"));
    let signature = sign(&key, params("a b/c").as_bytes());
    let sent = format!("{}&signature={signature}", params("a+b%2Fc"));
    world.sent(&key.api_key, "POST", "/sapi/v1/capital/withdraw/apply", &sent).await.refused(400, -1022);
}

#[tokio::test]
async fn query_and_body_are_signed_as_one_without_a_separator() {
    let world = World::new().await;
    let key = world.binance_key("trade");
    let (query, body) = BUY.split_once("&quantity").unwrap();
    let body = world.timed(&format!("quantity{body}"));
    for (joined, status) in [(format!("{query}{body}"), 200), (format!("{query}&{body}"), 400)] {
        let signature = sign(&key, joined.as_bytes());
        let request = world.request("POST", &format!("{ORDER}?{query}")).header("content-type", FORM);
        let request = request.header("x-mbx-apikey", &key.api_key);
        let reply = Reply::of(request.body(format!("{body}&signature={signature}"))).await;
        assert_eq!(reply.status, status, "{:?}", reply.body);
    }
}

#[tokio::test]
async fn an_hmac_signature_may_be_in_capitals_and_stand_anywhere() {
    let world = World::new().await;
    let key = world.binance_key("trade");
    let params = world.timed("recvWindow=5000");
    let signature = sign(&key, params.as_bytes()).to_uppercase();
    let sent = format!("signature={signature}&{params}");
    world.sent(&key.api_key, "GET", ACCOUNT, &sent).await.ok();
}

#[tokio::test]
async fn time_and_signature_must_be_sent() {
    let world = World::new().await;
    let key = world.binance_key("trade").api_key;
    let missing = |name| format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
    let msg = world.sent(&key, "GET", ACCOUNT, "signature=00").await.refused(400, -1102);
    assert_eq!(msg, missing("timestamp"));
    let msg = world.sent(&key, "GET", ACCOUNT, &world.timed("")).await.refused(400, -1102);
    assert_eq!(msg, missing("signature"));
    world.sealed("trade", "GET", ACCOUNT, "timestamp=soon").await.refused(400, -1100);
}

#[tokio::test]
async fn only_requests_inside_their_window_are_taken() {
    let world = World::new().await;
    let stale = "Timestamp for this request is outside of the recvWindow.";
    let ahead = "Timestamp for this request was 1000ms ahead of the server's time.";
    for (age, window, refusal) in [
        (5000, "", None),
        (5001, "", Some(stale)),
        (10_000, "recvWindow=10000&", None),
        (10_001, "recvWindow=10000&", Some(stale)),
        (101, "recvWindow=100.5&", Some(stale)),
        (-999, "", None),
        (-1000, "", Some(ahead)),
    ] {
        let params = format!("{window}timestamp={}", NOW - age);
        let reply = world.sealed("trade", "GET", ACCOUNT, &params).await;
        match refusal {
            None => drop(reply.ok()),
            Some(text) => assert_eq!(reply.refused(400, -1021), text),
        }
    }
    let wide = format!("recvWindow=60001&timestamp={NOW}");
    let msg = world.sealed("trade", "GET", ACCOUNT, &wide).await.refused(400, -1131);
    assert_eq!(msg, "recvWindow must be less than 60000");
    let micros = format!("timestamp={}", NOW * 1000);
    world.sealed("trade", "GET", ACCOUNT, &micros).await.ok();
}

#[tokio::test]
async fn a_key_does_what_it_was_given_and_no_more() {
    let world = World::new().await;
    let withdraw = "coin=USDT&address=demo&amount=10";
    let transfer = "type=MAIN_FUNDING&asset=USDT&amount=10";
    let (apply, move_) = ("/sapi/v1/capital/withdraw/apply", "/sapi/v1/asset/transfer");
    world.binance("read-only", "POST", ORDER, BUY).await.refused(401, -2015);
    world.binance("read-only", "DELETE", ORDER, "symbol=BTCUSDT&orderId=1").await.refused(401, -2015);
    let msg = world.binance("trade", "POST", apply, withdraw).await.refused(401, -1002);
    assert_eq!(msg, "You are not authorized to execute this request.");
    world.binance("trade", "POST", move_, transfer).await.refused(401, -1002);
    world.binance("withdraw", "POST", apply, withdraw).await.ok();
    world.binance("withdraw", "POST", move_, transfer).await.ok();
    for (name, may) in [("read-only", [false, false]), ("trade", [true, false]), ("withdraw", [true, true])] {
        let told = world.binance(name, "GET", "/sapi/v1/account/apiRestrictions", "").await.ok();
        assert_eq!(told["enableReading"], true, "{name}");
        assert_eq!([&told["enableSpotAndMarginTrading"], &told["enableWithdrawals"]], may, "{name}");
    }
}

#[tokio::test]
async fn parameters_are_read_strictly() {
    let world = World::new().await;
    let msg = world.public("/api/v3/time?timestamp=1").await.refused(400, -1101);
    assert_eq!(msg, "Too many parameters; expected '0' and received '1'.");
    let msg = world.public("/api/v3/ticker/price?symbol=BTCUSDT&timestamp=1").await.refused(400, -1104);
    assert_eq!(msg, "Not all sent parameters were read; read '1' parameter(s) but was sent '2'.");
    let msg = world.binance("trade", "GET", ACCOUNT, "colour=red").await.refused(400, -1104);
    assert_eq!(msg, "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.");
    let twice = world.public("/api/v3/ticker/price?symbol=BTCUSDT&symbol=ETHUSDT").await;
    assert_eq!(twice.refused(400, -1101), "Duplicate values for parameter 'symbol'.");
    let empty = world.public("/api/v3/ticker/price?symbol=").await;
    assert_eq!(empty.refused(400, -1105), "Parameter 'symbol' was empty.");
    let msg = world.public("/api/v3/ticker/price?symbol=btcusdt").await.refused(400, -1100);
    assert!(msg.starts_with("Illegal characters found in parameter 'symbol'; legal range is"), "{msg}");
    world.public("/api/v3/ticker/price?symbol=%FF").await.refused(400, -1130);
}

#[tokio::test]
async fn where_query_and_body_disagree_the_query_wins() {
    let world = World::new().await;
    let key = world.binance_key("trade");
    let (query, body) =
        ("symbol=ETHUSDT", world.timed(&BUY.replace("50000", "2500").replace("0.001", "0.01")));
    let signature = sign(&key, format!("{query}{body}").as_bytes());
    let request = world.request("POST", &format!("{ORDER}?{query}")).header("content-type", FORM);
    let request = request.header("x-mbx-apikey", &key.api_key);
    let order = Reply::of(request.body(format!("{body}&signature={signature}"))).await.ok();
    assert_eq!(order["symbol"], "ETHUSDT");
}

#[tokio::test]
async fn weight_is_counted_per_minute_and_a_spent_budget_says_when_to_return() {
    let mut config = Config::demo();
    config.limits.weight_1m = Some(21);
    let world = World::with(config).await;
    let reply = world.public("/api/v3/exchangeInfo").await;
    assert_eq!(reply.headers["x-mbx-used-weight-1m"], "20");
    assert_eq!(world.public("/api/v3/ping").await.headers["x-mbx-used-weight"], "21");
    let spent = world.public("/api/v3/ping").await;
    let seconds: i64 = spent.headers["retry-after"].parse().unwrap();
    assert!(spent.refused(429, -1003).starts_with("Too much request weight used; current limit is 21"));
    world.advance(seconds * 1000 - 1);
    world.public("/api/v3/ping").await.refused(429, -1003);
    world.advance(1);
    assert_eq!(world.public("/api/v3/ping").await.headers["x-mbx-used-weight-1m"], "1");
}

#[tokio::test]
async fn the_wallet_has_a_budget_of_its_own() {
    let mut config = Config::demo();
    config.limits.weight_1m = Some(5);
    let world = World::with(config).await;
    let coins = "/sapi/v1/capital/config/getall";
    let reply = world.binance("trade", "GET", coins, "").await;
    assert_eq!(reply.headers["x-sapi-used-ip-weight-1m"], "10");
    assert!(!reply.headers.contains_key("x-mbx-used-weight-1m"));
    world.binance("trade", "GET", coins, "").await.refused(429, -1003);
    assert_eq!(world.public("/api/v3/ping").await.headers["x-mbx-used-weight-1m"], "1");
}

#[tokio::test]
async fn orders_are_counted_per_account() {
    let mut config = Config::demo();
    config.limits.orders_10s = Some(2);
    let world = World::with(config).await;
    for count in ["1", "2"] {
        let placed = world.binance("trade", "POST", ORDER, BUY).await;
        assert_eq!(placed.headers["x-mbx-order-count-10s"], count);
        assert_eq!(placed.headers["x-mbx-order-count-1d"], count);
    }
    let msg = world.binance("trade-next", "POST", ORDER, BUY).await.refused(429, -1015);
    assert_eq!(msg, "Too many new orders; current limit is 2 orders per 10 SECOND.");
    world.binance("withdraw", "POST", ORDER, BUY).await.ok();
    world.advance(10_000);
    world.binance("trade", "POST", ORDER, BUY).await.ok();
}

#[tokio::test]
async fn unknown_paths_and_methods_are_no_success() {
    let world = World::new().await;
    let reply = world.public("/api/v3/nothing").await;
    assert_eq!((reply.status, text(&reply.body["path"])), (404, "/api/v3/nothing".to_owned()));
    let reply = world.binance("trade", "POST", "/api/v3/account", "").await;
    assert_eq!(reply.status, 405);
}

#[tokio::test]
async fn a_key_only_call_needs_a_key_but_no_signature() {
    let world = World::new().await;
    let target = "/api/v3/historicalTrades?symbol=BTCUSDT";
    world.public(target).await.refused(401, -2014);
    let key = world.binance_key("read-only").api_key;
    let trades = Reply::of(world.request("GET", target).header("x-mbx-apikey", key)).await.ok();
    assert_eq!(trades.as_array().unwrap().len(), 0);
}
