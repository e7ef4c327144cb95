//! What the definitions know about markets, client ids, the fate of orders, panics and leverage.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{fs, path::Path};

use exchange::{Exchanges, Folder, check};

fn file(id: &str, name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id);
    fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[test]
fn every_exchange_is_known_by_its_recorded_shapes() {
    let mut problems = Vec::new();
    for definition in Exchanges::builtin().iter() {
        let id = definition.id();
        let (text, orders) = (file(id, "exchange.toml"), file(id, "orders.json"));
        let checked =
            check(&Folder { definition: &text, orders: &orders, vectors: "[]", endpoints: "" }).unwrap();
        assert!(checked.orders > 10, "{id}: {}", checked.orders);
        let own = checked.problems.into_iter().filter(|problem| problem.file == "orders.json");
        problems.extend(own.map(|problem| format!("{id}: {}: {}", problem.place, problem.reason)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
