//! `/api/v1/connections/own-keys`: a secret that is born in the vault and never leaves it.

use keygate::{connection, job};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    api::{Api, Reply, text},
    bot::Bot,
    world::{PRACTICE, World, new_connection},
};

const OWN_KEYS: &str = "/api/v1/connections/own-keys";
const CONNECTIONS: &str = "/api/v1/connections";

async fn make(api: &Api, kind: &str) -> Value {
    api.post(OWN_KEYS, json!({"exchange": "binance", "environment": PRACTICE, "kind": kind})).await.is(201)
}

/// What its owner does at the exchange: pastes the public half, and is given an API key.
async fn hand_over(world: &World, made: &Value, permissions: Value) -> String {
    let body = json!({"public_key_pem": made["public_key_pem"], "permissions": permissions});
    let request = world.api.http.post(format!("{}/_demo/binance/keys", world.demo.url())).json(&body);
    text(&Reply::of(request).await.is(200)["api_key"]).to_owned()
}

fn completed(made: &Value, api_key: &str) -> Value {
    json!({"exchange": "binance", "environment": PRACTICE, "name": "born", "api_key": api_key,
           "own_key": made["id"], "permissions": {"trade": true}})
}

async fn waiting(world: &World) -> i64 {
    world.count("keygate.own_key").await
}

#[tokio::test]
async fn bot_trades_with_a_key_that_was_born_here() {
    let world = World::new().await;
    for (number, kind) in ["ed25519", "rsa"].into_iter().enumerate() {
        let made = make(&world.api, kind).await;
        assert!(text(&made["public_key_pem"]).starts_with("-----BEGIN PUBLIC KEY-----\n"));
        assert!(text(&made["paste"]).contains("/_demo/"), "{made}");
        let api_key = hand_over(&world, &made, json!(["read", "trade"])).await;
        let mut input = completed(&made, &api_key);
        input["name"] = json!(kind);
        let connection = world.api.post(CONNECTIONS, input).await.is(201);
        assert_eq!(connection["api_key_id"], made["id"], "its records go on under the same id");
        assert_eq!(connection["exchange_permissions"]["trade"], true);
        let bot = Bot::make(&world.api, &connection, Value::Null).await;
        bot.order().await.is(200);
        let signed = world.demo.requests().pop().unwrap().signed_by.unwrap();
        assert_eq!(signed.key, format!("own-{}", number + 1));
    }
    assert_eq!(waiting(&world).await, 0);
}

/// The private half, opened behind the server's back, is looked for wherever anything was said or kept.
#[tokio::test]
async fn born_private_key_is_in_no_answer_and_no_table() {
    let world = World::new().await;
    let mut said = Vec::new();
    for kind in ["ed25519", "rsa"] {
        let made = make(&world.api, kind).await;
        said.push(world.api.get(OWN_KEYS).await.text);
        let mut wrong = completed(&made, &"U".repeat(64));
        said.push(world.api.post(CONNECTIONS, wrong.clone()).await.text);
        wrong["secret"] = json!("both");
        said.push(world.api.post(CONNECTIONS, wrong).await.text);
        let api_key = hand_over(&world, &made, json!(["read", "trade"])).await;
        let mut input = completed(&made, &api_key);
        input["name"] = json!(kind);
        let connection = world.api.post(CONNECTIONS, input).await.is(201);
        Bot::make(&world.api, &connection, Value::Null).await.order().await.is(200);
        said.extend([made.to_string(), connection.to_string()]);
        let id = text(&connection["id"]).parse().unwrap();
        let owner = owner(&world).await;
        let row = connection::find(&world.server.app, owner, id).await.unwrap();
        let key = connection::secrets::open(&world.server.app, owner, &row).await.unwrap();
        let lines: Vec<String> = key.secret.expose().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "-----BEGIN PRIVATE KEY-----", "this is the private half");
        for line in lines {
            assert!(said.iter().all(|text| !text.contains(&line)), "{kind}: an answer holds it");
            for table in ["keygate.own_key", "api_keys", "exchange_connections", "api_key_usage_audit"] {
                let found = world.count(&format!("{table} t where t::text like '%{line}%'")).await;
                assert_eq!(found, 0, "{kind}: {table} holds it");
            }
        }
    }
}

async fn owner(world: &World) -> uuid::Uuid {
    sqlx::query_scalar("select id from users").fetch_one(&mut world.superuser().await).await.unwrap()
}

#[tokio::test]
async fn failed_check_stores_nothing_and_the_key_still_waits() {
    let world = World::new().await;
    let made = make(&world.api, "ed25519").await;
    let other = make(&world.api, "ed25519").await;
    let foreign = hand_over(&world, &other, json!(["read", "trade"])).await;
    let unknown = world.api.post(CONNECTIONS, completed(&made, &"U".repeat(64))).await;
    unknown.problem(400, "wrong-key");
    let detail =
        world.api.post(CONNECTIONS, completed(&made, &foreign)).await.problem(400, "wrong-signature");
    assert!(detail.contains("another public key"), "{detail}");
    let withdrawing = hand_over(&world, &made, json!(["read", "withdraw"])).await;
    world.api.post(CONNECTIONS, completed(&made, &withdrawing)).await.problem(400, "withdraw-allowed");
    world.nothing_stored().await;
    assert_eq!(waiting(&world).await, 2);
    let api_key = hand_over(&world, &made, json!(["read", "trade"])).await;
    world.api.post(CONNECTIONS, completed(&made, &api_key)).await.is(201);
    assert_eq!(waiting(&world).await, 1);
}

#[tokio::test]
async fn exactly_one_of_secret_and_own_key_is_taken() {
    let world = World::new().await;
    let made = make(&world.api, "ed25519").await;
    let mut both = new_connection("binance", "trade");
    both["own_key"] = made["id"].clone();
    assert!(world.api.post(CONNECTIONS, both.clone()).await.names("/own_key").contains("exactly one"));
    both.as_object_mut().unwrap().retain(|name, _| name != "secret" && name != "own_key");
    assert!(world.api.post(CONNECTIONS, both.clone()).await.names("/secret").contains("own_key"));
    both["own_key"] = json!("no id");
    world.api.post(CONNECTIONS, both).await.names("/own_key");
    world.nothing_stored().await;
}

#[tokio::test]
async fn key_is_used_where_and_by_whom_it_was_made_and_once() {
    let world = World::new().await;
    let made = make(&world.api, "ed25519").await;
    let api_key = hand_over(&world, &made, json!(["read", "trade"])).await;
    let input = completed(&made, &api_key);
    let mut elsewhere = input.clone();
    elsewhere["environment"] = json!("testnet");
    assert!(world.api.post(CONNECTIONS, elsewhere).await.names("/own_key").contains(PRACTICE));
    let uma = world.user("uma@example.com").await;
    let foreign = uma.post(CONNECTIONS, input.clone()).await.names("/own_key");
    let connection = world.api.post(CONNECTIONS, input.clone()).await.is(201);
    let mut again = input.clone();
    again["name"] = json!("again");
    assert_eq!(
        world.api.post(CONNECTIONS, again).await.names("/own_key"),
        foreign,
        "gone and foreign look alike"
    );
    assert_eq!(world.count("api_keys").await, 1);
    world.api.get(&format!("{CONNECTIONS}/{}", text(&connection["id"]))).await.is(200);
}

#[tokio::test]
async fn of_two_completions_at_once_one_stores_and_one_does_not() {
    let world = World::new().await;
    let made = make(&world.api, "ed25519").await;
    let first = hand_over(&world, &made, json!(["read", "trade"])).await;
    let second = hand_over(&world, &made, json!(["read", "trade"])).await;
    let (one, mut two) = (completed(&made, &first), completed(&made, &second));
    two["name"] = json!("second");
    let (one, two) = tokio::join!(world.api.post(CONNECTIONS, one), world.api.post(CONNECTIONS, two));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400], "{} {}", one.text, two.text);
    assert_eq!((world.count("api_keys").await, world.count("exchange_connections").await), (1, 1));
}

#[tokio::test]
async fn exchange_that_takes_no_such_key_is_refused_by_name() {
    let world = World::new().await;
    let refused = async |exchange: &str, environment: &str, kind: &str, pointer: &str| {
        let input = json!({"exchange": exchange, "environment": environment, "kind": kind});
        world.api.post(OWN_KEYS, input).await.names(pointer)
    };
    assert!(refused("coinone", PRACTICE, "ed25519", "/exchange").await.contains("no public keys"));
    refused("nowhere", PRACTICE, "ed25519", "/exchange").await;
    refused("binance", "moon", "ed25519", "/environment").await;
    for kind in ["hmac", "es256", "", "RSA"] {
        assert!(refused("binance", PRACTICE, kind, "/kind").await.contains("ed25519, rsa"));
    }
    assert!(refused("bybit", "production", "ed25519", "/kind").await.ends_with("takes: rsa"));
    let known = world.api.get("/api/v1/exchanges").await.is(200);
    let own = |id: &str| {
        let known = known.as_array().unwrap().iter().find(|known| known["id"] == id);
        known.unwrap()["own_keys"].clone()
    };
    assert_eq!((own("binance"), own("coinone")), (json!(["ed25519", "rsa"]), json!([])));
    assert_eq!(waiting(&world).await, 0);
}

#[tokio::test]
async fn key_waits_seven_days_and_is_destroyed_then() {
    let world = World::new().await;
    let made = make(&world.api, "ed25519").await;
    let api_key = hand_over(&world, &made, json!(["read", "trade"])).await;
    world.advance(Duration::days(7) - Duration::minutes(1));
    job::round(&world.server.app).await;
    assert_eq!(waiting(&world).await, 1);
    world.advance(Duration::minutes(2));
    let api = world.sign_in(crate::world::OWNER).await;
    assert_eq!(api.get(OWN_KEYS).await.is(200), json!([]), "over, though nobody swept yet");
    api.post(CONNECTIONS, completed(&made, &api_key)).await.names("/own_key");
    job::round(&world.server.app).await;
    assert_eq!(waiting(&world).await, 0);
    let records = "api_key_usage_audit where operation_type in ('own-key-make', 'own-key-expire')";
    assert_eq!(world.count(records).await, 2);
}

#[tokio::test]
async fn making_using_and_deleting_are_on_record() {
    let world = World::new().await;
    let (used, deleted) = (make(&world.api, "ed25519").await, make(&world.api, "ed25519").await);
    let api_key = hand_over(&world, &used, json!(["read", "trade"])).await;
    world.api.post(CONNECTIONS, completed(&used, &api_key)).await.is(201);
    let path = format!("{OWN_KEYS}/{}", text(&deleted["id"]));
    world.api.delete(&path).await.is(204);
    world.api.delete(&path).await.problem(404, "not-found");
    let of = |made: &Value, operation: &str| {
        let id = text(&made["id"]);
        format!(
            "api_key_usage_audit where api_key_id = '{id}' and operation_type = '{operation}' and success"
        )
    };
    for (made, operations) in [
        (&used, &["own-key-make", "own-key-use", "create"][..]),
        (&deleted, &["own-key-make", "own-key-delete"]),
    ] {
        for operation in operations {
            assert_eq!(world.count(&of(made, operation)).await, 1, "{operation}");
        }
    }
    assert_eq!(waiting(&world).await, 0);
}

#[tokio::test]
async fn only_so_many_keys_wait_at_a_time() {
    let world = World::new().await;
    for _ in 0..20 {
        make(&world.api, "ed25519").await;
    }
    let input = json!({"exchange": "binance", "environment": PRACTICE, "kind": "ed25519"});
    world.api.post(OWN_KEYS, input).await.problem(429, "too-many-requests");
    assert_eq!(waiting(&world).await, 20);
}

#[tokio::test]
async fn key_that_may_only_look_makes_and_deletes_nothing() {
    let world = World::new().await;
    let made = make(&world.api, "ed25519").await;
    let issued = world.api.post("/api/v1/access-keys", json!({"scopes": ["read"]})).await.is(201);
    let reader = world.api.with_token(text(&issued["token"]));
    assert_eq!(reader.get(OWN_KEYS).await.is(200)[0]["id"], made["id"]);
    let input = json!({"exchange": "binance", "environment": PRACTICE, "kind": "ed25519"});
    reader.post(OWN_KEYS, input).await.problem(403, "forbidden");
    reader.delete(&format!("{OWN_KEYS}/{}", text(&made["id"]))).await.problem(403, "forbidden");
    assert_eq!(waiting(&world).await, 1);
}
