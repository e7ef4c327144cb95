//! `/x/{exchange}/…`: what a bot may do, in which words it is refused, and what reaches the exchange.

use demo_exchange::Fault;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    api::{Reply, text},
    bot::{BUY, Bot, FORM, binance_signature, now},
    world::{World, key, secret},
};

mod backlog;
mod bypass;
mod lanes;
mod queue;
mod records;
mod rights;
mod strangers;

const ACCOUNT: &str = "/x/binance/api/v3/account";
const WITHDRAW: &str = "/sapi/v1/capital/withdraw/apply";
const SEND_OUT: &str = "coin=USDT&address=TDemoAddress&amount=10&network=TRX";

#[tokio::test]
async fn order_goes_through_signed_with_the_real_key_and_without_a_trace_of_the_virtual_one() {
    let world = World::new().await;
    for name in ["trade", "ed25519", "rsa"] {
        let bot = world.bot("binance", name).await;
        world.demo.forget_requests();
        let answer = bot.order().await.is(200);
        assert_eq!((&answer["symbol"], &answer["price"]), (&json!("BTCUSDT"), &json!("50000.00000000")));
        let requests = world.demo.requests();
        assert_eq!(requests.len(), 1, "sent once");
        let signer = requests[0].signed_by.as_ref().unwrap();
        assert_eq!(signer.account, name);
        let seen = serde_json::to_string(&requests).unwrap();
        for private in [&bot.key, &bot.secret, &bot.token] {
            assert!(!seen.contains(private.as_str()), "{private} reached the exchange");
        }
        assert!(!seen.contains("kg_") && !seen.to_lowercase().contains("keygate"), "{seen}");
    }
}

#[tokio::test]
async fn coinone_order_goes_through_as_both_kinds_of_client_sign() {
    let world = World::new().await;
    let bot = world.bot("coinone", "raw").await;
    world.demo.forget_requests();
    let order = json!({"side": "BUY", "quote_currency": "KRW", "target_currency": "BTC", "type": "LIMIT",
                       "price": "70000000", "qty": "0.001", "post_only": false});
    let answer = bot.coinone("/v2.1/order", order).await;
    assert_eq!(answer.body["result"], "success", "{}", answer.text);
    let seen = serde_json::to_string(&world.demo.requests()).unwrap();
    assert_eq!(world.demo.requests()[0].signed_by.as_ref().unwrap().account, "raw");
    assert!(!seen.contains(&bot.key) && !seen.contains(&bot.secret));
    let lower = Bot { secret: bot.secret.to_lowercase(), ..bot.clone() };
    lower.coinone("/v2.1/account/balance/all", json!({})).await.coinone("123", "bad-signature");
}

#[tokio::test]
async fn answer_of_the_exchange_passes_with_status_body_and_rate_headers() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let refused = bot.binance("GET", "/api/v3/order", "symbol=BTCUSDT&orderId=999999").await;
    assert_eq!((refused.status, refused.body["code"].as_i64()), (400, Some(-2013)), "{}", refused.text);
    assert_eq!(refused.header("keygate-problem"), None, "the refusal is the exchange's own");
    let account = bot.account().await;
    assert!(account.header("x-mbx-used-weight-1m").is_some(), "{:?}", account.headers);
    let order = bot.order().await;
    assert!(order.header("x-mbx-order-count-10s").is_some(), "{:?}", order.headers);
    world.fault(Fault::Status { status: 503 }, "/api/v3/account");
    let html = bot.account().await;
    assert_eq!((html.status, html.header("content-type")), (503, Some("text/html")));
    assert!(html.text.contains("503 upstream trouble"));
    world.fault(Fault::Garbage, "/api/v3/account");
    assert_eq!(bot.account().await.text, "{\"orderId\": <garbage");
    world.fault(Fault::RateLimited { retry_after_s: 7 }, "/api/v3/account");
    let limited = bot.account().await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")));
}

#[tokio::test]
async fn real_key_does_not_come_back_even_if_the_exchange_repeats_it() {
    let world = World::new().await;
    let binance = world.bot("binance", "trade").await;
    let coinone = world.bot("coinone", "raw").await;
    world.fault(Fault::EchoKey, "/api/v3/account");
    let reply = binance.account().await;
    assert_eq!((reply.status, reply.body["code"].as_i64()), (401, Some(-2015)));
    assert!(
        !reply.text.contains(&key("binance", "trade").api_key) && reply.text.contains("****"),
        "{}",
        reply.text
    );
    world.fault(Fault::EchoKey, "/v2.1/");
    let reply = coinone.coinone("/v2.1/account/balance/all", json!({})).await;
    assert!(
        !reply.text.contains(&key("coinone", "raw").api_key) && reply.text.contains("****"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn wrong_stale_and_missing_signatures_are_refused_in_the_exchanges_words() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let asked = world.demo.requests().len();
    let wrong = Bot { secret: "x".repeat(64), ..bot.clone() };
    wrong.account().await.binance(400, -1022, "bad-signature");
    let real = Bot { secret: secret(&key("binance", "trade")), ..bot.clone() };
    real.account().await.binance(400, -1022, "bad-signature");
    for shift in [-70_000, 70_000] {
        let stale = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now() + shift));
        Reply::of(stale).await.binance(400, -1021, "stale");
    }
    let unsigned = format!("timestamp={}", now());
    let reply = Reply::of(bot.binance_request("GET", "/api/v3/account", &unsigned)).await;
    reply.binance(400, -1022, "no-signature");
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn changed_request_does_not_carry_its_signature() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let asked = world.demo.requests().len();
    let signed = bot.signed(BUY, now());
    for (from, to) in [("0.001", "0.002"), ("BUY", "SELL"), ("50000", "60000"), ("BTCUSDT", "ETHUSDT")] {
        let changed = bot.binance_request("POST", "/api/v3/order", &signed.replacen(from, to, 1));
        Reply::of(changed).await.binance(400, -1022, "bad-signature");
    }
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn signed_order_is_good_for_one_use_and_a_read_for_many() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.demo.forget_requests();
    let order = bot.signed(BUY, now());
    Reply::of(bot.binance_request("POST", "/api/v3/order", &order)).await.is(200);
    Reply::of(bot.binance_request("POST", "/api/v3/order", &order)).await.binance(403, -1002, "replay");
    // The same parameters in the query are the same signed text.
    let moved = bot.api.request("POST", &format!("/x/binance/api/v3/order?{order}"));
    Reply::of(moved.header("x-mbx-apikey", &bot.key)).await.binance(403, -1002, "replay");
    assert_eq!(world.asked("/api/v3/order"), 1);
    let read = bot.signed("", now());
    for _ in 0..3 {
        Reply::of(bot.binance_request("GET", "/api/v3/account", &read)).await.is(200);
    }
    let second = world.second_server().await;
    let elsewhere = bot.moved_to(&world.api.moved_to(&second));
    let reply = Reply::of(elsewhere.binance_request("POST", "/api/v3/order", &order)).await;
    reply.binance(403, -1002, "replay");
}

#[tokio::test]
async fn order_sent_many_times_at_once_reaches_the_exchange_once() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.demo.forget_requests();
    let order = bot.signed(BUY, now());
    let send = || Reply::of(bot.binance_request("POST", "/api/v3/order", &order));
    let replies = futures_util::future::join_all((0..24).map(|_| send())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(world.asked("/api/v3/order"), 1);
}

#[tokio::test]
async fn coinone_order_is_good_for_one_use() {
    let world = World::new().await;
    let bot = world.bot("coinone", "raw").await;
    let order = json!({"side": "BUY", "quote_currency": "KRW", "target_currency": "BTC", "type": "LIMIT",
                       "price": "70000000", "qty": "0.001", "post_only": false});
    let payload = bot.coinone_payload(order);
    let first = Reply::of(bot.coinone_request("/v2.1/order", &payload)).await;
    assert_eq!(first.body["result"], "success", "{}", first.text);
    Reply::of(bot.coinone_request("/v2.1/order", &payload)).await.coinone("40", "replay");
}

#[tokio::test]
async fn whole_access_key_works_as_header_and_as_bearer() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let request = || bot.api.request("GET", ACCOUNT);
    Reply::of(request().header("x-keygate-key", &bot.token)).await.is(200);
    Reply::of(request().bearer_auth(&bot.token)).await.is(200);
    Reply::of(request().header("authorization", format!("bearer {}", bot.token))).await.is(200);
    // What the client library signed with its dummies is dropped.
    let dummy = format!("{ACCOUNT}?recvWindow=5000&timestamp=1&signature={}", "0".repeat(64));
    let request =
        bot.api.request("GET", &dummy).header("x-mbx-apikey", "dummy").header("x-keygate-key", &bot.token);
    Reply::of(request).await.is(200);
    let form = bot.api.request("POST", "/x/binance/api/v3/order").header("content-type", FORM).body(BUY);
    Reply::of(form.bearer_auth(&bot.token)).await.is(200);
}

#[tokio::test]
async fn exactly_one_credential_is_taken() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let asked = world.demo.requests().len();
    let request = || bot.api.request("GET", ACCOUNT).header("x-keygate-key", &bot.token);
    let signed = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now()));
    for double in [
        request().bearer_auth(&bot.token),
        request().header("x-keygate-key", &bot.token),
        signed.header("x-keygate-key", &bot.token),
        bot.binance_request("GET", "/api/v3/account", &bot.signed("", now())).bearer_auth(&bot.token),
    ] {
        Reply::of(double).await.binance(403, -1002, "one-credential");
    }
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn unknown_and_half_credentials_open_nothing() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let asked = world.demo.requests().len();
    let request = || bot.api.request("GET", ACCOUNT);
    Reply::of(request()).await.binance(401, -2014, "unknown-key");
    for half in [bot.key.as_str(), "kg_00000000", &bot.token[..48], "kg_"] {
        Reply::of(request().header("x-keygate-key", half)).await.binance(401, -2014, "unknown-key");
        Reply::of(request().bearer_auth(half)).await.binance(401, -2014, "unknown-key");
    }
    let stranger = Bot { key: "kg_Abcd1234".to_owned(), ..bot.clone() };
    stranger.account().await.binance(401, -2014, "unknown-key");
    // A real key of the exchange is no credential here, and must not reach it either.
    let real = key("binance", "trade");
    let timed = format!("timestamp={}", now());
    let signature = binance_signature(&secret(&real), &timed);
    let own = bot.api.request("GET", &format!("{ACCOUNT}?{timed}&signature={signature}"));
    Reply::of(own.header("x-mbx-apikey", &real.api_key)).await.binance(401, -2014, "unknown-key");
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn pair_of_one_exchange_is_worth_nothing_at_another() {
    let world = World::new().await;
    let coinone = world.bot("coinone", "raw").await;
    let asked = world.demo.requests().len();
    let reply = coinone.account().await;
    assert!([401, 403].contains(&reply.status), "{}", reply.text);
    let request = coinone.api.request("GET", ACCOUNT).header("x-keygate-key", &coinone.token);
    Reply::of(request).await.binance(403, -1002, "no-connection");
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn market_data_needs_no_credential_and_carries_none() {
    let world = World::new().await;
    let reply = world.api.nobody().get("/x/binance/api/v3/ticker/price?symbol=BTCUSDT").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let request = world.api.nobody().request("GET", "/x/binance/api/v3/time");
    let real = key("binance", "trade").api_key;
    Reply::of(
        request.header("x-mbx-apikey", &real).header("cookie", "a=b").header("x-forwarded-for", "1.2.3.4"),
    )
    .await
    .is(200);
    let seen = serde_json::to_string(&world.demo.requests()).unwrap();
    assert!(!seen.contains(&real) && !seen.contains("1.2.3.4") && !seen.contains("cookie"), "{seen}");
    let coinone = world.api.nobody().get("/x/coinone/public/v2/ticker_new/KRW/BTC").await.is(200);
    assert_eq!(coinone["result"], "success");
    assert_eq!(world.count("api_key_usage_audit where class is not null").await, 0);
}

#[tokio::test]
async fn market_data_without_a_credential_has_a_limit() {
    let world = World::with(|config| config.gateway.public_per_minute = 3).await;
    let nobody = world.api.nobody();
    for _ in 0..3 {
        nobody.get("/x/binance/api/v3/time").await.is(200);
    }
    let limited = nobody.get("/x/binance/api/v3/time").await;
    assert_eq!((limited.status, limited.body["code"].as_i64()), (429, Some(-1003)), "{}", limited.text);
    assert!(limited.header("retry-after").is_some());
    world.advance(Duration::minutes(2));
    nobody.get("/x/binance/api/v3/time").await.is(200);
}

/// Each look for a key costs the database a transaction, and each wrong signature a record.
#[tokio::test]
async fn who_tries_keys_and_signatures_out_is_turned_away_and_whoever_holds_one_is_not() {
    let world = World::with(|config| config.gateway.public_per_minute = 3).await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    let nobody = Bot { key: "kg_nosuchkey".to_owned(), ..bot.clone() };
    for _ in 0..2 {
        nobody.account().await.binance(401, -2014, "unknown-key");
    }
    let wrong = Bot { secret: "x".repeat(64), ..bot.clone() };
    wrong.account().await.binance(400, -1022, "bad-signature");
    let denied = "api_key_usage_audit where operation_type = 'deny'";
    world.flush().await;
    for guess in [nobody, wrong] {
        guess.account().await.binance(429, -1003, "rate");
    }
    bot.account().await.is(200);
    world.flush().await;
    assert_eq!(world.count(denied).await, 1);
}

#[tokio::test]
async fn who_reads_too_much_market_data_can_still_use_a_key() {
    let world = World::with(|config| config.gateway.public_per_minute = 3).await;
    let bot = world.bot("binance", "trade").await;
    for _ in 0..4 {
        world.api.nobody().get("/x/binance/api/v3/time").await;
    }
    world.server.app.gate.accounts.forget_all();
    bot.account().await.is(200);
}

#[tokio::test]
async fn unknown_exchange_and_unknown_endpoint_go_nowhere() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let asked = world.demo.requests().len();
    for path in ["/x/", "/x/nowhere/api/v3/time", "/x/binance", "/x/Binance/api/v3/time", "/x//api/v3/time"] {
        let reply = bot.api.get(path).await;
        assert_eq!(reply.status, 404, "{path}: {}", reply.text);
    }
    for path in
        ["/x/binance/", "/x/binance.nogroup/api/v3/time", "/x/binance/api/v9/order", "/x/binance/wapi/v3/x"]
    {
        let request = bot.api.request("GET", path).header("x-keygate-key", &bot.token);
        let reply = Reply::of(request).await;
        assert!((400..500).contains(&reply.status), "{path}: {}", reply.text);
    }
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn bodies_and_answers_have_limits() {
    let world = World::with(|config| config.gateway.max_answer = 2000).await;
    let bot = world.bot("coinone", "raw").await;
    let asked = world.demo.requests().len();
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(70_000));
    let request = bot.api.request("POST", "/x/coinone/v2.1/order").header("content-type", "application/json");
    let reply = Reply::of(request.header("x-keygate-key", &bot.token).body(body)).await;
    reply.coinone("107", "bad-request");
    assert_eq!(world.demo.requests().len(), asked);
    let reply = world.api.nobody().get("/x/binance/api/v3/exchangeInfo").await;
    assert_eq!((reply.status, reply.header("keygate-problem")), (504, Some("outcome-unknown")));
}

#[tokio::test]
async fn headers_of_the_caller_stay_here() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.demo.forget_requests();
    let request = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now()));
    let odd = [
        "x-forwarded-for",
        "x-evil",
        "cookie",
        "referer",
        "origin",
        "traceparent",
        "x-request-id",
        "via",
        "forwarded",
    ];
    let request = odd.iter().fold(request, |request, name| request.header(*name, "c4n4ry"));
    Reply::of(request).await.is(200);
    let seen = serde_json::to_string(&world.demo.requests()).unwrap();
    assert!(!seen.contains("c4n4ry"), "{seen}");
}

#[tokio::test]
async fn order_whose_client_goes_away_is_carried_out_and_recorded() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.fault(Fault::Delay { ms: 2000 }, "/api/v3/order");
    let request = bot.binance_request("POST", "/api/v3/order", &bot.signed(BUY, now()));
    let impatient = request.timeout(std::time::Duration::from_millis(1000)).send().await;
    assert!(impatient.is_err());
    let outcome = "api_key_usage_audit where phase = 'outcome' and success";
    for _ in 0..50 {
        if world.count(outcome).await == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the order has no outcome");
}

/// The text of a refusal names the rule and the request, by an id that its caller cannot choose.
#[tokio::test]
async fn refusal_names_the_request_it_answers() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.api.tell(&format!("/api/v1/connections/{}/pause", bot.connection)).await.is(200);
    let chosen = "0192f0c1-2b3c-7d4e-8f50-112233445566";
    let request = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now()));
    let reply = Reply::of(request.header("x-request-id", chosen)).await;
    let said = reply.binance(403, -1002, "paused");
    let id = reply.header("x-request-id").unwrap();
    assert!(id != chosen && said.contains(id), "{said}");
    world.flush().await;
    let found = world.api.get(&format!("/api/v1/activity?request_id={id}")).await.is(200);
    assert_eq!((text(&found["items"][0]["rule"]), &found["items"][0]["success"]), ("paused", &json!(false)));
    assert_eq!(found["items"][0]["decision"], "deny");
    assert_eq!(found["next_cursor"], Value::Null);
}
