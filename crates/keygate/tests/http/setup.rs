//! The first minutes: one link, one owner, and nothing else until then.

use serde_json::{Value, json};
use time::Duration;

use crate::{
    api::Api,
    world::{OWNER, PASSWORD, World},
};

fn token(world: &World) -> String {
    world.server.setup_link.clone().unwrap().split_once('#').unwrap().1.to_owned()
}

async fn set_up(api: &Api, token: &str, email: &str) -> crate::api::Reply {
    let input = json!({"token": token, "email": email, "name": "Olga", "password": PASSWORD});
    api.post("/api/v1/auth/setup", input).await
}

#[tokio::test]
async fn nothing_but_the_setup_answers_before_there_is_an_owner() {
    let world = World::fresh(|_| {}).await;
    assert_eq!(world.api.get("/livez").await.status, 200);
    for path in ["/", "/api/v1/connections", "/openapi.json", "/x/binance/api/v3/time", "/api/nothing"] {
        let detail = world.api.get(path).await.problem(503, "not-set-up");
        assert!(detail.contains("setup link"), "{detail}");
    }
    let login = json!({"email": OWNER, "password": PASSWORD});
    world.api.post("/api/v1/auth/login", login).await.problem(503, "not-set-up");
    assert_eq!(world.demo.requests().len(), 0, "a call went through before there was an owner");
}

#[tokio::test]
async fn setup_link_makes_one_owner_and_then_nothing() {
    let world = World::fresh(|_| {}).await;
    let link = token(&world);
    let tokens = set_up(&world.api, &link, OWNER).await.is(201);
    let owner = world.api.with_token(tokens["access_token"].as_str().unwrap());
    let me = owner.get("/api/v1/users/me").await.is(200);
    assert_eq!((&me["email"], &me["role"]), (&json!(OWNER), &json!("owner")));
    set_up(&world.api, &link, "second@example.com").await.problem(403, "setup-link-invalid");
    assert_eq!(world.count("users").await, 1);
}

#[tokio::test]
async fn setup_link_used_by_two_at_once_makes_one_owner() {
    let world = World::fresh(|_| {}).await;
    let link = token(&world);
    let (a, b) =
        tokio::join!(set_up(&world.api, &link, "a@example.com"), set_up(&world.api, &link, "b@example.com"));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403]);
    assert_eq!(world.count("users").await, 1);
}

#[tokio::test]
async fn setup_link_ends_after_half_an_hour() {
    let world = World::fresh(|_| {}).await;
    world.advance(Duration::minutes(31));
    set_up(&world.api, &token(&world), OWNER).await.problem(403, "setup-link-invalid");
    assert_eq!(world.count("users").await, 0);
}

#[tokio::test]
async fn invented_setup_token_opens_nothing() {
    let world = World::fresh(|_| {}).await;
    for invented in [String::new(), "x".repeat(43), token(&world).to_uppercase(), "'; --".to_owned()] {
        set_up(&world.api, &invented, OWNER).await.problem(403, "setup-link-invalid");
    }
    assert_eq!(world.count("users").await, 0);
}

#[tokio::test]
async fn common_passwords_are_refused_wherever_an_account_is_made() {
    let common = ["Password1234", "correct horse battery staple", "1QAZ2wsx3edc4rfv", "bitcoin123456"];
    let world = World::fresh(|config| config.registration.open = true).await;
    let link = token(&world);
    let mut input = json!({"token": link, "email": OWNER, "name": "Olga"});
    for password in common {
        input["password"] = json!(password);
        let refusal = world.api.post("/api/v1/auth/setup", input.clone()).await;
        assert!(refusal.text.contains("most common"), "{}", refusal.text);
        refusal.names("/password");
    }
    let tokens = set_up(&world.api, &link, OWNER).await.is(201);
    let owner = world.api.with_token(tokens["access_token"].as_str().unwrap());
    for password in common {
        let new = json!({"email": "new@example.com", "name": "New", "password": password});
        world.api.post("/api/v1/auth/register", new.clone()).await.names("/password");
        owner.post("/api/v1/admin/users", new).await.names("/password");
    }
    assert_eq!(world.count("users").await, 1);
    let new = json!({"email": "new@example.com", "name": "New", "password": "correct horse battery stapler",
        "your_password": PASSWORD});
    owner.post("/api/v1/admin/users", new).await.is(201);
}

#[tokio::test]
async fn refused_setup_does_not_use_the_link_up() {
    let world = World::fresh(|_| {}).await;
    let link = token(&world);
    let mut input = json!({"token": link, "email": OWNER, "name": "Olga", "password": "short"});
    world.api.post("/api/v1/auth/setup", input.clone()).await.names("/password");
    input["password"] = json!("keygate keygate keygate");
    world.api.post("/api/v1/auth/setup", input.clone()).await.names("/password");
    input["password"] = json!(PASSWORD);
    input["email"] = Value::from("nobody");
    world.api.post("/api/v1/auth/setup", input).await.names("/email");
    set_up(&world.api, &link, OWNER).await.is(201);
}

#[tokio::test]
async fn restart_of_a_server_with_an_owner_prints_no_link() {
    let world = World::new().await;
    let second = world.second_server().await;
    assert_eq!(second.setup_link, None);
}
