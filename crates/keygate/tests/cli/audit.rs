//! `keygate audit`, on the machine of a server.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::home::{Home, psql};

#[test]
fn auditor_verifies_what_a_server_left_and_what_was_forged() {
    let home = Home::new();
    // what the first one leaves, the second one signs at its start
    drop(home.with_bot());
    let server = home.serve(&["--demo"]);
    let key = home.json("audit key");
    assert_eq!(key[0]["public_key"].as_str().unwrap().len(), 44);
    assert!(checkpoint(&home).contains(key[0]["id"].as_str().unwrap()));
    home.run("audit verify").ok().says("0 findings");
    home.run("audit verify --user owner@example.org --from 1").ok();
    home.run("audit verify --user nobody@example.org").fails(5);
    home.run("audit verify --from 999").fails(1).says("the newest checkpoint");
    let told = home.json("audit prune --before 2026-01-01");
    assert_eq!((&told["records"], &told["deleted"]), (&0.into(), &false.into()));
    home.run("audit prune --before yesterday").fails(2).says("is no date");
    home.run("audit prune --before 2026-01-01").ok().says("no records");
    home.run("audit prune --before 2999-01-01 --yes").fails(2).says("is still to come");

    psql(&home, "update api_key_usage_audit set endpoint = 'elsewhere' where chain_seq = 1");
    let done = home.run("audit verify --output json").fails(7);
    let told: Value = serde_json::from_str(&done.out).unwrap();
    let findings = &told["findings"];
    assert!(told["records"].as_i64().unwrap() > 0 && told["checkpoint"].as_i64().unwrap() > 0, "{told}");
    assert_eq!((&findings[0]["log"], &findings[0]["seq"]), (&"api_key_usage_audit".into(), &1.into()));
    assert_eq!(findings[0]["finding"], "is not the row that was written");
    home.run("audit prune --before 2026-01-01").fails(7).says("Nothing was deleted");
    drop(server);
    // without a server the errand starts the database for a moment
    home.run("audit verify").fails(7).says("1 findings");
}

/// The server makes one at its start, and then once a minute.
fn checkpoint(home: &Home) -> String {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(90) {
        let text = fs::read_to_string(home.path("data/audit/checkpoints.jsonl")).unwrap_or_default();
        if text.ends_with('\n') {
            return text;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("no checkpoint was made");
}

/// An errand looks at what is there.
#[test]
fn where_there_is_no_keygate_none_is_made_by_looking_for_it() {
    let home = Home::new();
    let nowhere = home.path("nowhere");
    for errand in ["verify", "prune --before 2026-01-01 --yes", "key"] {
        let line = format!("--data-dir {} audit {errand}", nowhere.display());
        home.run(&line).fails(1).says("there is no Keygate in").says("--data-dir");
        assert!(!nowhere.exists(), "{errand}");
    }
}
