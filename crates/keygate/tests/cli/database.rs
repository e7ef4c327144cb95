//! `doctor` and an external database, from the bare server to the migrated schema.

use std::process::Command;

use keygate::cluster::Cluster;
use serde_json::Value;

use crate::home::{Done, Home};

#[test]
fn doctor_says_what_an_external_database_needs() {
    let home = Home::new();
    let cluster = Cluster::throw_away(None).unwrap();
    let doctor = |code| report(&home, &cluster, code);
    doctor(7).is("high", "does not exist").needs("keygate database init");
    psql(&cluster, "postgres", "create database keygate");
    let admin = format!("postgres://postgres@{}/keygate", socket(&cluster));
    home.feed("database init", &admin).ok();
    doctor(0).is("info", "without tables").needs("keygate migrate");
    Done::of(with_database(&home, &cluster, &["migrate"])).ok();
    doctor(0).is("ok", "schema ").is("ok", "version ");

    psql(&cluster, "postgres", "create database other");
    psql(&cluster, "keygate", "alter role keygate_jobs nologin");
    doctor(7).is("high", "keygate_jobs cannot log in").needs("keygate database init");
    psql(&cluster, "keygate", "alter role keygate_jobs login");
    psql(&cluster, "keygate", "update keygate.migrations set version = 9999 where version = 1");
    doctor(7).is("high", "schema 9999, newer than").needs("newer Keygate");
    psql(&cluster, "keygate", "update keygate.migrations set version = 1 where version = 9999");
    psql(&cluster, "keygate", "delete from keygate.migrations where version > 1");
    doctor(0).is("info", "schema 1, this version brings").needs("keygate migrate");

    psql(&cluster, "postgres", "drop database keygate");
    doctor(7).is("high", "does not exist").needs("create database");
    psql(&cluster, "postgres", "alter database other rename to keygate");
    doctor(7).is("high", "not prepared").needs("keygate database init");
}

#[test]
fn doctor_says_that_the_password_is_wrong() {
    let home = Home::new();
    let cluster = Cluster::throw_away(None).unwrap();
    psql(&cluster, "postgres", "create database keygate");
    let doctor = |password: &str, words: &[&str]| {
        let mut command = home.command(words);
        let address = format!("postgres://keygate_migrator:{password}@{}/keygate", socket(&cluster));
        command.env("KEYGATE_DATABASE__URL", address);
        command
    };
    let admin = home.file("admin", &format!("postgres://postgres@{}/keygate", socket(&cluster)));
    let init = ["database", "init", "--admin-url-file", admin.to_str().unwrap()];
    Done::of(doctor("hunter2hunter2", &init)).ok();
    let rules = cluster.directory().join("data/pg_hba.conf");
    std::fs::write(rules, "local all postgres trust\nlocal all all scram-sha-256\n").unwrap();
    psql(&cluster, "postgres", "select pg_reload_conf()");
    let words = ["doctor", "--offline", "--output", "json"];
    Report::of(&Done::of(doctor("hunter2hunter2", &words)).ok()).is("info", "without tables");
    let wrong = Done::of(doctor("hunter3hunter3", &words)).fails(7);
    assert!(!format!("{wrong:?}").contains("hunter3hunter3"));
    Report::of(&wrong).is("high", "28P01").needs("the password in database.url");
}

#[test]
fn doctor_says_that_a_database_is_not_reached() {
    let home = Home::new();
    let mut command = home.command(&["doctor", "--offline", "--output", "json"]);
    command.env("KEYGATE_DATABASE__URL", "postgres://u:hunter2hunter2@127.0.0.1:1/keygate");
    let done = Done::of(command).fails(7);
    assert!(!format!("{done:?}").contains("hunter2hunter2"));
    Report::of(&done).is("high", "could not be used").needs("whether that server runs");
    let mut command = home.command(&["doctor", "--offline", "--output", "json"]);
    command.env("KEYGATE_DATABASE__URL", "postgres://db.example/keygate?sslmode=disable");
    Report::of(&Done::of(command).fails(7)).is("high", "verify-full").needs("correct");
}

/// What doctor finds about PostgreSQL.
struct Report(Value);

impl Report {
    fn of(done: &Done) -> Report {
        let all: Vec<Value> = serde_json::from_str(&done.out).unwrap();
        Report(all.into_iter().find(|finding| finding["check"] == "PostgreSQL").unwrap())
    }

    #[track_caller]
    fn is(self, severity: &str, text: &str) -> Report {
        assert_eq!(self.0["severity"], severity, "{}", self.0);
        assert!(self.0["text"].as_str().unwrap().contains(text), "no '{text}': {}", self.0);
        self
    }

    #[track_caller]
    fn needs(self, fix: &str) {
        assert!(self.0["fix"].as_str().unwrap().contains(fix), "no '{fix}': {}", self.0);
    }
}

fn report(home: &Home, cluster: &Cluster, code: i32) -> Report {
    let doctor = with_database(home, cluster, &["doctor", "--offline", "--output", "json"]);
    Report::of(&Done::of(doctor).fails(code))
}

fn with_database(home: &Home, cluster: &Cluster, words: &[&str]) -> Command {
    let mut command = home.command(words);
    command.env("KEYGATE_DATABASE__URL", format!("postgres://keygate_migrator@{}/keygate", socket(cluster)));
    command
}

fn socket(cluster: &Cluster) -> String {
    cluster.directory().to_str().unwrap().replace('/', "%2F")
}

fn psql(cluster: &Cluster, database: &str, statement: &str) {
    let mut command = Command::new("psql");
    command.args(["-qU", "postgres", "-d", database, "-c", statement, "-h"]).arg(cluster.directory());
    Done::of(command).ok();
}
