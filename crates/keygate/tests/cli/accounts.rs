//! What a person does with their own account, and with what is theirs.

use serde_json::json;

use crate::home::{Home, PASSWORD};

#[test]
fn new_password_ends_every_sign_in_but_this_one() {
    let home = Home::new();
    let _server = home.with_owner(&[]);
    let other = home.neighbour();
    other.feed("login --email owner@example.org --password-stdin", PASSWORD).ok();
    home.file("new", "nine other words that nobody knows\n");
    home.file("wrong", "not the one that was set\n");
    home.run("password --password-file password").fails(2).says("--new-password-file");
    home.run("password --password-file wrong --new-password-file new").fails(4);
    other.run("whoami").ok();
    home.run("password --password-file password --new-password-file new").ok().says("access keys go on");
    other.run("whoami").fails(3);
    home.run("whoami").ok();
    other.feed("login --email owner@example.org --password-stdin", PASSWORD).fails(3);
}

#[test]
fn other_sign_ins_end_by_one_command() {
    let home = Home::new();
    let _server = home.with_owner(&[]);
    let other = home.neighbour();
    other.feed("login --email owner@example.org --password-stdin", PASSWORD).ok();
    home.run("logout --others").ok().says("All other sign-ins have ended");
    other.run("whoami").fails(3);
    home.run("whoami").ok();
}

#[test]
fn deleted_connection_comes_back_with_the_password() {
    let home = Home::new();
    let _server = home.with_bot();
    home.run("connection restore Primary").fails(5);
    home.run("connection delete Primary --confirm Primary").ok();
    home.run("connection restore Primary").fails(4).says("--password-file");
    home.run("connection restore Primary --password-file password").ok().says("It is paused.");
    assert_eq!(home.json("connection show Primary")["status"], "paused");
}

#[test]
fn addresses_and_end_of_a_key_are_chosen_when_it_is_made() {
    let home = Home::new();
    let _server = home.with_bot();
    let pair =
        home.json("access create --bot grid --scopes read --from 10.0.0.5 --from 10.1.0.0/16 --days 7");
    assert_eq!(pair["allowed_ip_addresses"], json!(["10.0.0.5", "10.1.0.0/16"]));
    let listed = home.run("access list --bot grid").ok().out;
    assert!(listed.contains("10.0.0.5,10.1.0.0/16"), "{listed}");
    home.run("access create --scopes read --from nowhere").fails(1).says("allowed_ip_addresses");
    home.run("access create --scopes read --days 366").fails(1).says("expires_in_days");
}

#[test]
fn records_of_a_bot_that_is_gone_are_found_by_its_id() {
    let home = Home::new();
    let _server = home.with_bot();
    let id = home.json("bot show grid")["id"].as_str().unwrap().to_owned();
    home.run("bot delete grid --yes").ok();
    let records = home.json(&format!("activity tail --bot {id}"));
    assert_eq!(records.as_array().unwrap().len(), 2, "{records}");
    let key = records[0]["api_key_id"].as_str().unwrap();
    let all = home.json(&format!("activity tail --api-key {key}"));
    assert_eq!(all.as_array().unwrap().len(), 3, "{all}");
    home.run("activity tail --bot grid").fails(5);
}
