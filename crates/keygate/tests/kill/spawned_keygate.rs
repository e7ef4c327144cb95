//! The real program in a process of its own, with its private database in a throw-away directory and a
//! pretend exchange that outlives it.

use std::{
    fs::{self, File, Permissions},
    io::{BufRead, BufReader},
    net::TcpListener,
    os::{
        fd::AsRawFd,
        unix::{
            fs::{PermissionsExt, chown},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;

pub const EMAIL: &str = "owner@example.com";
pub const PASSWORD: &str = "seven unrelated words stand here";

pub struct Service {
    pub data: TempDir,
    pub base: String,
    pub http: Client,
    /// Further variables of its environment.
    pub environment: Vec<(&'static str, String)>,
    /// The user it runs as, if not ours.
    pub uid: Option<u32>,
    demo: String,
    child: Option<Child>,
}

impl Service {
    /// Starts it and makes the owner; gives an access token too.
    pub async fn new(demo: &str) -> (Service, String) {
        let mut service = Service::unborn(demo);
        let token = service.set_up().await;
        (service, token)
    }

    /// Its first start, and the owner.
    pub async fn set_up(&mut self) -> String {
        let link = self.start();
        let token = link.split_once('#').unwrap().1.trim();
        let input = json!({"token": token, "email": EMAIL, "name": "Olga", "password": PASSWORD});
        let tokens = self.post("/api/v1/auth/setup", "", input).await.1;
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// Where it will run, before its first start.
    pub fn unborn(demo: &str) -> Service {
        let data = tempfile::tempdir().unwrap();
        // The database server runs as another user and has to pass through.
        fs::set_permissions(data.path(), Permissions::from_mode(0o711)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let http = Service::client();
        let base = format!("http://127.0.0.1:{port}");
        let demo = demo.to_owned();
        Service { data, base, http, environment: Vec::new(), uid: None, demo, child: None }
    }

    /// For connections of its own.
    pub fn client() -> Client {
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_secs(10));
        client.build().unwrap()
    }

    /// Starts the program on the same data and waits until it says that it is ready; gives what it said.
    pub fn start(&mut self) -> String {
        let address = self.base.strip_prefix("http://").unwrap();
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        // By its descriptor: another user may not pass through the directories above.
        let program = File::open(env!("CARGO_BIN_EXE_keygate")).unwrap();
        let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
        if let Some(uid) = self.uid {
            chown(self.data.path(), Some(uid), Some(uid)).unwrap();
            command.uid(uid).gid(uid);
        }
        command
            .envs(self.environment.iter().cloned())
            .args(["--data-dir", self.data_dir().to_str().unwrap(), "serve", "--listen", address])
            .args(["--public-url", &self.base])
            .env("KEYGATE_DEMO__ORIGIN", &self.demo)
            .env("KEYGATE_LOG__LEVEL", "debug")
            .current_dir(self.data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("ready"), "the service did not start: {line:?} {}", self.log());
        self.child = Some(child);
        line
    }

    /// `kill -9`: no goodbye of any kind.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Waits until the state of the record is signed.
    pub fn wait_for_checkpoint(&self) {
        let file = self.data_dir().join("audit/checkpoints.jsonl");
        for _ in 0..300 {
            if fs::metadata(&file).is_ok_and(|found| found.len() > 0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("no checkpoint is made: {}", self.log());
    }

    /// Everything it wrote to its standard error, over all its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The directory of the database's socket.
    pub fn socket(&self) -> PathBuf {
        self.data_dir().join("postgres").join("postgres")
    }

    pub async fn superuser(&self) -> PgConnection {
        let options = PgConnectOptions::new_without_pgpass().socket(self.socket());
        PgConnection::connect_with(&options.username("postgres").database("keygate")).await.unwrap()
    }

    pub async fn texts(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query.to_owned());
        sqlx::query_scalar(query).fetch_all(&mut self.superuser().await).await.unwrap()
    }

    pub async fn sign_in(&self) -> String {
        let input = json!({"email": EMAIL, "password": PASSWORD});
        let (status, tokens) = self.post("/api/v1/auth/login", "", input).await;
        assert_eq!(status, 200, "{tokens}");
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        answer(self.http.post(format!("{}{path}", self.base)).bearer_auth(token).json(&body)).await
    }

    pub async fn patch(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        answer(self.http.patch(format!("{}{path}", self.base)).bearer_auth(token).json(&body)).await
    }

    pub async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        answer(self.http.get(format!("{}{path}", self.base)).bearer_auth(token)).await
    }

    /// A bot on a new connection: public half, secret and whole token of its pair.
    pub async fn bot(&self, token: &str, connection: Value) -> (String, String, String) {
        let (status, made) = self.post("/api/v1/connections", token, connection).await;
        assert_eq!(status, 201, "{made}");
        self.pair(token, &made).await
    }

    /// The same on a connection that is there.
    pub async fn pair(&self, token: &str, made: &Value) -> (String, String, String) {
        let bot = json!({"connection_id": made["id"], "name": made["name"]});
        let bot = self.post("/api/v1/bots", token, bot).await.1;
        let path = format!("/api/v1/bots/{}/access-keys", bot["id"].as_str().unwrap());
        let issued = self.post(&path, token, json!({})).await.1;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let pair = &issued["virtual_pair"];
        (text(&pair["api_key"]), text(&pair["secret"]), text(&issued["token"]))
    }

    fn log_path(&self) -> PathBuf {
        self.data.path().join("log")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // The database ends with the program; its files can be removed then.
        wait_for_end_of_database(&self.socket());
    }
}

/// Status and JSON body; nothing if the connection broke.
pub async fn answer(request: RequestBuilder) -> (u16, Value) {
    let Ok(response) = request.send().await else { return (0, Value::Null) };
    let status = response.status().as_u16();
    let text = response.text().await.unwrap_or_default();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Milliseconds since 1970, as a bot reads them.
pub fn now_ms() -> i64 {
    keygate::clock::Clock::default().now_ms()
}

/// A Binance signature.
pub fn sign(secret: &str, message: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    data_encoding::HEXLOWER.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()).as_ref())
}

fn wait_for_end_of_database(directory: &Path) {
    let file = directory.join("data").join("postmaster.pid");
    for _ in 0..50 {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let alive = text.lines().next().is_some_and(|pid| Path::new("/proc").join(pid.trim()).exists());
        if !alive {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
