//! `/api/v1/users/me` and `/api/v1/admin/users`.

use serde_json::{Value, json};

use crate::{
    api::text,
    bot::Bot,
    world::{OWNER, PASSWORD, World, connect},
};

const USERS: &str = "/api/v1/admin/users";
const MINE: &str = "/api/v1/users/me/password";
const NEW: &str = "nine other words that nobody knows";

/// A wish for an account, with the administrator's own password.
fn with(wish: &Value, password: &str) -> Value {
    let mut wish = wish.clone();
    wish["your_password"] = json!(password);
    wish
}

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
    world.api.post(USERS, input.clone()).await.problem(403, "step-up-required");
    world.api.post(USERS, with(&input, PASSWORD)).await.problem(409, "duplicate");
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

    let path = format!("{USERS}/{id}/reactivate");
    world.api.post(&path, json!({})).await.problem(403, "step-up-required");
    uma.nobody().post("/api/v1/auth/login", tokens.clone()).await.problem(403, "inactive-user");
    world.api.post(&path, json!({"password": PASSWORD})).await.is(200);
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

/// A stolen session leaves no account of its own behind, and the owner hears of each that is made.
#[tokio::test]
async fn account_is_made_by_the_administrators_password_and_told_to_the_owner() {
    let world = World::new().await;
    let wish = json!({"email": "eve@example.com", "name": "Eve", "password": NEW});
    world.api.post(USERS, wish.clone()).await.problem(403, "step-up-required");
    world.api.post(USERS, with(&wish, NEW)).await.problem(401, "login-failed");
    assert_eq!((world.count("users").await, world.count("keygate.alert").await), (1, 0));
    let made = world.api.post(USERS, with(&wish, PASSWORD)).await.is(201);
    let record = world.api.get("/api/v1/activity?operation=account-create").await.is(200)["items"].clone();
    assert_eq!((&record[0]["api_key_id"], record.as_array().unwrap().len()), (&made["id"], 1));
    let alerts = world.api.get("/api/v1/alerts").await.is(200);
    assert_eq!(alerts[0]["kind"], "account");
    assert!(text(&alerts[0]["text"]).contains("made the account eve@example.com"), "{alerts}");
}

#[tokio::test]
async fn new_password_needs_the_old_one_and_ends_every_other_sign_in() {
    let world = World::new().await;
    let other = world.sign_in(OWNER).await;
    let issued = world.api.post("/api/v1/access-keys", json!({"scopes": ["read"]})).await.is(201);
    let wish = |old: &str, new: &str| json!({"password": old, "new_password": new});
    world.api.post(MINE, json!({"new_password": NEW})).await.problem(403, "step-up-required");
    world.api.post(MINE, wish(NEW, NEW)).await.problem(401, "login-failed");
    world.api.post(MINE, wish(PASSWORD, "short")).await.names("/new_password");
    let tokens = world.api.post(MINE, wish(PASSWORD, NEW)).await.is(200);
    for gone in [&world.api, &other] {
        gone.get("/api/v1/users/me").await.problem(401, "unauthorized");
    }
    let me = world.api.with_token(text(&tokens["access_token"]));
    me.get("/api/v1/users/me").await.is(200);
    world.api.with_token(text(&issued["token"])).get("/api/v1/users/me").await.is(200);
    let login = |password: &str| json!({"email": OWNER, "password": password});
    me.nobody().post("/api/v1/auth/login", login(PASSWORD)).await.problem(401, "login-failed");
    me.nobody().post("/api/v1/auth/login", login(NEW)).await.is(200);
    assert_eq!(me.get("/api/v1/alerts").await.is(200)[0]["kind"], "password-changed");
    let record = me.get("/api/v1/activity?operation=password-change").await.is(200)["items"].clone();
    assert_eq!(record.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn guesses_at_the_old_password_are_counted() {
    let world = World::new().await;
    for _ in 0..10 {
        world
            .api
            .post(MINE, json!({"password": "a guess", "new_password": NEW}))
            .await
            .problem(401, "login-failed");
    }
    let right = json!({"password": PASSWORD, "new_password": NEW});
    world.api.post(MINE, right).await.problem(429, "too-many-attempts");
}

#[tokio::test]
async fn other_sign_ins_end_and_an_access_key_cannot_end_them() {
    let world = World::new().await;
    let other = world.sign_in(OWNER).await;
    let wish = json!({"scopes": ["read", "manage"], "password": PASSWORD});
    let issued = world.api.post("/api/v1/access-keys", wish).await.is(201);
    let program = world.api.with_token(text(&issued["token"]));
    let others = "/api/v1/auth/logout-others";
    program.tell(others).await.problem(403, "forbidden");
    program.post(MINE, json!({"password": PASSWORD, "new_password": NEW})).await.problem(403, "forbidden");
    other.get("/api/v1/users/me").await.is(200);
    let tokens = world.api.tell(others).await.is(200);
    other.get("/api/v1/users/me").await.problem(401, "unauthorized");
    world.api.with_token(text(&tokens["access_token"])).get("/api/v1/users/me").await.is(200);
    program.get("/api/v1/users/me").await.is(200);
}
