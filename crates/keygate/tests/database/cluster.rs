//! The private server: reachable by its socket alone, gone with its service, back after a crash.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keygate::cluster::{Cluster, Error, is_root};
use keygate::db::{LOGINS, prepare_cluster};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

const NOBODY: u32 = 65534;

#[tokio::test]
async fn a_second_start_finds_what_the_first_one_kept() {
    let data = data_directory();
    for round in 0..3 {
        let cluster = Cluster::start(data.path(), &LOGINS).unwrap();
        let mut superuser = connect(&cluster, "postgres").await.unwrap();
        sqlx::raw_sql("create table if not exists kept (round int)").execute(&mut superuser).await.unwrap();
        sqlx::query("insert into kept values ($1)").bind(round).execute(&mut superuser).await.unwrap();
        let kept: i64 =
            sqlx::query_scalar("select count(*) from kept").fetch_one(&mut superuser).await.unwrap();
        assert_eq!(kept, i64::from(round) + 1);
        let pid = cluster.pid();
        drop(cluster);
        assert!(!is_alive(pid), "the server outlived its cluster");
    }
}

#[tokio::test]
async fn a_killed_server_recovers_with_all_that_was_committed() {
    let data = data_directory();
    let mut committed = 0;
    for _ in 0..5 {
        let cluster = Cluster::start(data.path(), &LOGINS).unwrap();
        let mut superuser = connect(&cluster, "postgres").await.unwrap();
        sqlx::raw_sql("create table if not exists kept (n int)").execute(&mut superuser).await.unwrap();
        let kept: i64 =
            sqlx::query_scalar("select count(*) from kept").fetch_one(&mut superuser).await.unwrap();
        assert_eq!(kept, committed);
        sqlx::raw_sql("insert into kept select generate_series(1, 100)")
            .execute(&mut superuser)
            .await
            .unwrap();
        committed += 100;
        kill(cluster.pid(), "KILL");
        wait_until("the end is noticed", || !cluster.is_running());
    }
    // and once more in good order, which also frees what the killed one left in shared memory
    drop(Cluster::start(data.path(), &LOGINS).unwrap());
}

/// A new segment is filled while every commit waits; checkpoints come as rarely as with large ones.
#[tokio::test]
async fn no_commit_waits_for_a_large_segment_of_the_log() {
    let data = data_directory();
    let cluster = Cluster::start(data.path(), &LOGINS).unwrap();
    let mut superuser = connect(&cluster, "postgres").await.unwrap();
    for (setting, is) in [("wal_segment_size", "1MB"), ("max_wal_size", "1GB"), ("min_wal_size", "160MB")] {
        let shown: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        assert_eq!(shown, is, "{setting}");
    }
}

#[tokio::test]
async fn no_tcp_port_is_opened() {
    let cluster = Cluster::throw_away(None).unwrap();
    let mut superuser = connect(&cluster, "postgres").await.unwrap();
    let addresses: String =
        sqlx::query_scalar("show listen_addresses").fetch_one(&mut superuser).await.unwrap();
    assert_eq!(addresses, "");
    let sockets = sockets_of(cluster.pid());
    assert!(!sockets.is_empty(), "the unix socket at least");
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let open = fs::read_to_string(format!("/proc/{}/net/{table}", cluster.pid())).unwrap();
        for line in open.lines().skip(1) {
            let inode = line.split_whitespace().nth(9).unwrap();
            assert!(!sockets.contains(&inode.to_owned()), "{table}: {line}");
        }
    }
}

#[tokio::test]
async fn only_the_named_roles_of_this_user_may_log_in() {
    let data = data_directory();
    let cluster = Cluster::start(data.path(), &LOGINS[..2]).unwrap();
    prepare_cluster(&cluster, "keygate").await.unwrap();
    for (login, expected) in LOGINS.iter().zip([true, true, false, false, false, false]) {
        assert_eq!(connect(&cluster, login).await.is_ok(), expected, "{login}");
    }
    assert!(connect(&cluster, "keygate_owner").await.is_err());
    let mode = fs::metadata(cluster.directory()).unwrap().mode();
    assert_eq!(mode & 0o077, 0, "others reach the socket: {mode:o}");
}

#[tokio::test]
async fn the_log_quotes_neither_statements_nor_values() {
    let data = data_directory();
    let cluster = Cluster::start(data.path(), &LOGINS).unwrap();
    let mut superuser = connect(&cluster, "postgres").await.unwrap();
    sqlx::raw_sql("create table t (v text unique); insert into t values ('canary-value')")
        .execute(&mut superuser)
        .await
        .unwrap();
    for statement in
        ["insert into t values ('canary-value')", "select 'canary-literal'::int", "canary-syntax"]
    {
        sqlx::raw_sql(statement).execute(&mut superuser).await.unwrap_err();
    }
    let bound = sqlx::query("insert into t values ($1)").bind("canary-value").execute(&mut superuser).await;
    assert!(bound.is_err());
    let log = fs::read_to_string(cluster.directory().join("server.log")).unwrap();
    assert!(log.contains("duplicate key value"), "the control is missing: {log}");
    assert!(!log.contains("canary-value"), "{log}");
}

#[test]
fn a_pid_file_naming_a_stranger_does_not_stop_the_start() {
    let data = data_directory();
    drop(Cluster::start(data.path(), &LOGINS).unwrap());
    let directory = data.path().join("postgres");
    // our own process: alive, and no server of this directory, as after a reboot or in a container
    let stale = format!("{}\n{}\n1\n5432\n", std::process::id(), directory.join("data").display());
    fs::write(directory.join("data/postmaster.pid"), &stale).unwrap();
    fs::write(directory.join(".s.PGSQL.5432.lock"), &stale).unwrap();
    assert!(Cluster::start(data.path(), &LOGINS).unwrap().is_running());
}

#[test]
fn an_interrupted_first_start_is_done_again() {
    let data = data_directory();
    drop(Cluster::start(data.path(), &LOGINS).unwrap());
    let directory = data.path().join("postgres");
    fs::rename(directory.join("data"), directory.join("data.new")).unwrap();
    fs::remove_file(directory.join("data.new/PG_VERSION")).unwrap();
    assert!(Cluster::start(data.path(), &LOGINS).unwrap().is_running());
}

#[test]
fn one_service_per_data_directory() {
    let data = data_directory();
    let _first = Cluster::start(data.path(), &LOGINS).unwrap();
    assert!(matches!(refused(data.path()), Error::InUse { .. }));
}

#[test]
fn data_of_another_major_version_is_left_alone() {
    let data = data_directory();
    drop(Cluster::start(data.path(), &LOGINS).unwrap());
    let version = data.path().join("postgres/data/PG_VERSION");
    fs::write(&version, "99\n").unwrap();
    let error = refused(data.path());
    assert!(matches!(error, Error::OtherMajor { major: 99, .. }), "{error}");
    assert!(error.to_string().contains("postgresql-99"));
}

#[test]
fn a_directory_of_somebody_else_is_not_used() {
    if !is_root() {
        // without root no directory can be given away; the check itself runs in every other test
        return assert!(matches!(refused(Path::new("/proc/1")), Error::Io { .. } | Error::NotOurs { .. }));
    }
    let data = data_directory();
    let directory = data.path().join("postgres");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("theirs"), "").unwrap();
    chown(&directory, Some(54321), None).unwrap();
    let error = refused(data.path());
    assert!(matches!(error, Error::NotOurs { owner: 54321, .. }), "{error}");
}

#[test]
fn a_socket_path_that_is_too_long_is_named() {
    let data = data_directory();
    let deep = data.path().join("x".repeat(100));
    assert!(matches!(refused(&deep), Error::PathTooLong { .. }));
}

#[test]
fn root_is_told_which_directory_shuts_the_server_out() {
    let data = data_directory();
    let closed = data.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let started = Cluster::start(&closed.join("data"), &LOGINS);
    match started {
        Err(Error::NotTraversable { directory }) => assert_eq!(directory, closed.canonicalize().unwrap()),
        // not root: the server is ourselves, and enters
        Ok(cluster) => assert!(!is_root() && cluster.is_running()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_throw_away_server_leaves_nothing() {
    let cluster = Cluster::throw_away(None).unwrap();
    let (directory, pid) = (cluster.directory().to_owned(), cluster.pid());
    assert!(directory.exists() && is_alive(pid));
    drop(cluster);
    assert!(!directory.exists() && !is_alive(pid));
}

#[test]
fn saved_files_of_schemas_gone_by_are_swept_away() {
    let path = |name| Cluster::saved_path(name).unwrap();
    let age = |name, hours| {
        fs::create_dir_all(path(name)).unwrap();
        let lock = fs::File::create(path(name).with_extension("lock")).unwrap();
        lock.set_modified(
            fs::metadata(path(name)).unwrap().modified().unwrap() - hours * Duration::from_secs(3600),
        )
        .unwrap();
    };
    age("test0unused", 2);
    age("test0recent", 0);
    Cluster::throw_away(None).unwrap().save(&path("test0new")).unwrap();
    let found = ["test0unused", "test0recent", "test0new"].map(|name| path(name).exists());
    for name in ["test0recent", "test0new"] {
        fs::remove_dir_all(path(name)).unwrap();
    }
    fs::remove_file(path("test0recent").with_extension("lock")).unwrap();
    assert_eq!(found, [false, true, true]);
}

/// The real service, killed without a chance to clean up.
#[test]
fn kill_9_of_the_service_leaves_no_orphan_and_the_next_start_works() {
    let data = data_directory();
    let mut previous = 0;
    for _ in 0..3 {
        let mut service = serve(Command::new(env!("CARGO_BIN_EXE_keygate")), data.path());
        let server = wait_for_server(&mut service, data.path());
        assert_ne!(server, previous);
        kill(service.id(), "KILL");
        service.wait().unwrap();
        wait_until("the server dies with its service", || !is_alive(server));
        previous = server;
    }
}

/// A shell starts background jobs with SIGQUIT ignored, and a fresh server has not set its own handler yet.
#[test]
fn kill_9_while_starting_leaves_no_orphan_even_where_signals_are_ignored() {
    let data = data_directory();
    let start = || {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", r#"trap "" QUIT INT; exec "$@""#, "sh", env!("CARGO_BIN_EXE_keygate")]);
        serve(shell, data.path())
    };
    let mut first = start();
    wait_for_server(&mut first, data.path());
    kill(first.id(), "KILL");
    first.wait().unwrap();
    for moment in 0..30 {
        wait_until("the server of the last round is gone", || processes_of(data.path()).is_empty());
        let mut service = start();
        std::thread::sleep(Duration::from_millis(4 * moment));
        kill(service.id(), "KILL");
        service.wait().unwrap();
    }
    wait_until("no server is left", || processes_of(data.path()).is_empty());
}

#[test]
fn an_ordinary_user_runs_a_server_of_their_own() {
    let data = data_directory();
    let place = tempfile::tempdir().unwrap();
    let mut service = serve(as_nobody(&place, &data), data.path());
    let server = wait_for_server(&mut service, data.path());
    let owner = fs::metadata(format!("/proc/{server}")).unwrap().uid();
    assert_eq!(owner, if is_root() { NOBODY } else { fs::metadata(data.path()).unwrap().uid() });
    kill(service.id(), "KILL");
    service.wait().unwrap();
    wait_until("the server dies with its service", || !is_alive(server));
}

#[test]
fn a_uid_without_a_name_is_told_so() {
    if !is_root() {
        // only root can become a user that does not exist
        return assert!(Error::NoAccount { uid: 54321 }.to_string().contains("/etc/passwd"));
    }
    let (data, place) = (data_directory(), tempfile::tempdir().unwrap());
    let mut command = as_nobody(&place, &data);
    chown(data.path(), Some(54321), Some(54321)).unwrap();
    command.uid(54321).gid(54321);
    let output = serve(command, data.path()).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(text.contains("uid 54321 has no entry in /etc/passwd"), "{text}");
}

fn data_directory() -> TempDir {
    tempfile::Builder::new().prefix("kg").tempdir().unwrap()
}

fn refused(data: &Path) -> Error {
    match Cluster::start(data, &LOGINS) {
        Ok(_) => panic!("started in {}", data.display()),
        Err(error) => error,
    }
}

async fn connect(cluster: &Cluster, role: &str) -> sqlx::Result<PgConnection> {
    PgConnection::connect_with(&cluster.options().username(role).database("postgres")).await
}

/// The program where a user without a home of their own can reach it.
fn as_nobody(place: &TempDir, data: &TempDir) -> Command {
    let program = place.path().join("keygate");
    fs::copy(env!("CARGO_BIN_EXE_keygate"), &program).unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(program);
    if is_root() {
        chown(data.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn serve(mut command: Command, data: &Path) -> Child {
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", data).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The pid of the service's server, once it says that it is ready.
fn wait_for_server(service: &mut Child, data: &Path) -> u32 {
    let mut found = None;
    wait_until("the server is ready", || {
        if let Some(status) = service.try_wait().unwrap() {
            panic!("the service ended: {status}");
        }
        found = pid_files(data).into_iter().find_map(|file| {
            let text = fs::read_to_string(file).ok()?;
            let ready = text.lines().nth(7).is_some_and(|state| state.trim() == "ready");
            let pid = text.lines().next()?.parse().ok()?;
            (ready && is_alive(pid)).then_some(pid)
        });
        found.is_some()
    });
    found.unwrap()
}

fn pid_files(data: &Path) -> [PathBuf; 2] {
    ["postgres/data/postmaster.pid", "postgres/postgres/data/postmaster.pid"].map(|path| data.join(path))
}

/// Everything that runs on a data directory.
fn processes_of(data: &Path) -> Vec<u32> {
    let all =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let names_it = |pid: &u32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(data.to_str().unwrap()) && is_alive(*pid)
    };
    all.filter(names_it).collect()
}

fn sockets_of(pid: u32) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    links
        .filter_map(|link| {
            let target = fs::read_link(link.ok()?.path()).ok()?.into_os_string().into_string().ok()?;
            Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect()
}

/// Zombies count as dead: nobody may have waited for them yet.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit(')').next().unwrap().trim_start().starts_with(['Z', 'X'])
}

fn kill(pid: u32, signal: &str) {
    assert!(Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status().unwrap().success());
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
