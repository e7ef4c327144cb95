//! What a stolen session or access key must not do without the password: make a key that may do more than read.

use serde_json::json;
use time::Duration;

use crate::{
    api::{Api, Reply, text},
    bot::Bot,
    world::{OWNER, PASSWORD, World},
};

const PERSONAL: &str = "/api/v1/access-keys";

fn pairs(bot: &Bot) -> String {
    format!("/api/v1/bots/{}/access-keys", bot.id)
}

/// The owner's token of a sign-in that is older than five minutes, renewed meanwhile.
async fn old_sign_in(world: &World) -> Api {
    let input = json!({"email": OWNER, "password": PASSWORD});
    let tokens = world.api.nobody().post("/api/v1/auth/login", input).await.is(200);
    world.advance(Duration::minutes(5) + Duration::seconds(1));
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let tokens = world.api.nobody().post("/api/v1/auth/refresh", refresh).await.is(200);
    world.api.with_token(text(&tokens["access_token"]))
}

#[tokio::test]
async fn password_that_is_right_uses_up_no_attempts_and_a_wrong_one_does() {
    let world = World::new().await;
    let shorter = |password: &str| json!({"seconds": 3600, "password": password});
    let put = |body| Reply::of(world.api.request("PUT", "/api/v1/me/limits-delay").json(&body));
    let charged = "keygate.login_bucket where attempts > 1";
    for _ in 0..3 {
        put(shorter(PASSWORD)).await.is(200);
    }
    assert_eq!((world.count(charged).await, world.count("keygate.device").await), (0, 0));
    for _ in 0..10 {
        put(shorter("not the one that was set")).await.problem(401, "login-failed");
    }
    put(shorter(PASSWORD)).await.problem(429, "too-many-attempts");
}

/// Whoever holds a stolen sign-in may come from many networks.
#[tokio::test]
async fn passwords_are_not_guessed_from_network_after_network() {
    let world = World::with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let put = |network: usize| {
        let request = world.api.request("PUT", "/api/v1/me/limits-delay");
        let from = format!("203.0.{network}.9");
        let body = json!({"seconds": 3600, "password": "not the one that was set"});
        Reply::of(request.header("x-forwarded-for", from).json(&body))
    };
    for guess in 0..40 {
        put(guess).await.problem(401, "login-failed");
    }
    put(40).await.problem(429, "too-many-attempts");
    let found = world.api.get("/api/v1/activity?operation=password-wrong&limit=200").await.is(200);
    let found = found["items"].as_array().unwrap();
    assert_eq!(
        (found.len(), &found[0]["ip"], &found[0]["success"]),
        (40, &json!("203.0.39.9"), &json!(false))
    );
    // the owner, who has signed in elsewhere, is not locked out by it
    let owner = world.sign_in(OWNER).await;
    let body = json!({"seconds": 3600, "password": PASSWORD});
    Reply::of(owner.request("PUT", "/api/v1/me/limits-delay").json(&body)).await.is(200);
}

/// Whoever fails to sign in, or tries to, counts apart from who did.
#[tokio::test]
async fn strangers_who_guess_keep_nobody_who_is_signed_in_from_confirming() {
    let world = World::new().await;
    for _ in 0..11 {
        let guess = json!({"email": OWNER, "password": "not the one that was set"});
        world.api.nobody().post("/api/v1/auth/login", guess).await;
    }
    let input = json!({"email": OWNER, "password": PASSWORD});
    world.api.nobody().post("/api/v1/auth/login", input).await.problem(429, "too-many-attempts");
    let put = world.api.request("PUT", "/api/v1/me/limits-delay");
    Reply::of(put.json(&json!({"seconds": 3600, "password": PASSWORD}))).await.is(200);
}

/// Where programs are at work a stolen sign-in, however fresh, makes no key that moves money; and the owner hears of each.
#[tokio::test]
async fn key_that_moves_money_needs_the_password_itself_once_programs_are_at_work() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.api.post(&pairs(&bot), json!({"scopes": ["trade"]})).await.is(201);
    assert_eq!(world.api.get("/api/v1/alerts").await.is(200), json!([]), "all is being set up");
    bot.account().await.is(200);
    world.flush().await;
    for path in [&pairs(&bot), PERSONAL] {
        world.api.post(path, json!({"scopes": ["trade"]})).await.problem(403, "step-up-required");
        world.api.post(path, json!({"scopes": ["trade"], "password": PASSWORD})).await.is(201);
    }
    world.api.post(&pairs(&bot), json!({"scopes": ["read"]})).await.is(201);
    world.api.post(&pairs(&bot), json!({"scopes": ["trade"], "honey": true})).await.is(201);
    let alerts = world.api.get("/api/v1/alerts").await.is(200);
    let alerts: Vec<&str> = alerts.as_array().unwrap().iter().map(|alert| text(&alert["kind"])).collect();
    assert_eq!(alerts, ["new-key", "new-key"]);
}

#[tokio::test]
async fn key_right_after_the_sign_in_needs_no_second_password() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.api.post(&pairs(&bot), json!({"scopes": ["read", "trade"]})).await.is(201);
    world.api.post(PERSONAL, json!({"scopes": ["read", "manage", "trade"]})).await.is(201);
}

#[tokio::test]
async fn old_sign_in_makes_keys_that_read_and_others_with_the_password_only() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let owner = old_sign_in(&world).await;
    owner.post(&pairs(&bot), json!({"scopes": ["read"]})).await.is(201);
    for wide in [json!({"scopes": ["trade"]}), json!({})] {
        owner.post(&pairs(&bot), wide).await.problem(403, "step-up-required");
    }
    for scope in ["manage", "trade"] {
        owner.post(PERSONAL, json!({"scopes": ["read", scope]})).await.problem(403, "step-up-required");
    }
    let wrong = json!({"scopes": ["trade"], "password": "not the one that was set"});
    owner.post(&pairs(&bot), wrong).await.problem(401, "login-failed");
    assert_eq!(world.count("access_keys").await, 2);
    let right = json!({"scopes": ["trade"], "password": PASSWORD});
    owner.post(&pairs(&bot), right.clone()).await.is(201);
    owner.post(PERSONAL, right).await.is(201);
}

#[tokio::test]
async fn bait_which_may_do_nothing_needs_no_second_password() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let owner = old_sign_in(&world).await;
    owner.post(&pairs(&bot), json!({"honey": true})).await.is(201);
    owner.post(&pairs(&bot), json!({"honey": false})).await.problem(403, "step-up-required");
}

/// It would outlive the key that made it.
#[tokio::test]
async fn personal_key_makes_no_wide_key_without_the_password() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let issued = world.api.post(PERSONAL, json!({"scopes": ["read", "manage", "trade"]})).await.is(201);
    let program = world.api.with_token(text(&issued["token"]));
    program.post(&pairs(&bot), json!({"scopes": ["trade"]})).await.problem(403, "step-up-required");
    program.post(&pairs(&bot), json!({"scopes": ["trade"], "password": PASSWORD})).await.is(201);
    let path = format!("/api/v1/bots/{}", bot.id);
    program.patch(&path, json!({"symbol": "BTC/USDT"})).await.is(200);
    program.patch(&path, json!({"symbol": null})).await.problem(403, "step-up-required");
}
