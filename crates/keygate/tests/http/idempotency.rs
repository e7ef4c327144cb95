//! `Idempotency-Key`: a request that is sent again is carried out once and answered twice.

use std::collections::BTreeMap;

use demo_exchange::Fault;
use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    api::{Api, Reply, text},
    world::{PASSWORD, World, new_connection},
};

const KEY: &str = "8e03978e-40d5-43e8-bc93-6894a57f9324";

async fn send(api: &Api, key: &str, path: &str, body: &Value) -> Reply {
    Reply::of(api.request("POST", path).header("idempotency-key", key).json(body)).await
}

/// A bot to make, and where.
async fn bot(world: &World) -> (&'static str, Value) {
    let connection = world.connect("binance", "trade").await;
    ("/api/v1/bots", json!({"connection_id": connection["id"], "name": "grid"}))
}

/// The address where the one bot gets its virtual pairs.
async fn pairs(world: &World) -> String {
    let (path, body) = bot(world).await;
    let bot = world.api.post(path, body).await.is(201);
    format!("/api/v1/bots/{}/access-keys", text(&bot["id"]))
}

#[tokio::test]
async fn same_request_under_one_key_makes_one_thing_and_gives_one_answer() {
    let world = World::new().await;
    let (path, body) = bot(&world).await;
    let first = send(&world.api, KEY, path, &body).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    for key in [KEY.to_owned(), format!("\"{KEY}\"")] {
        let again = send(&world.api, &key, path, &body).await;
        assert_eq!((again.status, &again.text), (201, &first.text));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.header("content-type"), Some("application/json"));
    }
    assert_eq!(world.count("bot_configs").await, 1);
}

#[tokio::test]
async fn sixty_four_equal_requests_at_once_make_one_thing() {
    let world = World::new().await;
    let path = pairs(&world).await;
    let second = world.second_server().await;
    let apis = [world.api.clone(), world.api.moved_to(&second)];
    let body = json!({"scopes": ["read"]});
    let replies = join_all((0..64).map(|at| send(&apis[at % 2], KEY, &path, &body))).await;
    let mut answers = BTreeMap::new();
    for reply in &replies {
        *answers.entry(reply.status).or_insert(0) += 1;
        match reply.status {
            409 => assert_eq!(reply.body["code"], "request-running", "{}", reply.text),
            _ => assert_eq!(reply.status, 201, "{}", reply.text),
        }
    }
    let made: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert!(!made.is_empty() && made.iter().all(|reply| reply.text == made[0].text), "{answers:?}");
    assert_eq!(made.iter().filter(|reply| reply.header("idempotency-replayed").is_none()).count(), 1);
    assert_eq!(world.count("access_keys").await, 1);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let world = World::new().await;
    let (path, body) = bot(&world).await;
    send(&world.api, KEY, path, &body).await.is(201);
    let other = json!({"connection_id": body["connection_id"], "name": "other"});
    send(&world.api, KEY, path, &other).await.problem(422, "idempotency-key-reused");
    send(&world.api, KEY, "/api/v1/access-keys", &body).await.problem(422, "idempotency-key-reused");
    send(&world.api, KEY, &format!("{path}?x=1"), &body).await.problem(422, "idempotency-key-reused");
    assert_eq!(world.count("bot_configs").await, 1);
}

#[tokio::test]
async fn key_is_its_users_own() {
    let world = World::new().await;
    let body = json!({"scopes": ["read"]});
    let own = send(&world.api, KEY, "/api/v1/access-keys", &body).await.is(201);
    let uma = world.user("uma@example.com").await;
    let hers = send(&uma, KEY, "/api/v1/access-keys", &body).await;
    assert_eq!(hers.header("idempotency-replayed"), None);
    assert_ne!(hers.is(201)["token"], own["token"]);
}

#[tokio::test]
async fn key_outlives_the_process_and_ends_after_a_day() {
    let world = World::new().await;
    let (path, body) = bot(&world).await;
    let first = send(&world.api, KEY, path, &body).await;
    let restarted = world.second_server().await;
    let again = send(&world.api.moved_to(&restarted), KEY, path, &body).await;
    assert_eq!((again.status, again.text), (201, first.text));
    world.advance(Duration::hours(24));
    let owner = world.sign_in(crate::world::OWNER).await;
    send(&owner, KEY, path, &body).await.problem(409, "duplicate");
}

/// Died after the commit and before the answer was kept: what it made is there, and the claim is left behind.
#[tokio::test]
async fn death_half_way_locks_nothing_and_makes_nothing_twice() {
    let world = World::new().await;
    let path = pairs(&world).await;
    let body = json!({"scopes": ["read"]});
    send(&world.api, KEY, &path, &body).await.is(201);
    world
        .execute(
            "update keygate.idempotency_key set status = null, content_type = null, answer = null, answer_until = null",
        )
        .await;
    let running = send(&world.api, KEY, &path, &body).await;
    running.problem(409, "request-running");
    assert_eq!((running.header("retry-after"), &running.body["retryable"]), (Some("1"), &json!(true)));
    send(&world.api, KEY, &path, &json!({})).await.problem(422, "idempotency-key-reused");
    world.advance(Duration::seconds(31));
    let told = send(&world.api, KEY, &path, &body).await.problem(409, "duplicate");
    assert!(told.contains("made and shown already"), "{told}");
    assert_eq!(world.count("access_keys").await, 1);
    // and one that had not come to its commit is carried out
    let (path, body) = ("/api/v1/access-keys", json!({"scopes": ["read"]}));
    send(&world.api, "other", path, &body).await.is(201);
    world.execute("delete from access_keys where bot_id is null").await;
    world
        .execute(
            "update keygate.idempotency_key set status = null, content_type = null, answer = null, answer_until = null
             where content_type = 'application/json'",
        )
        .await;
    world.advance(Duration::seconds(31));
    send(&world.api, "other", path, &body).await.is(201);
}

#[tokio::test]
async fn secret_is_in_no_dump_and_is_shown_again_for_ten_minutes_only() {
    let world = World::new().await;
    let path = pairs(&world).await;
    let body = json!({"scopes": ["read"]});
    let first = send(&world.api, KEY, &path, &body).await.is(201);
    let secret = text(&first["virtual_pair"]["secret"]);
    let row: String = sqlx::query_scalar("select to_jsonb(k)::text from keygate.idempotency_key k")
        .fetch_one(&mut world.superuser().await)
        .await
        .unwrap();
    for open in [secret, text(&first["token"]), KEY, "virtual_pair"] {
        assert!(!row.contains(open), "{row}");
    }
    world.advance(Duration::minutes(4));
    assert_eq!(send(&world.api, KEY, &path, &body).await.is(201)["virtual_pair"]["secret"], secret);
    world.advance(Duration::minutes(6));
    let owner = world.sign_in(crate::world::OWNER).await;
    send(&owner, KEY, &path, &body).await.problem(410, "answer-gone");
    assert_eq!(world.count("access_keys").await, 1);
    world.execute("update keygate.idempotency_key set answer_until = now() - interval '1 second'").await;
    keygate::job::round(&world.server.app).await;
    assert_eq!(world.count("keygate.idempotency_key where answer is null").await, 1);
    send(&owner, KEY, &path, &body).await.problem(410, "answer-gone");
}

#[tokio::test]
async fn password_and_exchange_secret_cannot_be_guessed_from_what_is_kept() {
    let world = World::new().await;
    let body = new_connection("binance", "trade");
    let made = send(&world.api, KEY, "/api/v1/connections", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let stored: Vec<u8> = sqlx::query_scalar("select request_mac from keygate.idempotency_key")
        .fetch_one(&mut world.superuser().await)
        .await
        .unwrap();
    let bare = seal::mac::sha256_hex(body.to_string().as_bytes());
    assert_ne!(data_encoding::HEXLOWER.encode(&stored), bare);
    let other = World::new().await;
    send(&other.api, KEY, "/api/v1/connections", &body).await.is(201);
    let elsewhere: Vec<u8> = sqlx::query_scalar("select request_mac from keygate.idempotency_key")
        .fetch_one(&mut other.superuser().await)
        .await
        .unwrap();
    assert_ne!(stored, elsewhere, "it would be the same everywhere");
}

#[tokio::test]
async fn failure_on_our_side_is_tried_again_and_a_decision_stands() {
    let world = World::new().await;
    let body = new_connection("binance", "trade");
    let path = "/api/v1/connections";
    world.fault(Fault::DropBefore, "/api/v3/account");
    let failed = send(&world.api, KEY, path, &body).await;
    assert_eq!(
        (failed.status, &failed.body["code"]),
        (502, &json!("exchange-unreachable")),
        "{}",
        failed.text
    );
    assert_eq!(world.count("keygate.idempotency_key").await, 0);
    send(&world.api, KEY, path, &body).await.is(201);
    // the answer that says no is an answer too, whatever has changed since
    let personal = json!({"scopes": ["read"]});
    let key = world.api.post("/api/v1/access-keys", personal.clone()).await.is(201);
    send(&world.api, "no", "/api/v1/access-keys", &personal).await.problem(409, "access-key-exists");
    world.api.delete(&format!("/api/v1/access-keys/{}", text(&key["id"]))).await.is(204);
    let again = send(&world.api, "no", "/api/v1/access-keys", &personal).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("access-key-exists")));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn wrong_password_is_not_remembered() {
    let world = World::new().await;
    world.api.post("/api/v1/panic", json!({})).await.is(200);
    let resume = |password: &str| json!({"password": password});
    let wrong = send(&world.api, KEY, "/api/v1/panic/resume", &resume("not the one that was set")).await;
    wrong.problem(401, "login-failed");
    send(&world.api, KEY, "/api/v1/panic/resume", &resume(PASSWORD)).await.is(200);
}

/// A stored answer would stop nothing.
#[tokio::test]
async fn panic_stops_every_time() {
    let world = World::new().await;
    for _ in 0..2 {
        let stopped = send(&world.api, KEY, "/api/v1/panic", &json!({})).await;
        assert_eq!(stopped.header("idempotency-replayed"), None);
        assert_eq!(stopped.is(200)["in_force"].as_array().unwrap().len(), 1);
        world.api.post("/api/v1/panic/resume", json!({"password": PASSWORD})).await.is(200);
    }
}

#[tokio::test]
async fn malformed_key_is_refused_and_nothing_is_done() {
    let world = World::new().await;
    let (path, body) = bot(&world).await;
    let long = "k".repeat(256);
    for key in ["", "\"", "a b", "a;b=1", &long] {
        send(&world.api, key, path, &body).await.problem(400, "invalid-idempotency-key");
    }
    let two = world.api.request("POST", path).header("idempotency-key", "a").header("idempotency-key", "a");
    Reply::of(two.json(&body)).await.problem(400, "invalid-idempotency-key");
    assert_eq!(world.count("bot_configs").await, 0);
}

/// Somebody who may only look gets neither a claim nor an answer.
#[tokio::test]
async fn answer_is_for_those_who_may_ask_only() {
    let world = World::new().await;
    let path = pairs(&world).await;
    let body = json!({"scopes": ["read"]});
    send(&world.api, KEY, &path, &body).await.is(201);
    let personal = world.api.post("/api/v1/access-keys", json!({"scopes": ["read"]})).await.is(201);
    let looker = world.api.with_token(text(&personal["token"]));
    send(&looker, KEY, &path, &body).await.problem(403, "forbidden");
    send(&world.api.nobody(), KEY, &path, &body).await.problem(401, "unauthorized");
}

/// The first caller went away while the exchange was slow; what it asked for is done, once.
#[tokio::test]
async fn caller_who_goes_away_gets_the_answer_later() {
    let world = World::new().await;
    let body = new_connection("binance", "trade");
    world.fault(Fault::Delay { ms: 1500 }, "/api/v3/account");
    let first = world.api.request("POST", "/api/v1/connections").header("idempotency-key", KEY).json(&body);
    let gone = first.timeout(std::time::Duration::from_millis(300)).send().await;
    assert!(gone.is_err(), "the exchange was not slow");
    let answer = loop {
        let reply = send(&world.api, KEY, "/api/v1/connections", &body).await;
        match reply.status {
            409 => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            _ => break reply,
        }
    };
    assert_eq!(
        (answer.status, answer.header("idempotency-replayed")),
        (201, Some("true")),
        "{}",
        answer.text
    );
    assert_eq!(world.count("exchange_connections").await, 1);
}

#[test]
fn description_names_the_header_where_it_is_honoured() {
    let document = serde_json::to_value(keygate::openapi::document()).unwrap();
    let named = |path: &str, method: &str| {
        let parameters =
            document["paths"][path][method]["parameters"].as_array().cloned().unwrap_or_default();
        parameters.iter().any(|one| one["name"] == "Idempotency-Key" && one["in"] == "header")
    };
    assert!(named("/api/v1/bots", "post") && named("/api/v1/connections/{id}/limits", "patch"));
    for (path, method) in [
        ("/api/v1/bots", "get"),
        ("/api/v1/auth/login", "post"),
        ("/api/v1/panic", "post"),
        ("/api/v1/bots/{id}", "delete"),
    ] {
        assert!(!named(path, method), "{method} {path}");
    }
    assert!(document["paths"]["/api/v1/bots"]["post"]["responses"]["422"].is_object());
}
