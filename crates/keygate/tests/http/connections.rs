//! `/api/v1/connections`: a key goes in, is verified, is used, and goes.

use demo_exchange::Fault;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use time::Duration;

use crate::{
    api::{Api, Reply, text},
    bot::Bot,
    world::{PASSWORD, PRACTICE, World, key, new_connection, secret, secrets},
};

const CONNECTIONS: &str = "/api/v1/connections";

fn path(connection: &Value) -> String {
    format!("{CONNECTIONS}/{}", text(&connection["id"]))
}

async fn add(api: &Api, input: &Value) -> Reply {
    api.post(CONNECTIONS, input.clone()).await
}

#[tokio::test]
async fn key_is_verified_sealed_and_shown_masked() {
    let world = World::new().await;
    for (exchange, name) in
        [("binance", "trade"), ("binance", "ed25519"), ("binance", "rsa"), ("coinone", "upper")]
    {
        let mut input = new_connection(exchange, name);
        input["permissions"] = Value::Null;
        if exchange == "coinone" {
            input["secret"] = json!(secret(&key(exchange, name)).to_uppercase());
        }
        let made = add(&world.api, &input).await.is(201);
        let public = key(exchange, name).api_key;
        let masked = format!("{}****{}", &public[..4], &public[public.len() - 4..]);
        assert_eq!(made["api_key_masked"], masked);
        assert_eq!(
            made["permissions"],
            json!({"read": true, "trade": false, "withdraw": false, "transfer": false})
        );
        assert_eq!((&made["status"], &made["verification_status"]), (&json!("active"), &json!("verified")));
        let shown = world.api.get(&path(&made)).await.is(200);
        assert_eq!(shown["id"], made["id"]);
    }
    assert_eq!(
        world.count("api_key_permissions where can_read and not can_trade and not can_withdraw").await,
        4
    );
    for table in ["api_keys", "exchange_connections", "api_key_usage_audit", "exchange_api_calls"] {
        for secret in secrets() {
            let found = world.count(&format!("{table} t where t::text like '%{secret}%'")).await;
            assert_eq!(found, 0, "a secret stands in {table}");
        }
    }
    let public = key("binance", "trade").api_key;
    assert_eq!(world.count(&format!("api_keys t where t::text like '%{public}%'")).await, 0);
}

#[tokio::test]
async fn exchanges_own_record_of_a_key_is_shown() {
    let world = World::new().await;
    let made = world.connect("binance", "trade").await;
    let known = &made["exchange_permissions"];
    assert_eq!((&known["trade"], &known["withdraw"]), (&json!(true), &json!(false)), "{made}");
    let made = world.connect("coinone", "raw").await;
    assert_eq!(made["exchange_permissions"]["withdraw"], Value::Null, "Coinone does not say");
}

/// Each way a key can fail has its own code and says what to do, and leaves nothing behind.
#[tokio::test]
async fn key_that_fails_its_check_is_refused_by_name_and_not_stored() {
    let world = World::new().await;
    let good = new_connection("binance", "trade");
    let with = |member: &str, value: &str| {
        let mut input = good.clone();
        input[member] = json!(value);
        input
    };
    let cases = [
        (with("api_key", &"U".repeat(64)), None, 400, "wrong-key", "-2015"),
        (with("secret", &"x".repeat(64)), None, 400, "wrong-signature", "-1022"),
        (good.clone(), Some(Fault::Skew { ms: 60_000 }), 400, "clock-skew", "-1021"),
        (new_connection("binance", "ip-bound"), None, 400, "wrong-key", "-2015"),
        (good.clone(), Some(Fault::DropBefore), 502, "exchange-unreachable", ""),
        (good.clone(), Some(Fault::Status { status: 503 }), 502, "exchange-unreachable", ""),
        (good.clone(), Some(Fault::Garbage), 502, "exchange-unreachable", ""),
        (good.clone(), Some(Fault::RateLimited { retry_after_s: 1 }), 502, "exchange-unreachable", "-1003"),
    ];
    for (input, fault, status, code, word) in cases {
        world.demo.clear_faults();
        if let Some(fault) = fault {
            world.fault(fault, "/api/v3/account");
        }
        let detail = add(&world.api, &input).await.problem(status, code);
        assert!(detail.contains(word), "{code}: {detail}");
        world.nothing_stored().await;
        world.advance(Duration::seconds(2)); // the exchange wanted silence for a second
    }
    world.demo.clear_faults();
    add(&world.api, &good).await.is(201);
}

#[tokio::test]
async fn coinones_refusals_are_told_apart_too() {
    let world = World::new().await;
    let good = new_connection("coinone", "raw");
    let with = |member: &str, value: &str| {
        let mut input = good.clone();
        input[member] = json!(value);
        input
    };
    let cases = [
        (with("api_key", "de300000-0000-4000-8000-00000000dead"), "wrong-key"),
        (with("secret", "de305ec7-0000-4000-8000-00000000dead"), "wrong-signature"),
        (new_connection("coinone", "ip-bound"), "ip-not-allowed"),
    ];
    for (input, code) in cases {
        let mut input = input;
        if input["name"] == "ip-bound" {
            input["secret"] = json!(text(&input["secret"]).to_uppercase());
        }
        add(&world.api, &input).await.problem(400, code);
        world.nothing_stored().await;
    }
}

#[tokio::test]
async fn exchange_that_is_away_stores_nothing() {
    let world = World::new().await;
    world.demo.stop();
    add(&world.api, &new_connection("binance", "trade")).await.problem(502, "exchange-unreachable");
    world.nothing_stored().await;
}

#[tokio::test]
async fn exchange_that_repeats_the_key_in_its_refusal_is_not_quoted() {
    let world = World::new().await;
    for exchange in ["binance", "coinone"] {
        world.fault(Fault::EchoKey, if exchange == "binance" { "/api/v3/account" } else { "/v2.1/" });
        let input = new_connection(exchange, if exchange == "binance" { "trade" } else { "raw" });
        let reply = add(&world.api, &input).await;
        reply.problem(400, "wrong-key");
        assert!(!reply.text.contains(text(&input["api_key"])), "{}", reply.text);
    }
    world.nothing_stored().await;
}

#[tokio::test]
async fn key_that_may_withdraw_needs_an_explicit_word() {
    let world = World::new().await;
    let mut input = new_connection("binance", "withdraw");
    add(&world.api, &input).await.problem(400, "withdraw-allowed");
    input["accept_withdraw"] = json!(false);
    add(&world.api, &input).await.problem(400, "withdraw-allowed");
    world.nothing_stored().await;
    input["accept_withdraw"] = json!(true);
    let made = add(&world.api, &input).await.is(201);
    let findings = made["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["severity"] == "stop"), "{made}");
    assert_eq!(made["permissions"]["withdraw"], false, "accepting is not permitting");
}

#[tokio::test]
async fn same_key_or_same_name_is_refused_before_the_exchange_is_asked() {
    let world = World::new().await;
    let mut input = new_connection("binance", "trade");
    add(&world.api, &input).await.is(201);
    let asked = world.demo.requests().len();
    input["name"] = json!("another name");
    let detail = add(&world.api, &input).await.problem(400, "duplicate-key");
    assert!(detail.contains("'trade'"), "{detail}");
    let mut other = new_connection("binance", "read-only");
    other["name"] = json!("trade");
    add(&world.api, &other).await.problem(400, "duplicate-key");
    assert_eq!(world.demo.requests().len(), asked);
    assert_eq!(world.count("api_keys").await, 1);
}

#[tokio::test]
async fn same_key_sent_twice_at_once_is_stored_once() {
    let world = World::new().await;
    let input = new_connection("binance", "trade");
    let (a, b) = tokio::join!(add(&world.api, &input), add(&world.api, &input));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400], "{} {}", a.text, b.text);
    assert_eq!(world.count("exchange_connections").await, 1);
}

#[tokio::test]
async fn same_key_sent_twice_at_once_under_two_names_is_stored_once() {
    let world = World::new().await;
    let input = new_connection("binance", "trade");
    let mut other = input.clone();
    other["name"] = json!("another name");
    let (a, b) = tokio::join!(add(&world.api, &input), add(&world.api, &other));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400], "{} {}", a.text, b.text);
    assert_eq!(world.count("exchange_connections").await, 1);
}

#[tokio::test]
async fn check_asks_the_exchange_again_and_remembers_what_it_said() {
    let world = World::new().await;
    let made = world.connect("binance", "trade").await;
    let check = format!("{}/check", path(&made));
    assert_eq!(world.api.tell(&check).await.is(200)["verification_status"], "verified");
    let public = key("binance", "trade").api_key;
    assert!(world.demo.remove_key("binance", &public));
    world.api.tell(&check).await.problem(400, "wrong-key");
    let shown = world.api.get(&path(&made)).await.is(200);
    assert_eq!(shown["verification_status"], "failed");
    assert!(
        text(&shown["last_error"]).contains("-2015") || text(&shown["last_error"]).contains("-2008"),
        "{shown}"
    );
}

#[tokio::test]
async fn paused_connection_signs_nothing_until_it_is_resumed() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let path = format!("{CONNECTIONS}/{}", bot.connection);
    assert_eq!(bot.account().await.status, 200);
    assert_eq!(world.api.tell(&format!("{path}/pause")).await.is(200)["status"], "paused");
    bot.account().await.binance(403, -1002, "paused");
    let asked = world.demo.requests().len();
    bot.order().await.binance(403, -1002, "paused");
    assert_eq!(world.demo.requests().len(), asked);
    assert_eq!(world.api.tell(&format!("{path}/resume")).await.is(200)["status"], "active");
    assert_eq!(bot.account().await.status, 200);
}

/// What decides is whether it is enabled.
#[tokio::test]
async fn paused_connection_stays_paused_whatever_its_status_says() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.api.tell(&format!("{CONNECTIONS}/{}/pause", bot.connection)).await.is(200);
    let forged = format!("update exchange_connections set status = 'active' where id = '{}'", bot.connection);
    let changed = sqlx::query(AssertSqlSafe(forged)).execute(&mut world.superuser().await).await.unwrap();
    assert_eq!(changed.rows_affected(), 1);
    let asked = world.demo.requests().len();
    bot.account().await.binance(403, -1002, "paused");
    bot.order().await.binance(403, -1002, "paused");
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn pause_holds_on_every_instance_within_a_second() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = world.bot("binance", "trade").await;
    let elsewhere = bot.moved_to(&world.api.moved_to(&second));
    for _ in 0..4 {
        assert_eq!(elsewhere.account().await.status, 200); // known there by now
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    world.api.tell(&format!("{CONNECTIONS}/{}/pause", bot.connection)).await.is(200);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    elsewhere.account().await.binance(403, -1002, "paused");
}

#[tokio::test]
async fn change_renames_and_chooses_the_default() {
    let world = World::new().await;
    let first = world.connect("binance", "read-only").await;
    let second = world.connect("binance", "trade").await;
    assert_eq!((&first["is_default"], &second["is_default"]), (&json!(true), &json!(false)));
    let change = json!({"name": "Main", "label": "mine", "is_default": true});
    let changed = world.api.patch(&path(&second), change).await.is(200);
    assert_eq!((&changed["name"], &changed["label"]), (&json!("Main"), &json!("mine")));
    assert_eq!(changed["is_default"], true);
    assert_eq!(world.api.get(&path(&first)).await.is(200)["is_default"], false);
    let taken = world.api.patch(&path(&first), json!({"name": "Main"})).await;
    taken.problem(400, "duplicate-key");
    world.api.patch(&path(&first), json!({"name": " "})).await.names("/name");
    world.api.patch(&path(&first), json!({"secret": "x"})).await.names("/secret");
}

#[tokio::test]
async fn permission_taken_away_stops_the_bot() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    assert_eq!(bot.order().await.status, 200);
    let path = format!("{CONNECTIONS}/{}/limits", bot.connection);
    world.api.patch(&path, json!({"limits": {"can_trade": false}})).await.is(200);
    bot.order().await.binance(403, -1002, "permission");
    assert_eq!(bot.account().await.status, 200);
}

#[tokio::test]
async fn generations_of_a_key_are_listed() {
    let world = World::new().await;
    let made = world.connect("binance", "trade").await;
    let keys = world.api.get(&format!("{}/keys", path(&made))).await.is(200);
    assert_eq!(keys.as_array().unwrap().len(), 1);
    assert_eq!((&keys[0]["generation"], &keys[0]["is_current"]), (&json!(1), &json!(true)));
    assert_eq!(keys[0]["id"], made["api_key_id"]);
}

#[tokio::test]
async fn delete_says_first_what_would_go() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let path = format!("{CONNECTIONS}/{}", bot.connection);
    let preview = world.api.delete(&format!("{path}?dry_run=true")).await.is(200);
    assert_eq!((&preview["deleted"], &preview["destroy_after"]), (&json!(false), &Value::Null));
    assert_eq!(preview["bots"][0]["id"], bot.id);
    assert_eq!(preview["bots"][0]["access_keys"], 1);
    assert_eq!(bot.account().await.status, 200, "a dry run changes nothing");
}

#[tokio::test]
async fn deleted_connection_is_dead_at_once_and_can_come_back() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let path = format!("{CONNECTIONS}/{}", bot.connection);
    let gone = world.api.delete(&path).await.is(200);
    assert_eq!(gone["deleted"], true);
    bot.account().await.binance(403, -1002, "connection-deleted");
    world.api.tell(&format!("{path}/check")).await.problem(409, "connection-deleted");
    world.api.tell(&format!("{path}/resume")).await.problem(409, "connection-deleted");
    world.api.patch(&path, json!({"name": "x"})).await.problem(409, "connection-deleted");
    world.api.delete(&path).await.problem(409, "connection-deleted");
    let new_bot = json!({"connection_id": bot.connection, "name": "late"});
    world.api.post("/api/v1/bots", new_bot).await.problem(409, "connection-deleted");

    let restore = format!("{path}/restore");
    world.api.post(&restore, json!({})).await.problem(403, "step-up-required");
    world.api.post(&restore, json!({"password": "not the one"})).await.problem(401, "login-failed");
    bot.account().await.binance(403, -1002, "connection-deleted");
    let back = world.api.post(&restore, json!({"password": PASSWORD})).await.is(200);
    assert_eq!((&back["status"], &back["destroy_after"]), (&json!("paused"), &Value::Null));
    bot.account().await.binance(403, -1002, "paused");
    world.api.tell(&format!("{path}/resume")).await.is(200);
    assert_eq!(bot.account().await.status, 200);
}

#[tokio::test]
async fn deletion_is_carried_out_after_seven_days_and_not_before() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    let path = format!("{CONNECTIONS}/{}", bot.connection);
    world.api.delete(&path).await.is(200);
    world.advance(Duration::days(7) - Duration::minutes(1));
    keygate::job::round(&world.server.app).await;
    assert_eq!(world.count("exchange_connections").await, 1);
    world.advance(Duration::minutes(2));
    let owner = world.sign_in(crate::world::OWNER).await;
    let late = owner.post(&format!("{path}/restore"), json!({"password": PASSWORD})).await;
    assert_ne!(late.status, 200, "an undo came after its time");
    keygate::job::round(&world.server.app).await;
    world.nothing_stored().await;
    assert_eq!(world.count("access_keys").await, 0);
    assert_eq!(world.count("keygate.virtual_key").await, 0);
    assert!(world.count("api_key_usage_audit where class = 'trade'").await >= 2, "records outlive the key");
    owner.get(&path).await.problem(404, "not-found");
}

#[tokio::test]
async fn name_and_key_of_a_deleted_connection_are_free_again() {
    let world = World::new().await;
    let first = world.connect("binance", "trade").await;
    world.api.delete(&path(&first)).await.is(200);
    let second = world.connect("binance", "trade").await;
    assert_ne!(first["id"], second["id"]);
    let undo = world.api.post(&format!("{}/restore", path(&first)), json!({"password": PASSWORD})).await;
    undo.problem(400, "duplicate-key");
    assert_eq!(world.count("exchange_connections where deleted_at is null").await, 1);
}

#[tokio::test]
async fn definitions_say_what_a_key_consists_of() {
    let world = World::new().await;
    let listed = world.api.get("/api/v1/exchanges").await.is(200);
    let binance = listed.as_array().unwrap().iter().find(|exchange| exchange["id"] == "binance").unwrap();
    assert_eq!(binance["environments"][0], "production");
    assert!(binance["environments"].as_array().unwrap().contains(&json!(PRACTICE)));
    assert_eq!(binance["fields"], json!(["api_key", "secret"]));
    assert_eq!(binance["key_types"].as_array().unwrap().len(), 3);
    assert_eq!(binance["tells_permissions"], true);
    let coinone = listed.as_array().unwrap().iter().find(|exchange| exchange["id"] == "coinone").unwrap();
    assert_eq!(coinone["tells_permissions"], false);
}

#[tokio::test]
async fn bot_of_a_restored_connection_keeps_its_pair() {
    let world = World::new().await;
    let connection = world.connect("coinone", "raw").await;
    let bot = Bot::make(&world.api, &connection, Value::Null).await;
    world.api.delete(&path(&connection)).await.is(200);
    bot.coinone("/v2.1/account/balance/all", json!({})).await.coinone("40", "connection-deleted");
    let password = json!({"password": PASSWORD});
    world.api.post(&format!("{}/restore", path(&connection)), password).await.is(200);
    world.api.tell(&format!("{}/resume", path(&connection))).await.is(200);
    let reply = bot.coinone("/v2.1/account/balance/all", json!({})).await;
    assert_eq!(reply.body["result"], "success", "{}", reply.text);
}

#[tokio::test]
async fn warning_of_unlimited_trading_follows_the_limits_and_the_bots() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let path = format!("/api/v1/connections/{}", bot.connection);
    let said = async || {
        let findings = world.api.get(&path).await.is(200)["findings"].clone();
        let own = findings.as_array().unwrap().iter().find(|finding| finding["code"] == "no-limits").cloned();
        own.map(|finding| text(&finding["text"]).to_owned()).unwrap_or_default()
    };
    assert_eq!(said().await, "Bots may trade every pair in any size.");
    bot.limited(&world, json!({"max_trade_amount_usd": "500"})).await.is(200);
    assert_eq!(said().await, "Bots may trade every pair.");
    world.api.patch(&format!("/api/v1/bots/{}", bot.id), json!({"symbol": "BTC/USDT"})).await.is(200);
    assert_eq!(said().await, "");
    bot.limited(&world, json!({"max_trade_amount_usd": null})).await.is(200);
    assert_eq!(said().await, "Bots may trade in any size.");
    bot.limited(&world, json!({"can_trade": false})).await.is(200);
    assert_eq!(said().await, "");
}
