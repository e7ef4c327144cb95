//! `/api/v1/api-keys`: the older routes, in their documented shapes, with and without a final slash.

use demo_exchange::Fault;
use serde_json::{Value, json};

use crate::{
    api::{Api, Reply, text},
    bot::Bot,
    world::{PASSWORD, PRACTICE, World, key, new_connection, secret},
};

const KEYS: &str = "/api/v1/api-keys";

async fn add(api: &Api, path: &str, name: &str) -> Reply {
    let key = key("binance", name);
    let input = json!({"api_key": key.api_key, "secret_key": secret(&key), "label": "Main Account",
                       "environment": PRACTICE});
    api.post(path, input).await
}

/// The documented members and no others.
#[track_caller]
fn has_members(value: &Value, members: &[&str]) {
    let found: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(found, members);
}

const MEMBERS: [&str; 6] = ["id", "label", "api_key_masked", "is_valid", "created_at", "updated_at"];

#[tokio::test]
async fn key_is_created_shown_and_deleted_in_the_documented_shapes() {
    for slash in ["/", ""] {
        let world = World::new().await;
        let made = add(&world.api, &format!("{KEYS}{slash}"), "trade").await.is(200);
        has_members(&made, &MEMBERS);
        assert_eq!((&made["label"], &made["is_valid"]), (&json!("Main Account"), &json!(true)));
        let public = key("binance", "trade").api_key;
        assert_eq!(made["api_key_masked"], format!("{}****{}", &public[..4], &public[60..]));
        let shown = world.api.get(&format!("{KEYS}/me{slash}")).await.is(200);
        has_members(&shown, &MEMBERS);
        assert_eq!((&shown["id"], &shown["api_key_masked"]), (&made["id"], &made["api_key_masked"]));
        assert_eq!(
            world
                .count("exchange_connections where name = 'Primary' and api_key_label = 'Main Account'")
                .await,
            1
        );
        world.api.delete(&format!("{KEYS}/me{slash}")).await.is(200);
        world.api.get(&format!("{KEYS}/me{slash}")).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn balance_is_answered_with_decimals_as_texts() {
    let world = World::new().await;
    world.api.get(&format!("{KEYS}/balance")).await.problem(404, "not-found");
    add(&world.api, KEYS, "trade").await.is(200);
    let balances = world.api.get(&format!("{KEYS}/balance/")).await.is(200);
    let btc = balances.as_array().unwrap().iter().find(|held| held["symbol"] == "BTC").unwrap();
    has_members(btc, &["symbol", "total", "available", "locked", "usd_value"]);
    let number = |member: &str| text(&btc[member]).parse::<rust_decimal::Decimal>().unwrap();
    assert_eq!((number("total"), number("available"), number("locked")), (2.into(), 2.into(), 0.into()));
    assert!(number("usd_value") > 100_000.into(), "{btc}");
}

#[tokio::test]
async fn second_key_is_refused_in_the_documented_words() {
    let world = World::new().await;
    add(&world.api, KEYS, "trade").await.is(200);
    let detail = add(&world.api, KEYS, "read-only").await.problem(400, "duplicate-key");
    assert!(detail.contains("already exists"), "{detail}");
    assert_eq!(world.count("api_keys").await, 1);
}

#[tokio::test]
async fn bad_credentials_are_400_with_the_exchanges_code_and_nothing_stored() {
    let world = World::new().await;
    let good = key("binance", "trade");
    let input = json!({"api_key": good.api_key, "secret_key": "x".repeat(64), "environment": PRACTICE});
    let detail = world.api.post(KEYS, input).await.problem(400, "wrong-signature");
    assert!(detail.contains("-1022"), "{detail}");
    add(&world.api, KEYS, "withdraw").await.problem(400, "withdraw-allowed");
    world.nothing_stored().await;
}

#[tokio::test]
async fn exchange_out_of_reach_is_500() {
    let world = World::new().await;
    world.fault(Fault::DropBefore, "/api/v3/account");
    add(&world.api, KEYS, "trade").await.problem(500, "exchange-unreachable");
    world.nothing_stored().await;
    add(&world.api, KEYS, "trade").await.is(200);
    world.fault(Fault::DropBefore, "/api/v3/account");
    world.api.get(&format!("{KEYS}/balance")).await.problem(500, "exchange-unreachable");
}

#[tokio::test]
async fn missing_or_bad_token_is_401() {
    let world = World::new().await;
    for api in [world.api.nobody(), world.api.with_token("x.y.z")] {
        for path in [KEYS.to_owned(), format!("{KEYS}/")] {
            add(&api, &path, "trade").await.problem(401, "unauthorized");
        }
        api.get(&format!("{KEYS}/me")).await.problem(401, "unauthorized");
        api.get(&format!("{KEYS}/balance/")).await.problem(401, "unauthorized");
        api.delete(&format!("{KEYS}/me")).await.problem(401, "unauthorized");
    }
    world.nothing_stored().await;
    assert_eq!(world.demo.requests().len(), 0);
}

#[tokio::test]
async fn deleted_key_and_its_bots_are_dead_at_once_and_can_come_back_for_seven_days() {
    let world = World::new().await;
    world.api.delete(&format!("{KEYS}/me")).await.problem(404, "not-found");
    add(&world.api, KEYS, "trade").await.is(200);
    let connection = world.api.get("/api/v1/connections").await.is(200)[0].clone();
    let bot = Bot::make(&world.api, &connection, Value::Null).await;
    assert_eq!(bot.account().await.status, 200);
    let preview = world.api.delete(&format!("{KEYS}/me/?dry_run=true")).await.is(200);
    assert_eq!((&preview["deleted"], &preview["bots"][0]["id"]), (&json!(false), &json!(bot.id)));
    assert_eq!(world.count("api_keys").await, 1);
    let gone = world.api.delete(&format!("{KEYS}/me")).await.is(200);
    assert_eq!(gone["deleted"], true);
    assert!(gone["destroy_after"].is_string(), "{gone}");
    bot.account().await.binance(403, -1002, "connection-deleted");
    world.api.get(&format!("{KEYS}/me")).await.problem(404, "not-found");
    let path = format!("/api/v1/connections/{}", text(&gone["connection_id"]));
    world.api.post(&format!("{path}/restore"), json!({"password": PASSWORD})).await.is(200);
    world.api.tell(&format!("{path}/resume")).await.is(200);
    assert_eq!(bot.account().await.status, 200);
}

/// The same name stands in the practice environment and beside real money.
#[tokio::test]
async fn key_that_may_be_one_of_two_is_not_taken_for_the_other() {
    let world = World::new().await;
    add(&world.api, KEYS, "trade").await.is(200);
    let twin = "update exchange_connections set environment = 'production' where name = 'Primary'";
    world.execute(twin).await;
    world.execute("update api_keys set environment = 'production'").await;
    let mut other = new_connection("binance", "read-only");
    other["name"] = json!("Primary");
    world.api.post("/api/v1/connections", other).await.is(201);
    for path in [format!("{KEYS}/me"), format!("{KEYS}/balance")] {
        world.api.get(&path).await.problem(409, "duplicate");
    }
    world.api.delete(&format!("{KEYS}/me")).await.problem(409, "duplicate");
    assert_eq!(world.count("exchange_connections where deleted_at is null").await, 2);
}

#[tokio::test]
async fn both_doors_lead_to_the_same_key() {
    let world = World::new().await;
    let made = add(&world.api, KEYS, "trade").await.is(200);
    let connection = world.api.get("/api/v1/connections").await.is(200)[0].clone();
    assert_eq!((&connection["api_key_id"], &connection["name"]), (&made["id"], &json!("Primary")));
    let path = format!("/api/v1/connections/{}", text(&connection["id"]));
    world.api.delete(&path).await.is(200);
    world.api.get(&format!("{KEYS}/me")).await.problem(404, "not-found");
}
