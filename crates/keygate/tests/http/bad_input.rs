//! What cannot be right is refused with the name of the member, nothing is stored, and the value is not
//! repeated.

use serde_json::{Value, json};

use crate::{
    api::{Reply, text},
    world::{PRACTICE, World, key, new_connection, secret},
};

const CONNECTIONS: &str = "/api/v1/connections";
const CANARY: &str = "c4n4ry-c4n4ry-c4n4ry";

/// Sends these bytes as JSON.
async fn raw(world: &World, path: &str, body: impl Into<String>) -> Reply {
    let request = world.api.request("POST", path).header("content-type", "application/json");
    Reply::of(request.body(body.into())).await
}

#[tokio::test]
async fn broken_json_is_refused_with_its_place() {
    let world = World::new().await;
    for body in
        ["", "{", "{\"exchange\": \"binance\"", "nonsense", "{\"a\":1}}", "{'a': 1}", "[1,", "\u{0}", "{} {}"]
    {
        let reply = raw(&world, CONNECTIONS, body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        assert!(["invalid-body", "invalid-field"].contains(&text(&reply.body["code"])), "{}", reply.text);
    }
    let request = world.api.request("POST", CONNECTIONS).header("content-type", "application/json");
    Reply::of(request.body(vec![0xff, 0xfe, b'{'])).await.problem(400, "invalid-body");
    world.nothing_stored().await;
}

#[tokio::test]
async fn body_that_is_not_json_is_refused() {
    let world = World::new().await;
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data", ""]
    {
        let request = world.api.request("POST", CONNECTIONS).header("content-type", kind);
        Reply::of(request.body("{}")).await.problem(400, "invalid-body");
    }
    for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        let request = world.api.request("POST", CONNECTIONS).header("content-type", kind);
        Reply::of(request.body("{}")).await.problem(400, "invalid-field");
    }
}

#[tokio::test]
async fn unknown_doubled_missing_and_mistyped_members_are_named() {
    let world = World::new().await;
    let good = new_connection("binance", "trade");
    let with = |member: &str, value: Value| {
        let mut input = good.clone();
        input[member] = value;
        input.to_string()
    };
    let double = |member: &str| {
        let text = good.to_string();
        format!("{},\"{member}\":\"{CANARY}\"}}", &text[..text.len() - 1])
    };
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("secret");
    let cases = [
        (with("exchnage", json!(CANARY)), "/exchnage"),
        (with("user_id", json!(CANARY)), "/user_id"),
        (with("exchange", json!(7)), "/exchange"),
        (with("exchange", json!([CANARY])), "/exchange"),
        (with("api_key", json!({"a": CANARY})), "/api_key"),
        (with("secret", json!(12345)), "/secret"),
        (with("secret", json!([CANARY])), "/secret"),
        (with("accept_withdraw", json!(CANARY)), "/accept_withdraw"),
        (with("permissions", json!({"trade": CANARY})), "/permissions/trade"),
        (with("permissions", json!({"steal": true})), "/permissions/steal"),
        (with("permissions", json!(CANARY)), "/permissions"),
        (with("name", json!("")), "/name"),
        (with("name", json!("x".repeat(101))), "/name"),
        (with("name", json!("a\nb")), "/name"),
        (with("label", json!("x".repeat(101))), "/label"),
        (with("environment", json!(CANARY)), "/environment"),
        (with("environment", json!("../production")), "/environment"),
        (with("passphrase", json!(CANARY)), "/passphrase"),
        (double("secret"), "/secret"),
        (double("exchange"), "/exchange"),
    ];
    for (body, pointer) in cases {
        let reply = raw(&world, CONNECTIONS, body.clone()).await;
        let detail = reply.names(pointer);
        assert!(!reply.text.contains(CANARY), "{body}: {detail}");
    }
    let reply = raw(&world, CONNECTIONS, without.to_string()).await;
    reply.names("/secret");
    world.nothing_stored().await;
    assert_eq!(world.demo.requests().len(), 0);
}

#[tokio::test]
async fn wrong_exchange_names_are_refused_and_the_known_ones_are_named() {
    let world = World::new().await;
    for name in ["mtgox", "Binance", "binance ", "", "binance.coinm", "../binance", "binance\u{0}", "демо"]
    {
        let mut input = new_connection("binance", "trade");
        input["exchange"] = json!(name);
        let detail = world.api.post(CONNECTIONS, input).await.names("/exchange");
        assert!(detail.contains("binance, ") && detail.contains("coinone, "), "{detail}");
    }
    world.nothing_stored().await;
}

#[tokio::test]
async fn swapped_key_and_secret_are_refused_and_the_secret_does_not_travel() {
    let world = World::new().await;
    for (exchange, name) in [("binance", "ed25519"), ("binance", "rsa")] {
        let mut input = new_connection(exchange, name);
        let (public, private) = (input["api_key"].clone(), input["secret"].clone());
        (input["api_key"], input["secret"]) = (private, public);
        let reply = world.api.post(CONNECTIONS, input).await;
        assert_eq!(text(&reply.body["code"]), "invalid-field", "{}", reply.text);
    }
    assert_eq!(world.demo.requests().len(), 0);
    // Two texts of the same form cannot be told apart here; the exchange tells, and nothing is stored.
    let mut input = new_connection("binance", "trade");
    let (public, private) = (input["api_key"].clone(), input["secret"].clone());
    (input["api_key"], input["secret"]) = (private.clone(), public);
    let reply = world.api.post(CONNECTIONS, input).await;
    reply.problem(400, "wrong-key");
    assert!(!reply.text.contains(text(&private)));
    world.nothing_stored().await;
}

#[tokio::test]
async fn broken_keys_are_refused_by_their_form() {
    let world = World::new().await;
    let pem = secret(&key("binance", "ed25519"));
    let body = pem.lines().nth(1).unwrap();
    let broken = [
        pem.replace(body, &body[..20]),
        pem.replace(body, "not base64 at all!"),
        pem.replace("END", "FIN"),
        pem.lines().take(2).collect::<Vec<_>>().join("\n"),
        pem.replace("PRIVATE KEY", "PUBLIC KEY"),
        format!("{pem}{pem}"),
    ];
    for secret in broken {
        let mut input = new_connection("binance", "ed25519");
        input["secret"] = json!(secret);
        let reply = world.api.post(CONNECTIONS, input).await;
        reply.names("/secret");
        assert!(!reply.text.contains(body), "{}", reply.text);
    }
    for (member, value) in
        [("api_key", ""), ("api_key", "a b"), ("api_key", "ключ"), ("secret", ""), ("secret", "a\u{7}b")]
    {
        let mut input = new_connection("binance", "trade");
        input[member] = json!(value);
        world.api.post(CONNECTIONS, input).await.names(&format!("/{member}"));
    }
    world.nothing_stored().await;
    assert_eq!(world.demo.requests().len(), 0);
}

#[tokio::test]
async fn body_that_is_too_large_is_refused() {
    let world = World::new().await;
    for path in [CONNECTIONS, "/api/v1/auth/login", "/api/v1/api-keys/", "/api/settings/exchange-api-key"] {
        let reply = raw(&world, path, format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))).await;
        reply.problem(413, "body-too-large");
    }
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let reply = raw(&world, CONNECTIONS, format!("{{\"name\":{deep}}}")).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    world.nothing_stored().await;
}

#[tokio::test]
async fn impossible_ids_are_refused() {
    let world = World::new().await;
    for id in
        ["1", "not-a-uuid", "00000000-0000-0000-0000-00000000000g", "%00", "%20", "null", "%27%20or%201=1"]
    {
        for path in ["connections", "bots"] {
            world.api.get(&format!("/api/v1/{path}/{id}")).await.names("/id");
        }
        world.api.delete(&format!("/api/v1/access-keys/{id}")).await.names("/id");
    }
}

#[tokio::test]
async fn older_routes_name_their_members_as_well() {
    let world = World::new().await;
    let good = key("binance", "trade");
    let mut input = json!({"api_key": good.api_key, "secret_key": secret(&good), "environment": PRACTICE});
    input["secret"] = json!(CANARY);
    world.api.post("/api/v1/api-keys/", input).await.names("/secret");
    let odd = json!({"exchange_id": "101", "public_key": "x", "private_key": CANARY});
    let reply = world.api.post("/api/settings/exchange-api-key", odd).await;
    reply.names("/exchange_id");
    assert!(!reply.text.contains(CANARY));
    let broken =
        json!({"exchange_id": 101, "public_key": "", "private_key": CANARY, "environment": PRACTICE});
    let reply = world.api.post("/api/settings/exchange-api-key", broken).await;
    assert!((400..500).contains(&reply.status), "{}", reply.text);
    world.nothing_stored().await;
}

#[tokio::test]
async fn weak_and_odd_accounts_are_refused_by_member() {
    let world = World::new().await;
    let make = |email: &str, name: &str, password: &str| {
        world.api.post("/api/v1/admin/users", json!({"email": email, "name": name, "password": password}))
    };
    let good = crate::world::PASSWORD;
    make("nobody", "N", good).await.names("/email");
    make("a b@example.com", "N", good).await.names("/email");
    make("@example.com", "N", good).await.names("/email");
    make("n@example.com", " ", good).await.names("/name");
    make("n@example.com", &"x".repeat(101), good).await.names("/name");
    for weak in [
        "short",
        "aaaaaaaaaaaaaaaa",
        "123456789012345",
        "natalie-natalie",
        "my keygate password",
        &"x".repeat(257),
    ] {
        let reply = make("natalie@example.com", "N", weak).await;
        reply.names("/password");
        assert!(weak.len() < 6 || !reply.text.contains(weak), "{}", reply.text);
    }
    assert_eq!(world.count("users").await, 1);
}

#[tokio::test]
async fn text_with_a_nul_character_is_refused_and_not_a_fault_of_ours() {
    let world = World::new().await;
    for name in ["exchange", "class", "operation", "access_key", "rule"] {
        for path in ["/api/v1/activity", "/api/v1/activity/export"] {
            world.api.get(&format!("{path}?{name}=a%00b")).await.names(&format!("/{name}"));
        }
    }
    let bot = world.bot("binance", "trade").await;
    let note = json!({"name": "a\u{0}b"});
    let reply = world.api.patch(&format!("/api/v1/bots/{}", bot.id), note).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let symbol =
        json!({"limits": {"allowed_symbols": ["BTC\u{0}/USDT"]}, "password": crate::world::PASSWORD});
    let reply = world.api.patch(&format!("/api/v1/connections/{}/limits", bot.connection), symbol).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    world
        .api
        .delete(&format!("/api/v1/connections/{}/limits/pending?member=%00", bot.connection))
        .await
        .problem(404, "not-found");
    let login = json!({"email": "a\u{0}@b", "password": "x"});
    let reply = world.api.nobody().post("/api/v1/auth/login", login).await;
    assert_eq!(reply.status, 401, "{}", reply.text);
}

#[tokio::test]
async fn moment_beyond_the_years_that_there_are_is_refused_by_name() {
    let world = World::new().await;
    for (name, moment) in [("until", "9999-12-31T23:59:59-14:00"), ("since", "0000-00-00T00:00:00Z")] {
        world.api.get(&format!("/api/v1/activity?{name}={moment}")).await.names(&format!("/{name}"));
    }
    world.api.get("/api/v1/activity?until=9999-12-31T23:59:59Z").await.is(200);
}
