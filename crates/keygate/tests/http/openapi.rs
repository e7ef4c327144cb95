//! The description of the API, as it is served and as it is checked in.

use crate::world::World;

const CHECKED_IN: &str = include_str!("../../../../docs/openapi.json");

#[test]
fn checked_in_description_is_the_present_one() {
    let now = serde_json::to_string_pretty(&keygate::openapi::document()).unwrap();
    assert!(now.trim() == CHECKED_IN.trim(), "docs/openapi.json is old: run script/generate");
}

#[tokio::test]
async fn served_description_is_the_same_and_is_3_1() {
    let world = World::new().await;
    let served = world.api.nobody().get("/openapi.json").await.is(200);
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    let checked_in: serde_json::Value = serde_json::from_str(CHECKED_IN).unwrap();
    assert!(served == checked_in);
}

#[test]
fn every_operation_is_named_described_and_answers_something() {
    let document = serde_json::to_value(keygate::openapi::document()).unwrap();
    let mut names = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let summary = operation["summary"].as_str().or(operation["description"].as_str());
            assert!(summary.is_some_and(|text| text.len() > 5), "{method} {path} says nothing about itself");
            assert!(!operation["responses"].as_object().unwrap().is_empty(), "{method} {path}");
            names.push(operation["operationId"].as_str().unwrap());
        }
    }
    assert!(names.len() >= 30);
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
}
