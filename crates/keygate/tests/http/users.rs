//! `/api/v1/users/me` and `/api/v1/admin/users`.

use serde_json::json;

use crate::{
    api::text,
    bot::Bot,
    world::{OWNER, PASSWORD, World, connect},
};

const USERS: &str = "/api/v1/admin/users";

#[tokio::test]
async fn administrator_lists_accounts_and_sees_no_password() {
    let world = World::new().await;
    world.user("uma@example.com").await;
    let reply = world.api.get(USERS).await;
    assert!(!reply.text.contains("argon2"), "{}", reply.text);
    let users = reply.is(200);
    let emails: Vec<_> = users.as_array().unwrap().iter().map(|user| text(&user["email"])).collect();
    assert_eq!(emails, [OWNER, "uma@example.com"]);
    assert_eq!(users[0]["role"], "owner");
}

#[tokio::test]
async fn only_administrators_reach_the_accounts() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let id = text(&uma.get("/api/v1/users/me").await.is(200)["id"]).to_owned();
    uma.get(USERS).await.problem(403, "forbidden");
    let input = json!({"email": "x@example.com", "name": "X", "password": PASSWORD});
    uma.post(USERS, input).await.problem(403, "forbidden");
    uma.tell(&format!("{USERS}/{id}/deactivate")).await.problem(403, "forbidden");
    uma.tell(&format!("{USERS}/{id}/reactivate")).await.problem(403, "forbidden");
    assert_eq!(world.count("users").await, 2);
}

#[tokio::test]
async fn personal_key_of_the_owner_does_not_administer() {
    let world = World::new().await;
    let input = json!({"scopes": ["read", "manage", "trade"]});
    let issued = world.api.post("/api/v1/access-keys", input).await.is(201);
    let program = world.api.with_token(text(&issued["token"]));
    program.get(USERS).await.problem(403, "forbidden");
    program
        .post("/api/settings/exchanges", json!({"exchange_name": "Kraken"}))
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn personal_key_says_whose_it_is() {
    let world = World::new().await;
    let issued = world.api.post("/api/v1/access-keys", json!({"scopes": ["read"]})).await.is(201);
    let me = world.api.with_token(text(&issued["token"])).get("/api/v1/users/me").await.is(200);
    assert_eq!((&me["email"], &me["name"]), (&json!(OWNER), &json!("Olga")));
}

#[tokio::test]
async fn two_accounts_cannot_share_an_address() {
    let world = World::new().await;
    let input = json!({"email": "OWNER@example.com", "name": "X", "password": PASSWORD});
    world.api.post(USERS, input).await.problem(409, "duplicate");
    assert_eq!(world.count("users").await, 1);
}

#[tokio::test]
async fn deactivated_user_is_out_at_once_with_everything() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let tokens = json!({"email": "uma@example.com", "password": PASSWORD});
    let refresh = uma.nobody().post("/api/v1/auth/login", tokens.clone()).await.is(200);
    let connection = connect(&uma, "binance", "trade").await;
    let bot = Bot::make(&uma, &connection, json!(null)).await;
    let issued = uma.post("/api/v1/access-keys", json!({"scopes": ["read"]})).await.is(201);
    let program = uma.with_token(text(&issued["token"]));
    assert_eq!(bot.account().await.status, 200);
    let id = text(&uma.get("/api/v1/users/me").await.is(200)["id"]).to_owned();

    let out = world.api.tell(&format!("{USERS}/{id}/deactivate")).await.is(200);
    assert_eq!(out["is_active"], false);
    let asked = world.demo.requests().len();
    assert!([401, 403].contains(&uma.get("/api/v1/users/me").await.status));
    program.get("/api/v1/connections").await.problem(403, "inactive-user");
    let old = json!({"refresh_token": refresh["refresh_token"]});
    assert!([401, 403].contains(&uma.nobody().post("/api/v1/auth/refresh", old).await.status));
    uma.nobody().post("/api/v1/auth/login", tokens.clone()).await.problem(403, "inactive-user");
    wait_until_refused(&bot).await;
    assert!(world.demo.requests().len() <= asked + 5);

    world.api.tell(&format!("{USERS}/{id}/reactivate")).await.is(200);
    uma.nobody().post("/api/v1/auth/login", tokens).await.is(200);
    uma.get("/api/v1/users/me").await.problem(401, "unauthorized"); // old tokens stay dead
}

/// Within a second.
async fn wait_until_refused(bot: &Bot) {
    for _ in 0..5 {
        let reply = bot.account().await;
        if reply.status == 403 {
            reply.binance(403, -1002, "inactive-user");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("the bot of a deactivated user still trades");
}

#[tokio::test]
async fn owner_and_oneself_cannot_be_deactivated() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    world.execute("update users set role = 'admin' where email = 'uma@example.com'").await;
    let owner = text(&world.api.get("/api/v1/users/me").await.is(200)["id"]).to_owned();
    let uma = match uma.get(USERS).await.status {
        200 => uma,
        _ => world.sign_in("uma@example.com").await, // a new role ends old tokens
    };
    uma.tell(&format!("{USERS}/{owner}/deactivate")).await.problem(403, "forbidden");
    world.api.tell(&format!("{USERS}/{owner}/deactivate")).await.problem(403, "forbidden");
    let uma_id = text(&uma.get("/api/v1/users/me").await.is(200)["id"]).to_owned();
    uma.tell(&format!("{USERS}/{uma_id}/deactivate")).await.problem(403, "forbidden");
    assert_eq!(world.count("users where is_active").await, 2);
}

#[tokio::test]
async fn absent_user_is_not_found() {
    let world = World::new().await;
    let path = format!("{USERS}/{}/deactivate", uuid::Uuid::nil());
    world.api.tell(&path).await.problem(404, "not-found");
}
