//! A dump by the backup's role, and what becomes of it in another database: as `docs/operations.md` says it.

use std::{path::Path, process::Command};

use keygate::db::Scratch;

use crate::world::World;

/// One of PostgreSQL's tools on this database, as this role.
fn run(tool: &str, scratch: &Scratch, role: &str, words: &[&str], file: &Path) {
    let options = scratch.settings().as_role(role);
    let mut command = Command::new(tool);
    command.arg("-h").arg(options.get_socket().unwrap()).args([
        "-U",
        role,
        "-d",
        options.get_database().unwrap(),
    ]);
    let done = command.args(words).arg(file).output().unwrap();
    assert!(done.status.success(), "{tool}: {}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn dump_of_the_backup_role_is_restored_and_opens_what_was_sealed() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    world.flush().await;
    let (directory, other) = (tempfile::tempdir().unwrap(), Scratch::new().await.unwrap());
    let file = directory.path().join("keygate.dump");
    let dump = [
        "--data-only",
        "--format=custom",
        "--exclude-table=keygate.ctx_key",
        "--exclude-table=keygate.migrations",
        "--file",
    ];
    run("pg_dump", &world.scratch, "keygate_backup", &dump, &file);
    let empty = directory.path().join("empty.sql");
    std::fs::write(&empty, "truncate public.exchanges cascade").unwrap();
    run("psql", &other, "postgres", &["-v", "ON_ERROR_STOP=1", "-f"], &empty);
    let restore = ["--data-only", "--disable-triggers", "--single-transaction"];
    run("pg_restore", &other, "postgres", &restore, &file);
    let server = world.start_on(&other).await.unwrap();
    let api = world.api.moved_to(&server);
    assert_eq!(api.get("/api/v1/connections").await.is(200)[0]["status"], "active");
    bot.moved_to(&api).order().await.is(200);
    server.stop().await;
}

/// A second master key would open nothing of what is there.
#[tokio::test]
async fn database_whose_keyring_was_left_out_gets_no_new_one() {
    let world = World::new().await;
    world.bot("binance", "trade").await;
    world.execute("delete from keygate.keyring").await;
    let fatal = world.start_on(&world.scratch).await.err().unwrap();
    assert!(fatal.what.contains("the keyring is empty"), "{fatal}");
    assert_eq!(world.count("keygate.keyring").await, 0);
}
