//! What an access key may do: scope, permission, symbol, address, and the form of its credential.

use serde_json::{Value, json};
use time::Duration;

use super::{ACCOUNT, SEND_OUT, WITHDRAW};
use crate::{
    api::{Reply, text},
    bot::{BUY, Bot, FORM},
    world::World,
};

/// A bot on a key that may withdraw, with a pair of these scopes.
async fn withdrawer(world: &World, scopes: Value) -> Bot {
    let connection = world.connect("binance", "withdraw").await;
    let input = json!({"connection_id": connection["id"], "name": "payout"});
    let bot = world.api.post("/api/v1/bots", input).await.is(201);
    let path = format!("/api/v1/bots/{}/access-keys", text(&bot["id"]));
    let issued = world.api.post(&path, json!({"scopes": scopes})).await.is(201);
    Bot::of(&world.api, &bot, &issued)
}

#[tokio::test]
async fn withdrawal_needs_a_signature_with_the_pair() {
    let world = World::new().await;
    let bot = withdrawer(&world, json!(["read", "trade", "withdraw"])).await;
    for bearer in [true, false] {
        let form = bot.api.request("POST", &format!("/x/binance{WITHDRAW}")).header("content-type", FORM);
        let request = match bearer {
            true => form.bearer_auth(&bot.token),
            false => form.header("x-keygate-key", &bot.token),
        };
        Reply::of(request.body(SEND_OUT)).await.binance(403, -1002, "withdraw-needs-pair");
    }
    assert_eq!(world.asked(WITHDRAW), 0);
    bot.binance("POST", WITHDRAW, SEND_OUT).await.is(200);
    assert_eq!(world.asked(WITHDRAW), 1);
    assert_eq!(world.count("api_key_usage_audit where class = 'withdraw' and phase = 'intent'").await, 1);
}

#[tokio::test]
async fn withdrawal_needs_scope_and_permission_both() {
    let world = World::new().await;
    let bot = withdrawer(&world, json!(["read", "trade"])).await;
    bot.binance("POST", WITHDRAW, SEND_OUT).await.binance(403, -1002, "scope");
    let bot = world.api.get(&format!("/api/v1/bots/{}", bot.id)).await.is(200);
    let path = format!("/api/v1/bots/{}/access-keys", text(&bot["id"]));
    let issued = world.api.post(&path, json!({"scopes": ["withdraw"]})).await.is(201);
    let wide = Bot::of(&world.api, &bot, &issued);
    let limits = format!("/api/v1/connections/{}/limits", wide.connection);
    world.api.patch(&limits, json!({"limits": {"can_withdraw": false}})).await.is(200);
    wide.binance("POST", WITHDRAW, SEND_OUT).await.binance(403, -1002, "permission");
    assert_eq!(world.asked(WITHDRAW), 0);
}

#[tokio::test]
async fn refused_withdrawal_of_a_trading_bot_is_final_in_both_dialects() {
    let world = World::new().await;
    let binance = world.bot("binance", "trade").await;
    let reply = binance.binance("POST", WITHDRAW, SEND_OUT).await;
    assert_eq!((reply.status, reply.body["code"].as_i64()), (403, Some(-1002)), "{}", reply.text);
    let coinone = world.bot("coinone", "raw").await;
    let payout = json!({"currency": "BTC", "amount": "0.1", "address": "demo-registered-address"});
    let reply = coinone.coinone("/v2.1/transaction/coin/withdrawal", payout).await;
    assert_eq!((reply.status, text(&reply.body["error_code"])), (200, "40"), "{}", reply.text);
    assert_eq!(world.asked(WITHDRAW) + world.asked("/v2.1/transaction"), 0);
}

#[tokio::test]
async fn keys_and_sessions_of_the_exchange_are_out_of_reach() {
    let world = World::new().await;
    let bot = withdrawer(&world, json!(["read", "trade", "transfer", "withdraw"])).await;
    let asked = world.demo.requests().len();
    for (method, path) in [
        ("POST", "/api/v3/userDataStream"),
        ("POST", "/sapi/v1/userListenToken"),
        ("POST", "/sapi/v1/broker/subAccountApi"),
        ("POST", "/sapi/v1/account/enableFastWithdrawSwitch"),
        ("GET", "/sapi/v1/sub-account/list"),
    ] {
        let reply = bot.binance(method, path, "").await;
        reply.binance(403, -1002, "permission");
    }
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn sub_accounts_are_managed_by_whom_that_is_granted_to() {
    const LIST: &str = "/sapi/v1/sub-account/list";
    let world = World::new().await;
    let bot = withdrawer(&world, json!(["read", "trade", "transfer", "withdraw"])).await;
    bot.limited(&world, json!({"can_manage_sub_accounts": true})).await.is(200);
    assert!(bot.binance("GET", LIST, "").await.is(200)["subAccounts"].is_array());
    let path = format!("/api/v1/bots/{}/access-keys", bot.id);
    let narrow = world.api.post(&path, json!({"scopes": ["read", "trade"]})).await.is(201);
    let named = json!({"id": bot.id, "connection_id": bot.connection});
    Bot::of(&world.api, &named, &narrow).binance("GET", LIST, "").await.binance(403, -1002, "scope");
    bot.limited(&world, json!({"can_manage_sub_accounts": false})).await.is(200);
    bot.binance("GET", LIST, "").await.binance(403, -1002, "permission");
    assert_eq!(world.asked(LIST), 1);
}

#[tokio::test]
async fn connection_that_may_only_read_does_not_trade() {
    let world = World::new().await;
    let mut input = crate::world::new_connection("binance", "trade");
    input["permissions"] = Value::Null;
    let connection = world.api.post("/api/v1/connections", input).await.is(201);
    let bot = Bot::make(&world.api, &connection, Value::Null).await;
    bot.account().await.is(200);
    let reply = bot.order().await;
    assert_eq!((reply.status, reply.body["code"].as_i64()), (403, Some(-1002)), "{}", reply.text);
    assert_eq!(world.asked("/api/v3/order"), 0);
}

#[tokio::test]
async fn bot_with_a_symbol_trades_that_one_alone() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let bot = Bot::make(&world.api, &connection, json!("BTC/USDT")).await;
    bot.order().await.is(200);
    let asked = world.asked("/api/v3/order");
    let other = BUY.replace("BTCUSDT", "ETHUSDT").replace("50000", "2000").replace("0.001", "0.01");
    bot.binance("POST", "/api/v3/order", &other).await.binance(403, -1002, "symbol");
    assert_eq!(world.asked("/api/v3/order"), asked);
    bot.account().await.is(200);
    let cancel = bot.binance("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await;
    assert_eq!(cancel.status, 200, "{}", cancel.text);
}

#[tokio::test]
async fn coinone_bot_with_a_symbol_trades_that_one_alone() {
    let world = World::new().await;
    let connection = world.connect("coinone", "raw").await;
    let bot = Bot::make(&world.api, &connection, json!("ETH/KRW")).await;
    let order = |coin: &str, price: &str, amount: &str| {
        json!({"side": "BUY", "quote_currency": "KRW", "target_currency": coin, "type": "LIMIT",
               "price": price, "qty": amount, "post_only": false})
    };
    bot.coinone("/v2.1/order", order("BTC", "70000000", "0.001")).await.coinone("40", "symbol");
    let reply = bot.coinone("/v2.1/order", order("ETH", "3000000", "0.01")).await;
    assert_eq!(reply.body["result"], "success", "{}", reply.text);
    assert_eq!(world.asked("/v2.1/order"), 1);
}

#[tokio::test]
async fn calls_come_from_allowed_addresses_only() {
    let world = World::with(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let bot = world.bot("binance", "trade").await;
    world.execute("update access_keys set allowed_ip_addresses = array['203.0.113.0/24'::inet]").await;
    let from = |address: &str| {
        let request = bot.binance_request("GET", "/api/v3/account", &bot.signed("", crate::bot::now()));
        request.header("x-forwarded-for", address)
    };
    for allowed in ["203.0.113.7", "10.0.0.1, 203.0.113.7", "::ffff:203.0.113.7"] {
        assert_eq!(Reply::of(from(allowed)).await.status, 200, "{allowed}");
    }
    let asked = world.demo.requests().len();
    for refused in ["198.51.100.1", "203.0.113.7, 198.51.100.1", "nonsense", "203.0.113.7, nonsense", ""] {
        Reply::of(from(refused)).await.binance(403, -1002, "address");
    }
    world.execute("update access_keys set allowed_ip_addresses = '{}'").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    Reply::of(from("203.0.113.7")).await.binance(403, -1002, "address");
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn key_of_the_exchange_may_have_an_address_list_of_its_own() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world
        .execute("update api_key_permissions set allowed_ip_addresses = array['203.0.113.0/24'::inet]")
        .await;
    world.server.app.gate.accounts.forget_all();
    bot.account().await.binance(403, -1002, "address");
}

#[tokio::test]
async fn expired_pair_is_refused() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.advance(Duration::days(366));
    let at = world.clock.now_ms();
    let request = bot.binance_request("GET", "/api/v3/account", &bot.signed("", at));
    Reply::of(request).await.binance(403, -1002, "expired");
}

#[tokio::test]
async fn personal_key_uses_the_default_connection_or_the_one_it_names() {
    let world = World::new().await;
    let first = world.connect("binance", "read-only").await;
    world.connect("binance", "trade").await;
    let issued = world.api.post("/api/v1/access-keys", json!({"scopes": ["read", "trade"]})).await.is(201);
    let request = |connection: Option<&str>| {
        let request =
            world.api.nobody().request("GET", ACCOUNT).header("x-keygate-key", text(&issued["token"]));
        match connection {
            Some(connection) => request.header("x-keygate-connection", connection),
            None => request,
        }
    };
    let signer = || world.demo.requests().last().unwrap().signed_by.as_ref().unwrap().account.clone();
    Reply::of(request(None)).await.is(200);
    assert_eq!(signer(), "read-only");
    Reply::of(request(Some("trade"))).await.is(200);
    assert_eq!(signer(), "trade");
    Reply::of(request(Some(text(&first["id"])))).await.is(200);
    assert_eq!(signer(), "read-only");
    Reply::of(request(Some("nowhere"))).await.binance(403, -1002, "no-connection");
    let form = world.api.nobody().request("POST", "/x/binance/api/v3/order").header("content-type", FORM);
    let order = form.bearer_auth(text(&issued["token"])).header("x-keygate-connection", "trade").body(BUY);
    Reply::of(order).await.is(200);
    // the practice account and the real one may have one name
    world
        .execute(
            "update exchange_connections set name = 'trade', environment = 'production' where is_default",
        )
        .await;
    world.server.app.gate.accounts.forget_all();
    Reply::of(request(Some("trade"))).await.binance(403, -1002, "ambiguous-connection");
}

#[tokio::test]
async fn personal_key_that_may_read_does_not_trade() {
    let world = World::new().await;
    world.connect("binance", "trade").await;
    let issued = world.api.post("/api/v1/access-keys", json!({"scopes": ["read", "manage"]})).await.is(201);
    let form = world.api.nobody().request("POST", "/x/binance/api/v3/order").header("content-type", FORM);
    let order = form.bearer_auth(text(&issued["token"])).body(BUY);
    Reply::of(order).await.binance(403, -1002, "scope");
    assert_eq!(world.asked("/api/v3/order"), 0);
}
