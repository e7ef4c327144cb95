//! `activity tail --follow`: what happens while it runs is printed, and it ends when nobody reads or asks any more.

use std::fs;

use serde_json::Value;

use crate::home::{Home, Server, psql};

#[test]
fn what_happens_while_following_is_printed_and_ctrl_c_ends_it() {
    let home = Home::new();
    let _server = home.with_bot();
    let mut tail = follow(&home);
    home.run("connection pause Primary").ok();
    let entry: Value = serde_json::from_str(&tail.read_line()).unwrap();
    assert_eq!((&entry["operation"], &entry["connection"]), (&"pause".into(), &"Primary".into()), "{entry}");
    home.run("connection resume Primary").ok();
    let entry: Value = serde_json::from_str(&tail.read_line()).unwrap();
    assert_eq!(entry["operation"], "resume", "each entry is printed once: {entry}");
    assert_eq!(tail.stop(libc::SIGINT), 0);
}

/// More at once than the server tells at a time.
#[test]
fn nothing_that_happens_while_following_is_left_out() {
    let home = Home::new();
    let _server = home.with_bot();
    let mut tail = follow(&home);
    let burst = "set session_replication_role = replica;
        insert into api_key_usage_audit (id, api_key_id, user_id, operation_type, endpoint, phase, created_at)
        select gen_random_uuid(), api_key_id, user_id, 'burst', '/' || n, 'event', now() + n * interval '1 microsecond'
        from (select * from api_key_usage_audit limit 1) a, generate_series(1, 450) n";
    psql(&home, burst);
    for number in 1..=450 {
        let entry: Value = serde_json::from_str(&tail.read_line()).unwrap();
        assert_eq!(entry["endpoint"], format!("/{number}"), "{entry}");
    }
    assert_eq!(tail.stop(libc::SIGINT), 0);
}

#[test]
fn following_ends_when_nobody_reads() {
    let home = Home::new();
    let _server = home.with_bot();
    let mut tail = follow(&home);
    tail.hang_up();
    home.run("connection pause Primary").ok();
    assert_eq!(tail.wait(), Some(0));
}

#[test]
fn a_token_in_the_environment_is_used_and_does_not_stay_there() {
    let home = Home::new();
    let _server = home.with_bot();
    let token = home.json("access create --scopes read")["token"].as_str().unwrap().to_owned();
    let stranger = home.neighbour();
    let mut command = stranger.command(&["activity", "tail", "--follow", "--output", "jsonl"]);
    command.env("KEYGATE_TOKEN", &token);
    let tail = Server::start(command, "{");
    match fs::read(format!("/proc/{}/environ", tail.pid())) {
        Ok(bytes) => {
            let environ = String::from_utf8_lossy(&bytes);
            assert!(environ.contains("KEYGATE_TOKEN=") && environ.contains(&home.url), "{environ}");
            assert!(!environ.contains(&token[..12]) && !environ.contains(&token[token.len() - 12..]));
        }
        Err(error) => println!("skipped: only root may read the environment: {error}"),
    }
    assert_eq!(tail.stop(libc::SIGINT), 0);
}

/// Running, and past what had happened before: the newest entry, that the bot was made.
fn follow(home: &Home) -> Server {
    let command = home.command(&["activity", "tail", "-n", "1", "--follow", "--output", "jsonl"]);
    Server::start(command, "{")
}
