//! `/api/v1/access-keys`: the personal key, and revocation of both kinds.

use serde_json::{Value, json};
use time::Duration;

use crate::{
    api::{Reply, text},
    world::World,
};

const KEYS: &str = "/api/v1/access-keys";

async fn issue(world: &World, scopes: Value) -> Value {
    world.api.post(KEYS, json!({"name": "cli", "scopes": scopes})).await.is(201)
}

#[tokio::test]
async fn personal_key_is_shown_once_and_kept_as_a_hash() {
    let world = World::new().await;
    let issued = issue(&world, json!(["read"])).await;
    let token = text(&issued["token"]);
    assert!(token.starts_with("kg_") && token.len() == 49, "{token}");
    assert_eq!(issued["virtual_pair"], Value::Null);
    assert!(token.starts_with(text(&issued["prefix"])));
    let listed = world.api.get(KEYS).await;
    assert!(!listed.text.contains(token));
    assert_eq!(listed.is(200)[0]["prefix"], issued["prefix"]);
    assert_eq!(world.count(&format!("access_keys t where t::text like '%{token}%'")).await, 0);
}

#[tokio::test]
async fn one_personal_key_is_active_at_a_time() {
    let world = World::new().await;
    let first = issue(&world, json!(["read"])).await;
    world.api.post(KEYS, json!({})).await.problem(409, "access-key-exists");
    world.api.delete(&format!("{KEYS}/{}", text(&first["id"]))).await.is(204);
    issue(&world, json!(["read"])).await;
    assert_eq!(world.count("access_keys where revoked_at is null").await, 1);
}

#[tokio::test]
async fn personal_key_does_what_its_scopes_say_and_no_more() {
    let world = World::new().await;
    let issued = issue(&world, json!(["read"])).await;
    let program = world.api.with_token(text(&issued["token"]));
    program.get("/api/v1/connections").await.is(200);
    let reply = program.post(KEYS, json!({})).await;
    reply.problem(403, "forbidden");
    let id = text(&issued["id"]).to_owned();
    program.delete(&format!("{KEYS}/{id}")).await.problem(403, "forbidden");
    world.api.delete(&format!("{KEYS}/{id}")).await.is(204);
    let issued = issue(&world, json!(["trade"])).await;
    let program = world.api.with_token(text(&issued["token"]));
    program.get("/api/v1/connections").await.problem(403, "forbidden");
}

#[tokio::test]
async fn revoked_or_expired_personal_key_opens_nothing() {
    let world = World::new().await;
    let issued = issue(&world, json!(["read"])).await;
    let program = world.api.with_token(text(&issued["token"]));
    program.get("/api/v1/connections").await.is(200);
    world.api.delete(&format!("{KEYS}/{}", text(&issued["id"]))).await.is(204);
    program.get("/api/v1/connections").await.problem(401, "unauthorized");
    let input = json!({"scopes": ["read"], "expires_in_days": 1});
    let issued = world.api.post(KEYS, input).await.is(201);
    let program = world.api.with_token(text(&issued["token"]));
    program.get("/api/v1/connections").await.is(200);
    world.advance(Duration::days(1) + Duration::seconds(1));
    program.get("/api/v1/connections").await.problem(401, "unauthorized");
}

#[tokio::test]
async fn mistyped_personal_key_is_refused() {
    let world = World::new().await;
    let issued = issue(&world, json!(["read"])).await;
    let token = text(&issued["token"]).to_owned();
    let last = if token.ends_with('a') { "b" } else { "a" };
    let mistyped = format!("{}{last}", &token[..token.len() - 1]);
    for wrong in [mistyped.as_str(), text(&issued["prefix"]), "kg_", &token[..40]] {
        world.api.with_token(wrong).get("/api/v1/connections").await.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn key_with_addresses_opens_nothing_from_elsewhere() {
    let world = World::with(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let bot = world.bot("binance", "trade").await;
    let wish = json!({"allowed_ip_addresses": ["10.0.0.5", "10.1.0.9/16"], "expires_in_days": 7});
    let pair = world.api.post(&format!("/api/v1/bots/{}/access-keys", bot.id), wish.clone()).await.is(201);
    assert_eq!(pair["allowed_ip_addresses"], json!(["10.0.0.5", "10.1.0.0/16"]));
    let call = async |from: &str| {
        let request = world.api.nobody().request("GET", "/x/binance/api/v3/account");
        let request = request.header("x-keygate-key", text(&pair["token"])).header("x-forwarded-for", from);
        Reply::of(request).await.status
    };
    assert_eq!((call("10.0.0.5").await, call("10.1.2.3").await, call("10.0.0.6").await), (200, 200, 403));
    let personal = world.api.post(KEYS, wish).await.is(201);
    let ask = async |from: &str| {
        let api = world.api.with_token(text(&personal["token"]));
        Reply::of(api.request("GET", "/api/v1/users/me").header("x-forwarded-for", from)).await.status
    };
    assert_eq!((ask("10.0.0.5").await, ask("10.0.0.6").await), (200, 401));
    let listed = world.api.get(KEYS).await.is(200);
    assert_eq!(listed[0]["allowed_ip_addresses"], json!(["10.0.0.5", "10.1.0.0/16"]));
}

#[tokio::test]
async fn personal_key_that_has_ended_is_in_the_way_of_no_new_one() {
    let world = World::new().await;
    world.api.post(KEYS, json!({"expires_in_days": 1})).await.is(201);
    world.api.post(KEYS, json!({})).await.problem(409, "access-key-exists");
    world.advance(Duration::days(1) + Duration::seconds(1));
    let owner = world.sign_in(crate::world::OWNER).await;
    owner.post(KEYS, json!({})).await.is(201);
}

#[tokio::test]
async fn end_of_a_key_is_announced_a_month_and_a_week_before_and_once() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let pairs = format!("/api/v1/bots/{}/access-keys", bot.id);
    world.api.post(&pairs, json!({"honey": true, "expires_in_days": 100})).await.is(201);
    world.api.post(KEYS, json!({"expires_in_days": 20})).await.is(201);
    let pair = world.api.post(&pairs, json!({"expires_in_days": 100})).await.is(201);
    let told = async || {
        for _ in 0..2 {
            keygate::job::round(&world.server.app).await;
        }
        let owner = world.sign_in(crate::world::OWNER).await;
        let alerts = owner.get("/api/v1/alerts").await.is(200);
        owner.tell("/api/v1/alerts/acknowledge").await.is(204);
        let texts = alerts.as_array().unwrap().iter().filter(|alert| alert["kind"] == "key-ends");
        texts.map(|alert| text(&alert["text"]).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told().await, [""; 0], "twenty days are no month before");
    world.advance(Duration::days(13) + Duration::hours(1));
    let week = told().await;
    assert!(week.len() == 1 && week[0].starts_with("Your personal key "), "{week:?}");
    world.advance(Duration::days(57));
    let month = told().await;
    assert!(month.len() == 1 && month[0].contains(text(&pair["prefix"])), "{month:?}");
    assert_eq!(told().await, [""; 0], "and not a second time");
    world.advance(Duration::days(23));
    assert_eq!(told().await.len(), 1, "a week before");
    world.advance(Duration::days(8));
    assert_eq!(told().await, [""; 0], "it has ended");
}

#[tokio::test]
async fn odd_wishes_for_a_personal_key_are_refused_by_name() {
    let world = World::new().await;
    world.api.post(KEYS, json!({"scopes": []})).await.names("/scopes");
    world.api.post(KEYS, json!({"scopes": ["withdraw"]})).await.names("/scopes");
    world.api.post(KEYS, json!({"expires_in_days": 0})).await.names("/expires_in_days");
    world.api.post(KEYS, json!({"expires_in_days": 366})).await.names("/expires_in_days");
    for addresses in [json!([]), json!(["10.0.0.256"]), json!(["anywhere"])] {
        world.api.post(KEYS, json!({"allowed_ip_addresses": addresses})).await.names("/allowed_ip_addresses");
    }
    assert_eq!(world.count("access_keys").await, 0);
}

#[tokio::test]
async fn bots_key_is_worth_nothing_at_the_api() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    for credential in [&bot.token, &bot.key, &bot.secret] {
        let api = world.api.with_token(credential);
        api.get("/api/v1/connections").await.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn revoked_pair_is_dead_on_every_instance_within_a_second() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = world.bot("binance", "trade").await;
    let elsewhere = bot.moved_to(&world.api.moved_to(&second));
    for _ in 0..4 {
        assert_eq!((bot.account().await.status, elsewhere.account().await.status), (200, 200));
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    world.api.delete(&format!("{KEYS}/{}", bot.access_key)).await.is(204);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let asked = world.demo.requests().len();
    for bot in [&bot, &elsewhere] {
        bot.account().await.binance(403, -1002, "revoked");
        bot.order().await.binance(403, -1002, "revoked");
    }
    assert_eq!(world.demo.requests().len(), asked);
}

#[tokio::test]
async fn last_use_of_a_key_is_noted() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let keys = format!("/api/v1/bots/{}/access-keys", bot.id);
    assert_eq!(world.api.get(&keys).await.is(200)[0]["last_used_at"], Value::Null);
    bot.account().await.is(200);
    world.flush().await;
    assert!(world.api.get(&keys).await.is(200)[0]["last_used_at"].is_string());
    assert!(world.api.get("/api/v1/connections").await.is(200)[0]["last_used_at"].is_string());
}

#[tokio::test]
async fn pair_with_the_scope_to_read_does_not_trade() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let path = format!("/api/v1/bots/{}/access-keys", bot.id);
    let row = json!({"id": bot.id, "connection_id": bot.connection});
    let issued = world.api.post(&path, json!({"scopes": ["read"]})).await.is(201);
    let reader = crate::bot::Bot::of(&world.api, &row, &issued);
    assert_eq!(reader.account().await.status, 200);
    reader.order().await.binance(403, -1002, "scope");
    world.api.post(&path, json!({"scopes": ["everything"]})).await.names("/scopes");
    let reply: Reply = world.api.post(&path, json!({"scopes": []})).await;
    reply.names("/scopes");
}

/// Asks for a connection that is not there.
async fn elsewhere(world: &World, token: &str) -> Reply {
    let request = world.api.nobody().request("GET", "/x/binance/api/v3/account");
    Reply::of(request.header("x-keygate-key", token).header("x-keygate-connection", "nowhere")).await
}

#[tokio::test]
async fn half_a_token_does_not_learn_which_connections_there_are() {
    let world = World::with(|config| config.gateway.public_per_minute = 5).await;
    let issued = issue(&world, json!(["read"])).await;
    let token = text(&issued["token"]);
    elsewhere(&world, token).await.binance(403, -1002, "no-connection");
    // whoever has only seen the beginning of it shows another end
    world.execute("update access_keys set key_hash = repeat('0', 64)").await;
    elsewhere(&world, token).await.binance(401, -2014, "unknown-key");
    for _ in 0..3 {
        elsewhere(&world, token).await;
    }
    assert_eq!(elsewhere(&world, token).await.status, 429, "all of it was counted");
}
