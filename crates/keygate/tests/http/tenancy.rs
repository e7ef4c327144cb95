//! What belongs to somebody else is not there: the same answer as for what does not exist.

use serde_json::{Value, json};

use crate::{
    api::{Api, Reply, text},
    bot::Bot,
    world::{PRACTICE, World, connect},
};

/// Every route that takes an id of something that is somebody's.
const ROUTES: [(&str, &str); 26] = [
    ("GET", "/api/v1/connections/{connection}"),
    ("PATCH", "/api/v1/connections/{connection}"),
    ("DELETE", "/api/v1/connections/{connection}"),
    ("DELETE", "/api/v1/connections/{connection}?dry_run=true"),
    ("POST", "/api/v1/connections/{connection}/restore"),
    ("POST", "/api/v1/connections/{connection}/check"),
    ("POST", "/api/v1/connections/{connection}/pause"),
    ("POST", "/api/v1/connections/{connection}/resume"),
    ("GET", "/api/v1/connections/{connection}/keys"),
    ("GET", "/api/v1/connections/{connection}/limits"),
    ("PATCH", "/api/v1/connections/{connection}/limits"),
    ("POST", "/api/v1/connections/{connection}/limits/test"),
    ("POST", "/api/v1/connections/{connection}/limits/replay"),
    ("DELETE", "/api/v1/connections/{connection}/limits/pending"),
    ("DELETE", "/api/v1/connections/own-keys/{own_key}"),
    ("POST", "/api/v1/alerts/{alert}/acknowledge"),
    ("POST", "/api/v1/suspensions/{suspension}/confirm"),
    ("POST", "/api/v1/unsettled/{lost}"),
    ("GET", "/api/v1/bots/{bot}"),
    ("PATCH", "/api/v1/bots/{bot}"),
    ("DELETE", "/api/v1/bots/{bot}"),
    ("DELETE", "/api/v1/bots/{bot}/pending-symbol"),
    ("GET", "/api/v1/bots/{bot}/access-keys"),
    ("POST", "/api/v1/bots/{bot}/access-keys"),
    ("DELETE", "/api/v1/access-keys/{key}"),
    ("DELETE", "/api/v1/access-keys/{personal}"),
];

const NAMES: [&str; 8] =
    ["{connection}", "{bot}", "{key}", "{personal}", "{own_key}", "{alert}", "{suspension}", "{lost}"];

async fn call(api: &Api, method: &str, path: &str) -> Reply {
    let request = api.request(method, path);
    let body = match (method, path.rsplit('/').next()) {
        ("PATCH", Some("limits")) => Some(json!({"limits": {"can_trade": false}})),
        ("POST", Some("test")) => Some(json!({"withdrawal": {"asset": "BTC", "amount": "1"}})),
        ("POST", _) if path.starts_with("/api/v1/unsettled/") => {
            Some(json!({"happened": false, "password": "a password that is nobody's"}))
        }
        ("PATCH", _) | ("POST", Some("access-keys" | "confirm" | "replay" | "restore")) => Some(json!({})),
        _ => None,
    };
    Reply::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[tokio::test]
async fn things_of_another_user_are_as_absent_as_things_that_never_were() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let connection = world.connect("binance", "trade").await;
    let bot = Bot::make(&world.api, &connection, Value::Null).await;
    let personal = world.api.post("/api/v1/access-keys", json!({})).await.is(201);
    let wish = json!({"exchange": "binance", "environment": PRACTICE, "kind": "ed25519"});
    let waiting = world.api.post("/api/v1/connections/own-keys", wish).await.is(201);
    bot.account().await.is(200);
    world.flush().await;
    bot.limited(&world, json!({"can_transfer": true})).await.is(202);
    let alerts = world.api.get("/api/v1/alerts").await.is(200);
    let fill = |route: &str, ids: [&str; 8]| {
        NAMES.iter().zip(ids).fold(route.to_owned(), |route, (name, id)| route.replace(name, id))
    };
    let suspension = uuid::Uuid::from_u128(8).to_string();
    world
        .execute(&format!(
            "insert into keygate.suspension (id, user_id, access_key_id, connection_id, request_id, address, score, reasons,
                    suspended_at, confirmed_at, confirmed_by)
             select '{suspension}', user_id, id, '{}', id, '192.0.2.1', 70, '{{}}', now(), now(), user_id
             from access_keys where id = '{}'",
            text(&connection["id"]),
            bot.access_key
        ))
        .await;
    bot.binance("POST", "/api/v3/order", crate::bot::BUY).await.is(200);
    let lost = world.lose_answers().await;
    let absent = uuid::Uuid::from_u128(7).to_string();
    for (method, route) in ROUTES {
        let foreign = [
            text(&connection["id"]),
            &bot.id,
            &bot.access_key,
            text(&personal["id"]),
            text(&waiting["id"]),
            text(&alerts[0]["id"]),
            &suspension,
            &lost,
        ];
        let foreign = call(&uma, method, &fill(route, foreign)).await;
        let never = call(&uma, method, &fill(route, [&absent; 8])).await;
        foreign.problem(404, "not-found");
        assert_eq!(foreign.body["detail"], never.body["detail"], "{method} {route}");
        assert_eq!(foreign.status, never.status, "{method} {route}");
    }
    let input = json!({"connection_id": connection["id"], "name": "thief"});
    uma.post("/api/v1/bots", input).await.problem(404, "not-found");
    assert_eq!(bot.account().await.status, 200, "nothing was changed");
    assert_eq!(world.count("access_keys where revoked_at is not null").await, 0);
    assert_eq!(world.count("bot_configs").await, 1);
    assert_eq!(world.count("keygate.own_key").await, 1);
    assert_eq!(world.count("keygate.reservation where state = 'unknown'").await, 1);
    assert_eq!(world.count("keygate.alert where kind <> 'account' and acknowledged_at is null").await, 1);
}

#[tokio::test]
async fn the_list_of_routes_is_complete() {
    let document = serde_json::to_value(keygate::openapi::document()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let taking_id = path.contains("{id}") && !path.starts_with("/api/v1/admin/");
        for method in methods.as_object().unwrap().keys().filter(|_| taking_id) {
            let same = |route: &(&str, &str)| {
                let known = NAMES.iter().fold(route.1.to_owned(), |route, name| route.replace(name, "{id}"));
                route.0.eq_ignore_ascii_case(method) && known == *path
            };
            assert!(ROUTES.iter().any(same), "{method} {path} is not tried with a foreign id");
        }
    }
}

#[tokio::test]
async fn lists_hold_ones_own_things_only() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    world.api.post("/api/v1/access-keys", json!({})).await.is(201);
    world.flush().await;
    let wish = json!({"exchange": "binance", "environment": PRACTICE, "kind": "ed25519"});
    world.api.post("/api/v1/connections/own-keys", wish).await.is(201);
    for path in [
        "/api/v1/connections",
        "/api/v1/connections/own-keys",
        "/api/v1/bots",
        "/api/v1/access-keys",
        "/api/v1/suspensions",
        "/api/v1/unsettled",
        "/api/settings/exchange-api-key",
    ] {
        assert_eq!(uma.get(path).await.is(200), json!([]), "{path}");
        assert_eq!(world.api.get(path).await.status, 200);
    }
    let seen = uma.get("/api/v1/activity").await.is(200)["items"].clone();
    assert_eq!((seen.as_array().unwrap().len(), text(&seen[0]["operation"])), (1, "sign-in"), "{seen}");
    assert_eq!(uma.get("/api/v1/activity/export").await.text.lines().count(), 1);
    let filtered = format!("/api/v1/activity?connection={}", bot.connection);
    assert_eq!(uma.get(&filtered).await.is(200)["items"], json!([]));
    assert!(!world.api.get(&filtered).await.is(200)["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn same_key_may_be_held_by_two_users_without_either_learning_of_it() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    world.connect("binance", "trade").await;
    connect(&uma, "binance", "trade").await;
    assert_eq!(world.count("api_keys").await, 2);
}

#[tokio::test]
async fn personal_key_cannot_name_a_connection_of_somebody_else() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let connection = world.connect("binance", "trade").await;
    let issued = uma.post("/api/v1/access-keys", json!({"scopes": ["read", "trade"]})).await.is(201);
    let request = |connection: &str| {
        let request = world.api.nobody().request("GET", "/x/binance/api/v3/account");
        request.header("x-keygate-key", text(&issued["token"])).header("x-keygate-connection", connection)
    };
    for name in [text(&connection["id"]), "trade"] {
        Reply::of(request(name)).await.binance(403, -1002, "no-connection");
    }
    assert_eq!(world.asked("/api/v3/account?timestamp"), world.asked("/api/v3/account"));
}
