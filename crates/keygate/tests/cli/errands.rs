//! `setup-link`, `demo`, `doctor`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use serde_json::Value;

use crate::home::{Home, PASSWORD, Server};

#[test]
fn a_setup_link_can_be_made_while_the_server_runs_and_while_it_does_not() {
    let home = Home::new();
    home.file("password", PASSWORD);
    assert!(home.run("setup-link").ok().out.contains("/setup#"), "nothing runs");
    let server = home.serve(&[]);
    let link = home.run("setup-link").ok().out;
    let set_up = "setup --email owner@example.org --name Owner --password-file password";
    home.feed(set_up, &server.setup_link()).fails(4).says("setup link");
    home.feed(set_up, &link).ok();
    home.feed(set_up, &link).fails(4);
    home.run("setup-link").fails(1).says("owner already");
}

#[test]
fn the_demo_calls_by_itself_and_leaves_nothing() {
    let home = Home::new();
    let port = home.url.rsplit(':').next().unwrap();
    let demo = home.command(&["demo", "--listen", &format!("127.0.0.1:{port}")]);
    let demo = Server::start(demo, "5. ");
    let rubbish = Path::new("/dev/shm").join(format!("keygate-scratch-{}-0", demo.pid()));
    let password = demo.lines[1].rsplit(' ').next().unwrap().to_owned();
    home.feed("login --email owner@example.org --password-stdin", &password).ok();
    let decided = |decision: &str| {
        let path = format!("activity tail -n 200 --decision {decision}");
        home.json(&path).as_array().unwrap().iter().any(|entry| entry["bot"] == "first bot")
    };
    let mut waits = 0;
    while !(decided("allow") && decided("deny")) {
        waits += 1;
        assert!(waits < 60, "{}", home.run("activity tail").out);
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(rubbish.exists() || !Path::new("/dev/shm").exists());
    assert_eq!(demo.stop(libc::SIGINT), 0);
    assert!(!rubbish.exists(), "the throw-away directory is still there");
    assert!(!home.path("data").exists(), "the real data directory was made");
}

#[test]
fn doctor_finds_what_is_wrong_and_fails_on_it() {
    let home = Home::new();
    home.run("doctor --offline").ok();
    let data = home.path("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("master.key"), "x").unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o711)).unwrap();
    fs::set_permissions(data.join("master.key"), fs::Permissions::from_mode(0o400)).unwrap();
    home.run("doctor --offline").ok();
    let report = home.run("doctor --offline --fail-on medium --output json").fails(7).out;
    assert_eq!(severity(&report, "master key"), "medium", "beside the data: {report}");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
    let report = home.run("doctor --offline --output json").fails(7).out;
    assert_eq!(severity(&report, "data directory"), "high", "{report}");
    assert_eq!(severity(&report, "PostgreSQL"), "ok", "{report}");
}

fn severity(report: &str, check: &str) -> String {
    let report: Vec<Value> = serde_json::from_str(report).unwrap();
    let finding = report.iter().find(|finding| finding["check"] == check).unwrap();
    finding["severity"].as_str().unwrap().to_owned()
}
