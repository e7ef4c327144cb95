//! `/api/settings`: the registry of exchanges by number, and one key for each.

use serde_json::{Value, json};

use crate::{
    api::{Api, Reply, text},
    world::{PRACTICE, World, key, secret},
};

const EXCHANGES: &str = "/api/settings/exchanges";
const KEY: &str = "/api/settings/exchange-api-key";

async fn register(api: &Api, exchange_id: i32, user_no: Value) -> Reply {
    let key = key("coinone", "upper");
    let input = json!({"user_no": user_no, "exchange_id": exchange_id, "public_key": key.api_key,
                       "private_key": secret(&key).to_uppercase(), "environment": PRACTICE});
    api.post(KEY, input).await
}

#[tokio::test]
async fn registry_begins_with_coinone_as_101_and_grows_by_administrators() {
    let world = World::new().await;
    for path in [EXCHANGES.to_owned(), format!("{EXCHANGES}/")] {
        let listed = world.api.get(&path).await.is(200);
        assert_eq!(listed[0], json!({"exchange_id": 101, "exchange_name": "Coinone"}));
    }
    let before = world.api.get(EXCHANGES).await.is(200).as_array().unwrap().len();
    let listed = world.api.post(EXCHANGES, json!({"exchange_name": "Upbit"})).await.is(200);
    assert_eq!(listed.as_array().unwrap().len(), before + 1, "the whole list is answered");
    let added = listed.as_array().unwrap().last().unwrap();
    assert_eq!(added["exchange_name"], "Upbit");
    assert!(added["exchange_id"].as_i64().unwrap() > 101);
}

#[tokio::test]
async fn exchange_that_is_listed_is_not_listed_twice() {
    let world = World::new().await;
    for name in ["Coinone", "coinone", " Coinone "] {
        let detail =
            world.api.post(EXCHANGES, json!({"exchange_name": name})).await.problem(400, "duplicate");
        assert!(detail.contains("already exists"), "{detail}");
    }
    world.api.post(EXCHANGES, json!({"exchange_name": ""})).await.names("/exchange_name");
    world.api.post(EXCHANGES, json!({"exchange_name": "x".repeat(21)})).await.names("/exchange_name");
}

#[tokio::test]
async fn users_read_the_registry_and_do_not_change_it() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    uma.get(EXCHANGES).await.is(200);
    uma.post(EXCHANGES, json!({"exchange_name": "Upbit"})).await.problem(403, "forbidden");
    assert_eq!(world.count("exchanges where exchange_name = 'Upbit'").await, 0);
}

#[tokio::test]
async fn key_is_registered_and_listed_in_the_documented_shapes() {
    let world = World::new().await;
    let done = register(&world.api, 101, Value::Null).await.is(200);
    assert_eq!(done, json!({"message": "API key registered successfully."}));
    for path in [KEY.to_owned(), format!("{KEY}/")] {
        let listed = world.api.get(&path).await.is(200);
        let row = &listed[0];
        let members: Vec<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
        let documented = [
            "exchange_id",
            "exchange_name",
            "public_key_masked",
            "private_key_masked",
            "is_active",
            "update_date",
        ];
        assert_eq!(members, documented);
        assert_eq!((&row["exchange_id"], &row["exchange_name"]), (&json!(101), &json!("Coinone")));
        let public = key("coinone", "upper").api_key;
        assert_eq!(row["public_key_masked"], format!("{}****{}", &public[..4], &public[32..]));
        assert_eq!((&row["private_key_masked"], &row["is_active"]), (&json!("********"), &json!(true)));
    }
}

#[tokio::test]
async fn second_key_for_an_exchange_is_refused() {
    let world = World::new().await;
    register(&world.api, 101, Value::Null).await.is(200);
    let detail = register(&world.api, 101, Value::Null).await.problem(400, "duplicate-key");
    assert!(!detail.contains(&secret(&key("coinone", "upper"))), "{detail}");
    assert_eq!(world.count("api_keys").await, 1);
}

#[tokio::test]
async fn user_number_of_somebody_else_is_forbidden() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let users = world.api.get("/api/v1/admin/users").await.is(200);
    let (owner, other) = (users[0]["user_no"].clone(), users[1]["user_no"].clone());
    register(&uma, 101, owner.clone()).await.problem(403, "forbidden");
    uma.get(&format!("{KEY}?user_no={owner}")).await.problem(403, "forbidden");
    world.api.get(&format!("{KEY}?user_no={other}")).await.problem(403, "forbidden");
    world.nothing_stored().await;
    register(&uma, 101, other.clone()).await.is(200);
    assert_eq!(uma.get(&format!("{KEY}?user_no={other}")).await.is(200).as_array().unwrap().len(), 1);
    assert_eq!(world.api.get(KEY).await.is(200), json!([]), "keys of others are not listed");
}

#[tokio::test]
async fn unknown_exchange_number_is_named() {
    let world = World::new().await;
    register(&world.api, 999, Value::Null).await.names("/exchange_id");
    world.api.post(EXCHANGES, json!({"exchange_name": "Upbit"})).await.is(200);
    let listed = world.api.get(EXCHANGES).await.is(200);
    let upbit = listed.as_array().unwrap().iter().find(|one| one["exchange_name"] == "Upbit").unwrap();
    let number = i32::try_from(upbit["exchange_id"].as_i64().unwrap()).unwrap();
    register(&world.api, number, Value::Null).await.names("/exchange_id");
    world.nothing_stored().await;
}

#[tokio::test]
async fn key_that_does_not_open_is_shown_inactive_and_breaks_no_list() {
    let world = World::new().await;
    register(&world.api, 101, Value::Null).await.is(200);
    world.connect("binance", "trade").await;
    world
        .execute("update exchange_connections set encrypted_api_key = overlay(encrypted_api_key placing '\\x00ff' from octet_length(encrypted_api_key) - 4) where exchange_type = 'coinone'")
        .await;
    let listed = world.api.get(KEY).await.is(200);
    let row = listed.as_array().unwrap().iter().find(|row| row["exchange_id"] == 101).unwrap();
    assert_eq!((&row["is_active"], &row["public_key_masked"]), (&json!(false), &json!("********")));
    assert_eq!(world.api.get("/api/v1/connections").await.is(200).as_array().unwrap().len(), 2);
    let broken = world.api.get("/api/v1/connections").await.is(200);
    let broken = broken.as_array().unwrap().iter().find(|row| row["exchange"] == "coinone").unwrap().clone();
    let path = format!("/api/v1/connections/{}/check", text(&broken["id"]));
    world.api.tell(&path).await.problem(500, "internal");
}

#[tokio::test]
async fn missing_token_is_401_on_all_of_them() {
    let world = World::new().await;
    let nobody = world.api.nobody();
    for path in [EXCHANGES, KEY] {
        nobody.get(path).await.problem(401, "unauthorized");
        nobody.post(path, json!({})).await.problem(401, "unauthorized");
    }
}
