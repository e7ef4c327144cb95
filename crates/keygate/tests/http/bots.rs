//! `/api/v1/bots`.

use serde_json::{Value, json};

use crate::{
    api::text,
    bot::Bot,
    world::{PASSWORD, World},
};

mod symbol;

const BOTS: &str = "/api/v1/bots";

#[tokio::test]
async fn bot_is_made_listed_changed_and_deleted() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let input = json!({"connection_id": connection["id"], "name": " grid ", "symbol": "btc/usdt"});
    let made = world.api.post(BOTS, input).await.is(201);
    assert_eq!((&made["name"], &made["symbol"]), (&json!("grid"), &json!("BTC/USDT")));
    assert_eq!((&made["is_active"], &made["exchange"]), (&json!(true), &json!("binance")));
    assert_eq!(made["api_key_id"], connection["api_key_id"]);
    let path = format!("{BOTS}/{}", text(&made["id"]));
    assert_eq!(world.api.get(BOTS).await.is(200).as_array().unwrap().len(), 1);
    let changed = world.api.patch(&path, json!({"name": "grid 2", "is_active": false})).await.is(200);
    assert_eq!((&changed["name"], &changed["is_active"]), (&json!("grid 2"), &json!(false)));
    assert_eq!(changed["symbol"], "BTC/USDT", "absent leaves it");
    let any = json!({"symbol": null, "password": PASSWORD});
    let changed = world.api.patch(&path, any).await.is(200);
    assert_eq!(changed["symbol"], Value::Null, "null lifts it");
    assert_eq!(world.api.get("/api/v1/connections").await.is(200)[0]["bots"], 1);
    world.api.delete(&path).await.is(204);
    world.api.get(&path).await.problem(404, "not-found");
    assert_eq!(world.count("bot_configs").await, 0);
}

#[tokio::test]
async fn two_bots_cannot_share_a_name() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let input = json!({"connection_id": connection["id"], "name": "grid"});
    world.api.post(BOTS, input.clone()).await.is(201);
    world.api.post(BOTS, input).await.problem(409, "duplicate");
}

#[tokio::test]
async fn bot_needs_a_connection_a_name_and_a_sane_symbol() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let absent = json!({"connection_id": uuid::Uuid::nil(), "name": "x"});
    world.api.post(BOTS, absent).await.problem(404, "not-found");
    let id = &connection["id"];
    world.api.post(BOTS, json!({"connection_id": id, "name": ""})).await.names("/name");
    world.api.post(BOTS, json!({"connection_id": id, "name": "x".repeat(101)})).await.names("/name");
    let odd = json!({"connection_id": id, "name": "x", "symbol": "BTC USDT; drop"});
    world.api.post(BOTS, odd).await.names("/symbol");
    world.api.post(BOTS, json!({"connection_id": "17", "name": "x"})).await.names("/connection_id");
    assert_eq!(world.count("bot_configs").await, 0);
}

#[tokio::test]
async fn stopped_bot_calls_nothing_until_it_is_started() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let path = format!("{BOTS}/{}", bot.id);
    assert_eq!(bot.account().await.status, 200);
    world.api.patch(&path, json!({"is_active": false})).await.is(200);
    bot.account().await.binance(403, -1002, "bot-stopped");
    world.api.patch(&path, json!({"is_active": true})).await.is(200);
    assert_eq!(bot.account().await.status, 200);
}

#[tokio::test]
async fn deleted_bot_takes_its_pairs_along() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    assert_eq!(bot.account().await.status, 200);
    world.api.delete(&format!("{BOTS}/{}", bot.id)).await.is(204);
    bot.account().await.binance(401, -2014, "unknown-key");
    assert_eq!(world.count("access_keys").await, 0);
    assert_eq!(world.count("keygate.virtual_key").await, 0);
}

#[tokio::test]
async fn pair_is_shown_once_in_the_exchanges_format() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    assert_eq!(bot.secret.len(), 64);
    assert!(bot.secret.chars().all(|c| c.is_ascii_alphanumeric()));
    let coinone = world.bot("coinone", "raw").await;
    assert_eq!(coinone.secret, coinone.secret.to_uppercase(), "some clients write secrets in capitals");
    let listed = world.api.get(&format!("{BOTS}/{}/access-keys", bot.id)).await;
    for shown in [&bot.secret, &bot.token] {
        assert!(!listed.text.contains(shown.as_str()), "shown again");
    }
    let listed = listed.is(200);
    assert_eq!((&listed[0]["prefix"], &listed[0]["bot_id"]), (&json!(bot.key), &json!(bot.id)));
    for secret in [&bot.secret, &bot.token] {
        assert_eq!(world.count(&format!("access_keys t where t::text like '%{secret}%'")).await, 0);
        assert_eq!(world.count(&format!("keygate.virtual_key t where t::text like '%{secret}%'")).await, 0);
    }
}

#[tokio::test]
async fn two_pairs_of_a_bot_work_beside_each_other() {
    let world = World::new().await;
    let first = world.bot("binance", "trade").await;
    let bot = world.api.get(&format!("{BOTS}/{}", first.id)).await.is(200);
    let second = Bot::pair(&world.api, &bot).await;
    assert_eq!((first.account().await.status, second.account().await.status), (200, 200));
    world.api.delete(&format!("/api/v1/access-keys/{}", first.access_key)).await.is(204);
    first.account().await.binance(403, -1002, "revoked");
    assert_eq!(second.account().await.status, 200);
}
