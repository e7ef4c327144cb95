//! The server process: made by `initdb`, started so that it cannot outlive us, stopped in good order.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::binaries::Binaries;
use super::{Error, Kind, SUPERUSER};

/// Recovery after a crash replays at most a few checkpoints; longer means something is wrong.
const LONGEST_START: Duration = Duration::from_secs(60);
const LONGEST_STOP: Duration = Duration::from_secs(20);
const LARGEST_LOG: u64 = 8 << 20;

/// A running postmaster.
pub(super) struct Server {
    pid: u32,
    running: Arc<AtomicBool>,
}

impl Server {
    pub(super) fn start(
        binaries: &Binaries,
        directory: &Path,
        account: &Account,
        kind: &Kind<'_>,
    ) -> Result<Server, Error> {
        let log = directory.join("server.log");
        let mut command = account.command(&binaries.program("postgres"));
        command.arg("-D").arg(directory.join("data")).arg("-k").arg(directory);
        for setting in settings(kind) {
            command.arg("-c").arg(setting);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(open_log(&log)?);
        let server = Server::spawn(command).map_err(Error::io("start the server of", directory))?;
        server.wait_until_ready(directory, &log)?;
        Ok(server)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Let transactions be rolled back and the last checkpoint be written.
    pub(super) fn stop(&self) {
        self.signal(libc::SIGINT);
        if !self.wait_until_ended() {
            tracing::warn!("PostgreSQL did not stop in time and is cut off; it recovers at the next start");
            self.stop_at_once();
        }
    }

    /// Like pulling the plug: nothing is written any more.
    pub(super) fn stop_at_once(&self) {
        self.signal(libc::SIGQUIT);
        self.wait_until_ended();
    }

    fn wait_until_ended(&self) -> bool {
        let begin = Instant::now();
        while self.is_running() && begin.elapsed() < LONGEST_STOP {
            thread::sleep(Duration::from_millis(2));
        }
        !self.is_running()
    }

    /// The kernel kills the server when the *thread* that started it ends, so that thread stays for good: it waits
    /// for the server, which is at the same time how we learn that it ended.
    fn spawn(mut command: Command) -> io::Result<Server> {
        die_with_parent(&mut command);
        let (started, start) = mpsc::channel();
        let running = Arc::new(AtomicBool::new(true));
        let flag = Arc::clone(&running);
        thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(started.send(Err(error))),
            };
            drop(started.send(Ok(child.id())));
            if let Err(error) = child.wait() {
                tracing::error!(%error, "lost sight of PostgreSQL");
            }
            flag.store(false, Ordering::Release);
        })?;
        let pid = start.recv().map_err(|_| io::Error::other("the starting thread ended"))??;
        Ok(Server { pid, running })
    }

    /// The server reports its state in the eighth line of its pid file, as `pg_ctl` reads it.
    fn wait_until_ready(&self, directory: &Path, log: &Path) -> Result<(), Error> {
        let pid_file = directory.join("data/postmaster.pid");
        let begin = Instant::now();
        while begin.elapsed() < LONGEST_START {
            let text = fs::read_to_string(&pid_file).unwrap_or_default();
            let mut lines = text.lines();
            let ours = lines.next() == Some(&self.pid.to_string());
            if ours && lines.nth(6).is_some_and(|state| state.trim() == "ready") {
                return Ok(());
            }
            if !self.is_running() {
                return Err(Error::Failed { what: "starting PostgreSQL", log: tail(log) });
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.stop_at_once();
        Err(Error::Failed { what: "starting PostgreSQL within a minute", log: tail(log) })
    }

    #[expect(unsafe_code, reason = "std signals only SIGKILL, which a database must not get")]
    fn signal(&self, signal: libc::c_int) {
        if self.is_running() {
            // SAFETY: plain numbers. The pid is our unreaped child's, so it cannot have been given to another.
            unsafe { libc::kill(self.pid.cast_signed(), signal) };
        }
    }
}

/// Make the cluster's files, under another name first: an interrupted `initdb` leaves nothing that looks finished.
pub(super) fn init(
    binaries: &Binaries,
    directory: &Path,
    account: &Account,
    kind: &Kind<'_>,
) -> Result<(), Error> {
    let unfinished = directory.join("data.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
    }
    let mut command = account.command(&binaries.program("initdb"));
    command.args([
        "-U",
        SUPERUSER,
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-instructions",
        "--auth-host=reject",
    ]);
    // a new segment is filled with zeros while everybody's commits wait: one megabyte of them, not sixteen
    command.arg("--wal-segsize=1");
    match kind {
        Kind::Durable { .. } => command.args(["--auth-local=peer", "--data-checksums"]),
        Kind::ThrowAway => command.args(["--auth-local=trust", "--no-sync"]),
    };
    let output =
        command.arg("-D").arg(&unfinished).output().map_err(Error::io("run initdb for", directory))?;
    if !output.status.success() {
        let log = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Failed { what: "initdb", log });
    }
    if matches!(kind, Kind::Durable { .. }) {
        sync(&unfinished, account)?;
    }
    let finished = directory.join("data");
    fs::rename(&unfinished, &finished).map_err(Error::io("create", &finished))
}

/// The whole file system in one go: `initdb` would sync a thousand files one by one, which takes ten times as long.
fn sync(path: &Path, account: &Account) -> Result<(), Error> {
    let mut command = account.command(Path::new("/bin/sync"));
    let status = command.arg("--file-system").arg(path).status().map_err(Error::io("sync", path))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { what: "writing the database to disk", log: status.to_string() })
}

/// Copy the files of a stopped cluster, as the server's user.
pub(super) fn copy(from: &Path, to: &Path, account: &Account) -> Result<(), Error> {
    let mut command = account.command(Path::new("/bin/cp"));
    command.args(["--archive", "--reflink=auto"]).arg(from).arg(to);
    let output = command.output().map_err(Error::io("copy", from))?;
    if output.status.success() {
        return Ok(());
    }
    let log = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Failed { what: "copying a database", log })
}

/// No TCP, nothing of a statement in the log: neither parameters, nor text, nor the values of a violated key.
fn settings(kind: &Kind<'_>) -> Vec<&'static str> {
    let mut settings = vec![
        "listen_addresses=",
        "cluster_name=keygate",
        "jit=off",
        "timezone=UTC",
        "log_timezone=UTC",
        "log_statement=none",
        "log_parameter_max_length=0",
        "log_parameter_max_length_on_error=0",
        "log_min_error_statement=panic",
        "log_error_verbosity=terse",
    ];
    if matches!(kind, Kind::Durable { .. }) {
        settings.extend([
            // before a crash is recovered from everything is synced: in one call, not file by file, which takes seconds
            "recovery_init_sync_method=syncfs",
            // as with segments of the usual size; more old ones are kept to be written again
            "max_wal_size=1GB",
            "min_wal_size=160MB",
            "wal_buffers=4MB",
        ]);
    }
    if matches!(kind, Kind::ThrowAway) {
        settings.extend([
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "shared_buffers=32MB",
        ]);
    }
    settings
}

#[expect(unsafe_code, reason = "signal and prctl between fork and exec")]
fn die_with_parent(command: &mut Command) {
    let parent = std::process::id().cast_signed();
    command.process_group(0); // Ctrl-C reaches us, and we stop the server when our own work is done
    // SAFETY: signal, prctl and getppid are async-signal-safe; nothing is allocated unless we fail.
    unsafe {
        command.pre_exec(move || {
            // ignored signals stay ignored in a child, as under `sh -c 'keygate serve &'`, until it has handlers
            libc::signal(libc::SIGQUIT, libc::SIG_DFL);
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGQUIT) != 0 {
                return Err(io::Error::last_os_error());
            }
            // the parent may have died before the request was made
            if libc::getppid() != parent { Err(io::Error::from_raw_os_error(libc::ESRCH)) } else { Ok(()) }
        });
    }
}

fn open_log(path: &Path) -> Result<File, Error> {
    let large = fs::metadata(path).is_ok_and(|found| found.len() > LARGEST_LOG);
    File::options()
        .create(true)
        .append(!large)
        .truncate(large)
        .write(true)
        .open(path)
        .map_err(Error::io("open", path))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
