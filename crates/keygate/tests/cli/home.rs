//! A person's home directory and a server in it. Both go when the test ends; the server also when the test dies.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

pub const PASSWORD: &str = "three unrelated words";
pub const TRADE_KEY: &str = "DemoTradeKey0000000000000000000000000000000000000000000000000002";
pub const TRADE_SECRET: &str = "DemoTradeSecret0000000000000000000000000000000000000000000000002";

/// Where commands run: nothing of the real environment reaches them.
pub struct Home {
    pub dir: TempDir,
    pub url: String,
    port: u16,
}

/// How a command ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A running `keygate serve` or `keygate demo`.
pub struct Server {
    child: Child,
    pub lines: Vec<String>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Home {
    pub fn new() -> Home {
        let dir = tempfile::tempdir().unwrap();
        // as root the database runs as another user, who has to pass through
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Home { dir, url: format!("http://localhost:{port}"), port }
    }

    /// A home of somebody else who uses the same server.
    pub fn neighbour(&self) -> Home {
        Home { dir: tempfile::tempdir().unwrap(), url: self.url.clone(), port: self.port }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keygate"));
        let data = self.path("data");
        command.args(words).env_clear().current_dir(self.dir.path()).env("PATH", "/usr/bin:/bin");
        command.env("HOME", self.dir.path()).env("KEYGATE_URL", &self.url).env("KEYGATE_DATA_DIR", data);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, line: &str) -> Done {
        Done::of(self.command(&line.split(' ').collect::<Vec<_>>()))
    }

    /// With this on standard input, written while its answers are read: more than a pipe holds would wait for ever otherwise.
    pub fn feed(&self, line: &str, input: &str) -> Done {
        let mut command = self.command(&line.split(' ').collect::<Vec<_>>());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            let written = scope.spawn(move || stdin.write_all(input.as_bytes()));
            let done = Done::from(child.wait_with_output().unwrap());
            written.join().unwrap().unwrap();
            done
        })
    }

    /// The data of a command that must succeed.
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} --output json")).ok().out).unwrap()
    }

    pub fn serve(&self, more: &[&str]) -> Server {
        let listen = format!("127.0.0.1:{}", self.port);
        let words = [&["serve", "--listen", &listen, "--public-url", &self.url], more].concat();
        let last = if more.contains(&"--demo") { "6. " } else { "Keygate is ready" };
        Server::start(self.command(&words), last)
    }

    /// A server with its owner, who is signed in.
    pub fn with_owner(&self, more: &[&str]) -> Server {
        let server = self.serve(more);
        self.file("password", PASSWORD);
        let link = server.setup_link();
        self.feed("setup --email owner@example.org --name Owner --password-file password", &link).ok();
        server
    }

    /// The same with the connection `Primary` and the bot `grid`.
    pub fn with_bot(&self) -> Server {
        let server = self.with_owner(&["--demo"]);
        self.feed(&add_connection("--trade"), TRADE_SECRET).ok();
        self.run("bot add grid --connection Primary").ok();
        server
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

pub fn add_connection(more: &str) -> String {
    format!("connection add binance --environment practice --api-key {TRADE_KEY} --secret-stdin {more}")
}

/// A statement of the superuser, in the database of the server that runs.
pub fn psql(home: &Home, statement: &str) {
    let mut command = Command::new("psql");
    command
        .args(["-qU", "postgres", "-d", "keygate", "-c", statement, "-h"])
        .arg(home.path("data/postgres/postgres"));
    Done::of(command).ok();
}

impl Done {
    pub fn of(mut command: Command) -> Done {
        Done::from(command.output().unwrap())
    }

    #[track_caller]
    pub fn ok(self) -> Done {
        self.fails(0)
    }

    /// Ended with this exit code.
    #[track_caller]
    pub fn fails(self, code: i32) -> Done {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Said this to the person, not among the data.
    #[track_caller]
    pub fn says(self, text: &str) -> Done {
        assert!(self.err.contains(text), "no '{text}' in {self:?}");
        assert!(!self.out.contains(text), "'{text}' is among the data: {self:?}");
        self
    }
}

impl From<std::process::Output> for Done {
    fn from(output: std::process::Output) -> Done {
        Done {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Server {
    /// Started, and its output read up to the line that begins with `last`.
    pub fn start(mut command: Command, last: &str) -> Server {
        die_with_parent(&mut command);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.starts_with(last)) {
            let mut line = String::new();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "ended after {lines:?}");
            lines.push(line.trim_end().to_owned());
        }
        Server { child, lines, stdout: Some(stdout) }
    }

    pub fn setup_link(&self) -> String {
        let words = self.lines.iter().flat_map(|line| line.split(' '));
        words.into_iter().find(|word| word.contains("/setup#")).unwrap().to_owned()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its output.
    pub fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// Nobody reads its output any more.
    pub fn hang_up(&mut self) {
        self.stdout = None;
    }

    /// Asked to stop, and gone.
    pub fn stop(mut self, signal: libc::c_int) -> i32 {
        self.signal(signal);
        self.wait().unwrap()
    }

    /// Gone by itself.
    pub fn wait(&mut self) -> Option<i32> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.code().unwrap_or(-1));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    #[expect(unsafe_code, reason = "std signals only SIGKILL")]
    fn signal(&self, signal: libc::c_int) {
        // SAFETY: plain numbers; the child is ours and not yet waited for.
        unsafe { libc::kill(self.child.id().cast_signed(), signal) };
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal(libc::SIGTERM);
            if self.wait().is_none() {
                let _ = self.child.kill();
            }
        }
    }
}

#[expect(unsafe_code, reason = "prctl between fork and exec")]
fn die_with_parent(command: &mut Command) {
    // SAFETY: prctl is async-signal-safe, and nothing is allocated.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            Ok(())
        });
    }
}

/// The Python with the pinned client libraries.
pub fn python() -> String {
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/setup");
    let done = Done::of({
        let mut command = Command::new(setup);
        command.stdin(Stdio::null());
        command
    });
    done.ok().out.trim().to_owned()
}
