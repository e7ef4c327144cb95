//! Starting a server: what refuses to start says why, and what starts again has kept everything.

use std::{fs, net::TcpListener, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use keygate::{cluster::Cluster, db::LOGINS};

use crate::home::{Done, Home, PASSWORD};

#[test]
fn a_second_start_reuses_the_data_and_another_master_key_refuses() {
    let home = Home::new();
    let server = home.with_owner(&[]);
    home.run("bot list").ok();
    assert_eq!(server.stop(libc::SIGTERM), 0);

    let path = home.path("data/master.key");
    let key = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    home.run("serve --listen 127.0.0.1:0").fails(1).says("master key file");
    assert!(!path.exists(), "a lost key is never replaced");
    write_private(&path, b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=");
    let done = home.run("serve --listen 127.0.0.1:0").fails(1);
    assert!(done.err.contains("master key"), "{done:?}");
    write_private(&path, &key);

    let server = home.serve(&[]);
    assert!(!server.lines.iter().any(|line| line.contains("/setup#")), "{:?}", server.lines);
    home.feed("login --email owner@example.org --password-stdin", PASSWORD).ok();
    assert_eq!(home.json("whoami")["role"], "owner");
}

#[test]
fn another_master_key_changes_nothing() {
    let home = Home::new();
    assert_eq!(home.with_owner(&[]).stop(libc::SIGTERM), 0);
    let path = home.path("data/master.key");
    let key = fs::read(&path).unwrap();
    let before = dump(&home);
    let other = format!("{}\n", STANDARD.encode(seal::random::array::<32>()));
    write_private(&path, other.as_bytes());
    let reason = "the master key is not the one this database was made with";
    home.run("serve --listen 127.0.0.1:0").fails(1).says(reason);
    assert_eq!(fs::read_to_string(&path).unwrap(), other);
    let mut by_environment = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    by_environment.env("PLATFORM_MASTER_KEY", other.trim());
    Done::of(by_environment).fails(1).says(reason);
    let after = dump(&home);
    assert!(before.contains("owner@example.org"), "this is not the data: {before}");
    assert!(before == after, "the data was changed");

    write_private(&path, &key);
    let _server = home.serve(&[]);
    home.feed("login --email owner@example.org --password-stdin", PASSWORD).ok();
}

/// An order that the exchange could still get after it counts as never sent would be given back and placed.
#[test]
fn calls_may_not_take_longer_than_what_they_set_aside_is_held() {
    let home = Home::new();
    let mut patient = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    patient.env("KEYGATE_GATEWAY__TIMEOUT_MS", "90000");
    Done::of(patient).fails(1).says("gateway.timeout_ms is 90000");
}

#[test]
fn a_taken_port_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::new();
    home.run(&format!("serve --listen {address}")).fails(1).says("is taken by another program");
    assert!(!home.path("data").exists(), "nothing was made before the port was there");
}

#[test]
fn a_missing_postgresql_names_its_package() {
    let home = Home::new();
    let server = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    // in a mount namespace of its own, where nothing is installed
    let hide = "for dir in /usr/lib/postgresql /usr/pgsql-*; do \
        [ ! -d $dir ] || mount -t tmpfs none $dir || exit 99; done; exec \"$@\"";
    let mut command = Command::new("unshare");
    if !keygate::cluster::is_root() {
        command.args(["--map-current-user", "--keep-caps"]);
    }
    command.args(["--mount", "sh", "-c", hide, "sh"]);
    command.arg(server.get_program()).args(server.get_args()).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("KEYGATE_DATA_DIR", home.path("data"));
    Done::of(command).fails(1).says("apt-get install postgresql");
}

#[test]
fn an_unknown_setting_names_the_nearest() {
    let home = Home::new();
    let mut command = home.command(&["serve"]);
    command.env("KEYGATE_REGISTRATION__OPNE", "true");
    Done::of(command).fails(1).says("did you mean 'registration.open'?");
}

/// A bot's own variables, or whatever else a shell holds.
#[test]
fn variable_that_is_no_setting_stops_no_command() {
    let home = Home::new();
    for name in ["KEYGATE_SECRET", "KEYGATE_PASSPHRASE", "KEYGATE_BACKUP_FILE"] {
        let mut command = home.command(&["config", "show"]);
        command.env(name, "whatever");
        Done::of(command).ok();
    }
    let mut command = home.command(&["config", "show", "--sources"]);
    command.env("KEYGATE_PUBLIC_URL", "https://keys.example.org");
    assert!(Done::of(command).ok().out.contains("https://keys.example.org"));
}

#[test]
fn sources_are_shown_and_secrets_are_not() {
    let home = Home::new();
    let config = home.file("keygate.toml", "[log]\nlevel = \"debug\"\n");
    let mut command = home.command(&["config", "show", "--sources", "--config", config.to_str().unwrap()]);
    command.env("KEYGATE_DATABASE__URL", "postgres://u:hunter2hunter2@localhost/keygate");
    let shown = Done::of(command).ok().out;
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("log.level").contains("keygate.toml"), "{shown}");
    assert!(line("database.url").contains("***") && line("database.url").contains("environment"), "{shown}");
    assert!(line("gateway.timeout_ms").ends_with("default"), "{shown}");
    assert!(!shown.contains("hunter2hunter2"));
}

fn write_private(path: &std::path::Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    fs::remove_file(path).ok();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
}

/// The whole database of a server that does not run.
fn dump(home: &Home) -> String {
    let cluster = Cluster::start(&home.path("data/postgres"), &LOGINS).unwrap();
    let mut command = Command::new("pg_dump");
    command.args(["-U", "postgres", "-d", "keygate", "-h"]).arg(cluster.directory());
    let text = Done::of(command).ok().out;
    // A mark against injection, another one each time.
    text.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
}
