//! Exit codes, forms of output, what is never a flag, what is never asked.

use std::{io::Read, process::Stdio};

use serde_json::Value;

use crate::home::{Done, Home, PASSWORD, TRADE_SECRET, add_connection};

#[test]
fn exit_codes_tell_what_went_wrong() {
    let home = Home::new();
    home.run("whoami").fails(3).says("not signed in");
    home.run("status").fails(8).says("start it with `keygate serve`");
    home.run("connection").fails(2);
    home.run("no-such-verb").fails(2);
    let server = home.with_bot();
    home.run("healthcheck").ok();
    home.run("bot show nobody").fails(5).says("`keygate bot list`");
    home.run("connection show nowhere").fails(5).says("`keygate connection list`");
    home.run("exchange show nowhere").fails(5);
    home.run("bot add grid --connection Primary").fails(6).says("A bot with this name exists");
    home.feed(&add_connection("--name Second"), TRADE_SECRET).fails(6).says("in the vault already");
    home.feed("connection add nowhere --api-key K --secret-stdin", "x").fails(1).says("request ");
    home.run("access create --scopes read,everything").fails(1).says("scopes");

    let other = home.neighbour();
    home.run(
        "user add other@example.org --name Other --password-file password --your-password-file password",
    )
    .ok();
    other.feed("login --email other@example.org --password-stdin", PASSWORD).ok();
    other.run("user list").fails(4).says("`keygate whoami`");
    other.run("bot show grid").fails(5);
    let limited =
        (0..30).map(|_| other.feed("login --email owner@example.org --password-stdin", "wrong word"));
    let last = limited.into_iter().find(|done| done.code != 3).unwrap();
    last.fails(9).says("wait ");
    drop(server);
    home.run("healthcheck").fails(8);
    home.run("bot list").fails(8);
}

#[test]
fn every_list_is_a_table_json_and_json_lines() {
    let home = Home::new();
    let _server = home.with_bot();
    home.run("access create --bot grid").ok();
    let lists = [
        "connection list",
        "bot list",
        "access list --bot grid",
        "user list",
        "activity tail",
        "exchange list",
        "config show",
    ];
    for list in lists {
        let items = home.json(list);
        let lines = home.run(&format!("{list} --output jsonl")).ok().out;
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let same = lines.len() == items.as_array().unwrap().len();
        assert!(same && !lines.is_empty(), "{list}: {items}");
        let table = home.run(list).ok().out;
        assert_eq!(table.lines().count(), lines.len() + 1, "{list}: one heading");
        assert!(!table.contains('\u{1b}'), "{list}: colours off a terminal");
    }
    let mut by_environment = home.command(&["bot", "list"]);
    by_environment.env("KEYGATE_OUTPUT", "json");
    assert!(serde_json::from_str::<Value>(&Done::of(by_environment).ok().out).is_ok());
}

#[test]
fn a_secret_is_not_taken_as_a_flag_nor_repeated() {
    let home = Home::new();
    let refused = [
        "connection add binance --api-key K --secret hunter2hunter2",
        "connection add binance --api-key K --secret=hunter2hunter2",
        "login --email a@b.example --password hunter2hunter2",
        "login --password=hunter2hunter2",
        "user add a@b.example --password hunter2hunter2",
        "whoami --token hunter2hunter2",
    ];
    for line in refused {
        let done = home.run(line).fails(2);
        assert!(!done.err.contains("hunter2hunter2"), "{done:?}");
    }
}

#[test]
fn nothing_is_asked_off_a_terminal() {
    let home = Home::new();
    let asked = [
        ("login", "--email"),
        ("login --email a@b.example --no-input", "--password-stdin or --password-file"),
        ("connection add binance", "--api-key"),
        ("connection add binance --api-key K", "--secret-stdin or --secret-file"),
    ];
    for (line, flag) in asked {
        home.run(line).fails(2).says(flag);
    }
}

#[test]
fn a_closed_pipe_is_success() {
    let home = Home::new();
    for words in [&["openapi"][..], &["completions", "bash"], &["man"]] {
        let mut child = home.command(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 10]).unwrap();
        drop(stdout);
        let done = Done::from(child.wait_with_output().unwrap()).ok();
        assert_eq!(done.err, "");
    }
}

#[test]
fn every_command_has_a_manual_page_and_completions() {
    let home = Home::new();
    let page = home.run("man connection add").ok().out;
    assert!(page.contains("accept\\-withdraw") && page.contains("keygate-connection-add"), "{page}");
    std::fs::create_dir(home.path("pages")).unwrap();
    home.run("man --dir pages").ok();
    let pages: Vec<_> = std::fs::read_dir(home.path("pages")).unwrap().collect();
    assert!(pages.len() > 40, "{} pages", pages.len());
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.run(&format!("completions {shell}")).ok().out.contains("accept-withdraw"));
    }
    home.run("man connection burn").fails(2);
}
