//! Which routes there are, and who may call them.

use keygate::http::PUBLIC_ROUTES;
use serde_json::json;

use crate::{
    api::{Api, Reply},
    world::World,
};

/// Method and path of everything in the document, ids filled in.
fn documented() -> Vec<(String, String, bool)> {
    let document = serde_json::to_value(keygate::openapi::document()).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let open = operation["security"] == json!([{}]);
            routes.push((method.to_uppercase(), path.clone(), open));
        }
    }
    routes
}

async fn call(api: &Api, method: &str, path: &str) -> Reply {
    let path = path.replace("{id}", &uuid::Uuid::nil().to_string());
    Reply::of(api.request(method, &path).json(&json!({}))).await
}

#[tokio::test]
async fn every_documented_route_but_the_public_ones_refuses_without_a_credential() {
    let world = World::new().await;
    let routes = documented();
    assert!(routes.len() >= 30, "{}", routes.len());
    for (method, path, open) in routes {
        let public = PUBLIC_ROUTES.contains(&format!("{method} {path}").as_str());
        assert_eq!(open, public, "{method} {path}: the document and the list of public routes differ");
        let credentials = [world.api.nobody(), world.api.with_token("x"), world.api.with_token("kg_x")];
        for api in credentials {
            let reply = call(&api, &method, &path).await;
            match public {
                true => assert_ne!(reply.body["code"], "unauthorized", "{method} {path}"),
                false => {
                    reply.problem(401, "unauthorized");
                }
            }
        }
    }
}

#[tokio::test]
async fn route_that_is_not_listed_as_public_refuses_with_and_without_a_final_slash() {
    let world = World::new().await;
    for (method, path, open) in documented().into_iter().filter(|(_, _, open)| !open) {
        assert!(!open);
        call(&world.api.nobody(), &method, &format!("{path}/")).await.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let world = World::new().await;
    world.api.get("/api/v1/nothing").await.problem(404, "not-found");
    world.api.get("/api/v1/connections//").await.problem(404, "not-found");
    world.api.get("/api//v1/connections").await.problem(404, "not-found");
    Reply::of(world.api.request("PUT", "/api/v1/connections")).await.problem(405, "method-not-allowed");
    let reply = world.api.get("/api/v1/connections").await;
    for (name, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store")] {
        assert_eq!(reply.header(name), Some(value));
    }
    assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn health_says_whether_work_can_be_done() {
    let world = World::new().await;
    assert_eq!(world.api.nobody().get("/livez").await.status, 200);
    for path in ["/readyz", "/healthz"] {
        let ready = world.api.nobody().get(path).await.is(200);
        assert_eq!((&ready["status"], &ready["database"]), (&json!("ok"), &json!("ok")));
    }
}

#[tokio::test]
async fn request_id_of_the_caller_is_kept_only_if_it_is_a_uuid() {
    let world = World::new().await;
    let with = |id: &str| world.api.request("GET", "/api/v1/connections").header("x-request-id", id);
    let good = "0192f0c1-2b3c-7d4e-8f50-112233445566";
    assert_eq!(Reply::of(with(good)).await.header("x-request-id"), Some(good));
    for forged in
        ["1", "0192f0c1-2b3c-7d4e-8f50-11223344556Z", "a b", "{0192f0c1-2b3c-7d4e-8f50-112233445566}"]
    {
        let reply = Reply::of(with(forged)).await;
        assert_ne!(reply.header("x-request-id"), Some(forged));
    }
}

#[tokio::test]
async fn database_that_is_away_is_said_to_be_and_when_to_ask_again() {
    let world = World::new().await;
    world.server.app.db.close().await;
    for path in ["/api/v1/connections", "/api/v1/activity"] {
        let reply = world.api.get(path).await;
        reply.problem(503, "unavailable");
        assert_eq!((reply.header("retry-after"), &reply.body["retryable"]), (Some("5"), &json!(true)));
    }
}

/// Whoever watches over the service asks by the address of the machine, and before anybody has set it up.
#[tokio::test]
async fn health_is_told_under_any_name_and_before_the_set_up() {
    let world = World::fresh(|_| {}).await;
    for path in ["/livez", "/readyz", "/healthz"] {
        let request = world.api.nobody().request("GET", path).header("host", "10.1.2.3:8480");
        assert_eq!(Reply::of(request).await.status, 200, "{path}");
    }
    let request = world.api.nobody().request("GET", "/api/v1/connections").header("host", "10.1.2.3:8480");
    Reply::of(request).await.problem(421, "unknown-host");
    world.api.nobody().get("/api/v1/connections").await.problem(503, "not-set-up");
}
