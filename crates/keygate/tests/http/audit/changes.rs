//! Every change of who may do what with a key, by whom and through what, is on record, also where no exchange key is at hand.

use serde_json::{Value, json};
use time::Duration;

use keygate::audit::{self, Scope};

use crate::{
    api::{Api, text},
    bot::Bot,
    world::{OWNER, PASSWORD, World},
};

const DELAY: &str = "/api/v1/me/limits-delay";
const KEYS: &str = "/api/v1/access-keys";

/// What the management side did, oldest first; signing in apart.
async fn changes(api: &Api) -> Vec<Value> {
    let page = api.get("/api/v1/activity?decision=management&limit=200").await.is(200);
    let all = page["items"].as_array().unwrap().iter().rev();
    all.filter(|change| change["operation"] != "sign-in").cloned().collect()
}

fn operations(changes: &[Value]) -> Vec<&str> {
    changes.iter().map(|change| text(&change["operation"])).collect()
}

/// All records are links of their chains, and a changed one is seen.
async fn is_proven(world: &World) {
    let (settings, app) = (world.scratch.settings(), &world.server.app);
    let report = || async {
        let path = app.config.checkpoints_path();
        audit::verify(&settings, &app.keys.audit, &path, &Scope::default()).await.map_err(|fatal| fatal.what)
    };
    audit::checkpoint(app).await.unwrap();
    let good = report().await.unwrap();
    assert!(good.findings.is_empty() && good.unchained == 0, "{:?}", good.findings);
    let rows = "(select from api_key_usage_audit union all select from exchange_api_calls) r";
    assert_eq!(good.rows, u64::try_from(world.count(rows).await).unwrap());
    world.execute("update api_key_usage_audit set operation_type = 'verify' where decision is null").await;
    assert!(!report().await.unwrap().findings.is_empty());
}

#[tokio::test]
async fn every_change_of_a_bot_is_on_record() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let bot = Bot::make(&world.api, &connection, Value::Null).await;
    let path = format!("/api/v1/bots/{}", bot.id);
    for change in [
        json!({"name": "grid two"}),
        json!({"is_active": false}),
        json!({"name": "grid three", "is_active": true, "symbol": "BTC/USDT"}),
        json!({"name": "grid three", "is_active": true, "symbol": "BTC/USDT"}),
    ] {
        world.api.patch(&path, change).await.is(200);
    }
    world.api.delete(&path).await.is(204);
    world.api.delete(&path).await.problem(404, "not-found");
    let changes = changes(&world.api).await;
    let expected = [
        "create",
        "bot-create",
        "access-key-create",
        "bot-rename",
        "bot-stop",
        "bot-symbol",
        "bot-rename",
        "bot-start",
        "bot-delete",
    ];
    assert_eq!(operations(&changes), expected);
    for change in &changes[1..] {
        assert_eq!((text(&change["bot_id"]), text(&change["exchange"])), (bot.id.as_str(), "binance"));
        assert_eq!((&change["connection_id"], text(&change["ip"])), (&connection["id"], "127.0.0.1"));
    }
    is_proven(&world).await;
}

#[tokio::test]
async fn record_of_a_change_says_from_what_to_what() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world.flush().await;
    let path = format!("/api/v1/bots/{}", bot.id);
    let name = world.api.get(&path).await.is(200)["name"].clone();
    world.api.patch(&path, json!({"name": "grid two", "symbol": "BTC/USDT"})).await.is(200);
    bot.limited(&world, json!({"max_leverage": "1", "max_requests_per_minute": 30})).await.is(200);
    let raised = json!({"max_requests_per_minute": 90, "max_trade_amount_usd": "50"});
    let pending = bot.limited(&world, raised).await.is(202)["pending"][0]["effective_at"].clone();
    bot.limited(&world, json!({"max_leverage": "1"})).await.is(200);
    let waits = json!({"seconds": 172_800, "password": PASSWORD});
    world.api.request("PUT", DELAY).json(&waits).send().await.unwrap().error_for_status().unwrap();

    let changes = changes(&world.api).await;
    let of = |operation: &str| {
        let all = changes.iter().filter(|change| change["operation"] == operation);
        all.map(|change| change["changed"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("bot-create"), [json!({"name": {"from": null, "to": name}})]);
    assert_eq!(of("bot-rename"), [json!({"name": {"from": name, "to": "grid two"}})]);
    assert_eq!(of("bot-symbol"), [json!({"symbol": {"from": null, "to": "BTC/USDT"}})]);
    assert_eq!(of("access-key-create")[0]["scopes"]["to"], json!(["read", "trade"]));
    let tighter =
        json!({"max_leverage": {"from": null, "to": "1"}, "max_requests_per_minute": {"from": 60, "to": 30}});
    assert_eq!(of("limits"), [tighter, Value::Null], "the last one changed nothing");
    let asked = json!({"max_requests_per_minute": {"from": 30, "to": 90, "at": pending},
        "max_trade_amount_usd": {"from": null, "to": "50"}});
    assert_eq!(of("limits-raise-asked"), [asked]);
    assert_eq!(of("limits-delay"), [json!({"seconds": {"from": 86_400, "to": 172_800}})]);
    let export = world.api.get("/api/v1/activity/export?operation=bot-rename").await.text;
    assert!(export.contains(r#""to":"grid two"}}"#), "{export}");
    is_proven(&world).await;
}

#[tokio::test]
async fn other_words_about_a_change_are_seen() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let bot = Bot::make(&world.api, &connection, Value::Null).await;
    let app = &world.server.app;
    audit::checkpoint(app).await.unwrap();
    let findings = || async {
        let (settings, path) = (world.scratch.settings(), app.config.checkpoints_path());
        audit::verify(&settings, &app.keys.audit, &path, &Scope::default())
            .await
            .map_err(|fatal| fatal.what)
            .unwrap()
            .findings
    };
    assert!(findings().await.is_empty());
    let record = format!("bot_id = '{}' and operation_type = 'bot-create'", bot.id);
    world.execute("create table saved as table api_key_usage_audit").await;
    for forged in ["null", r#"'{"name":{"from":null,"to":"Grid"}}'"#] {
        world.execute(&format!("update api_key_usage_audit set changed = {forged} where {record}")).await;
        assert_eq!(findings().await.len(), 1, "{forged}");
        world
            .execute("update api_key_usage_audit a set changed = s.changed from saved s where s.id = a.id")
            .await;
        assert!(findings().await.is_empty());
    }
    let other = "operation_type = 'create'";
    world.execute(&format!("update api_key_usage_audit set changed = '{{}}' where {other}")).await;
    assert_eq!(findings().await.len(), 1);
}

#[tokio::test]
async fn who_signs_in_is_on_the_record_of_the_account() {
    let world = World::new().await;
    let login = |password| json!({"email": OWNER, "password": password});
    world
        .api
        .nobody()
        .post("/api/v1/auth/login", login("not the password"))
        .await
        .problem(401, "login-failed");
    world.api.nobody().post("/api/v1/auth/login", login(PASSWORD)).await.is(200);
    let found = world.api.get("/api/v1/activity?operation=sign-in").await.is(200);
    let found = found["items"].as_array().unwrap();
    let me = world.api.get("/api/v1/users/me").await.is(200);
    assert_eq!((found.len(), text(&found[0]["ip"]), &found[0]["api_key_id"]), (1, "127.0.0.1", &me["id"]));
    is_proven(&world).await;
}

#[tokio::test]
async fn refused_change_leaves_no_record() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let bot = json!({"connection_id": connection["id"], "name": "grid"});
    world.api.post("/api/v1/bots", bot.clone()).await.is(201);
    world.api.post("/api/v1/bots", bot).await.problem(409, "duplicate");
    world.api.post(KEYS, json!({})).await.is(201);
    world.api.post(KEYS, json!({})).await.problem(409, "access-key-exists");
    let absent = format!("{KEYS}/{}", uuid::Uuid::from_u128(7));
    world.api.delete(&absent).await.problem(404, "not-found");
    world.api.request("PUT", DELAY).json(&json!({"seconds": 60})).send().await.unwrap();
    assert_eq!(operations(&changes(&world.api).await), ["create", "bot-create", "access-key-create"]);
}

#[tokio::test]
async fn personal_key_is_on_record_from_its_making_to_its_end() {
    let world = World::new().await;
    let me = world.api.get("/api/v1/users/me").await.is(200);
    let key = world.api.post(KEYS, json!({"scopes": ["manage"], "password": PASSWORD})).await.is(201);
    world.api.delete(&format!("{KEYS}/{}", text(&key["id"]))).await.is(204);
    let changes = changes(&world.api).await;
    assert_eq!(operations(&changes), ["access-key-create", "access-key-revoke"]);
    for change in &changes {
        assert_eq!((&change["access_key"], &change["api_key_id"]), (&key["prefix"], &me["id"]));
        assert_eq!((&change["connection_id"], &change["exchange"]), (&Value::Null, &Value::Null));
    }
    let own = format!("/api/v1/activity?access_key={}", text(&key["id"]));
    assert_eq!(world.api.get(&own).await.is(200)["items"].as_array().unwrap().len(), 2);
    let export = world.api.get("/api/v1/activity/export?format=csv").await.text;
    assert_eq!(export.matches("access-key-").count(), 2, "{export}");
    is_proven(&world).await;
}

#[tokio::test]
async fn changed_wait_of_raised_limits_is_on_record() {
    let world = World::new().await;
    for wish in
        [json!({"seconds": 172_800, "password": PASSWORD}), json!({"seconds": 60, "password": PASSWORD})]
    {
        let reply = world.api.request("PUT", DELAY).json(&wish).send().await.unwrap();
        assert_eq!(reply.status(), 200);
    }
    let changes = changes(&world.api).await;
    assert_eq!(operations(&changes), ["limits-delay", "limits-delay-asked"]);
    assert!(changes.iter().all(|change| text(&change["ip"]) == "127.0.0.1"));
    is_proven(&world).await;
}

#[tokio::test]
async fn stop_of_everything_is_on_the_record_of_the_account_and_of_each_key() {
    let world = World::new().await;
    world.api.post("/api/v1/panic", json!({})).await.is(200);
    world.api.post("/api/v1/panic", json!({})).await.is(200);
    world.api.post("/api/v1/panic/resume", json!({"password": PASSWORD})).await.is(200);
    assert_eq!(operations(&changes(&world.api).await), ["panic", "panic-ended"], "there was no key to stop");
    world.connect("binance", "trade").await;
    world.api.post("/api/v1/panic", json!({"cancel_orders": true})).await.is(200);
    let changes = changes(&world.api).await;
    let expected =
        ["panic", "panic-ended", "create", "panic", "panic", "panic-cancel-orders", "panic-cancel-orders"];
    assert_eq!(operations(&changes), expected);
}

#[tokio::test]
async fn account_that_is_shut_is_on_the_record_of_whoever_shut_it_and_on_no_other() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let id = uma.get("/api/v1/users/me").await.is(200)["id"].clone();
    for what in ["deactivate", "reactivate"] {
        let path = format!("/api/v1/admin/users/{}/{what}", text(&id));
        world.api.post(&path, json!({"password": PASSWORD})).await.is(200);
    }
    let made = changes(&world.api).await;
    assert_eq!(operations(&made), ["account-create", "account-deactivate", "account-reactivate"]);
    assert!(made.iter().all(|change| change["api_key_id"] == id));
    assert_eq!(changes(&world.sign_in("uma@example.com").await).await, [Value::Null; 0]);
    is_proven(&world).await;
}

#[tokio::test]
async fn limit_that_comes_into_force_by_itself_is_on_record_without_an_address() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world.flush().await;
    bot.limited(&world, json!({"can_transfer": true})).await.is(202);
    world.advance(Duration::hours(25));
    keygate::job::round(&world.server.app).await;
    let owner = world.sign_in(OWNER).await;
    let changes = changes(&owner).await;
    let last = changes.last().unwrap();
    assert_eq!((text(&last["operation"]), &last["ip"]), ("limits-raised", &Value::Null));
}
