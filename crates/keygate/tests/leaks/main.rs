//! Known secrets are driven through everything, good and bad; then they are looked for wherever they must not
//! be. Every search is shown to work by finding something that must be there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod environment;
mod memory;
mod process;

#[path = "../kill/spawned_keygate.rs"]
#[allow(dead_code, reason = "shared with the other test, which uses the rest")]
mod spawned_keygate;

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
};

use demo_exchange::{Clock, Config, DemoExchange, Fault, Running, Switch};
use serde_json::{Value, json};
use spawned_keygate::{EMAIL, PASSWORD, Service, answer, now_ms, sign};

const KEY: &str = "DemoTradeKey0000000000000000000000000000000000000000000000000002";
const SECRET: &str = "DemoTradeSecret0000000000000000000000000000000000000000000000002";
const COINONE: &str = "de300000-0000-4000-8000-000000000001";
const COINONE_SECRET: &str = "de305ec7-0000-4000-8000-000000000001";
/// Typed wrongly somewhere: secrets all the same.
const WRONG_PASSWORD: &str = "canary-password-4711-unrelated";
const WRONG_SECRET: &str = "CanarySecretThatBelongsToNoKey00000000000000000000000000000000ab";
const MISPLACED: &str = "canary-misplaced-value-0815";

/// How every private Ed25519 key made here begins: its PEM line, and the base64 of its DER. Nobody is ever told more.
const BORN: [&str; 2] = ["-----BEGIN PRIVATE KEY-----", "MC4CAQAwBQYDK2VwBCIEI"];

/// What was said to the service and must not be found again, and what it gave out once.
struct Secrets(Vec<String>);

impl Secrets {
    #[track_caller]
    fn absent_from(&self, place: &str, text: &str) {
        for secret in &self.0 {
            assert!(!text.contains(secret.as_str()), "{place} holds {}…", &secret[..8]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_left_where_it_does_not_belong() {
    let demo = DemoExchange::new(Config::demo(), Clock::new(now_ms)).start().await.unwrap();
    let (mut service, token) = Service::new(&demo.url()).await;
    let (secrets, said) = drive(&service, &demo, &token).await;

    secrets.absent_from("an answer", &said);
    assert!(said.contains("wrong-signature") && said.contains("invalid-field"), "the answers were not kept");

    let log = service.log();
    secrets.absent_from("the log", &log);
    assert!(log.contains("/api/v1/connections") && log.contains("request_id"), "there is no log to search");

    let dump = dump(&service);
    secrets.absent_from("the database dump", &dump);
    assert!(dump.contains(EMAIL) && dump.contains("COPY public.api_keys"), "the dump is not one");

    search_files(&service.data_dir(), &secrets);

    match environment::environ(service.pid()) {
        None => println!("only root may read the environment of the server: not searched"),
        Some(environ) => {
            secrets.absent_from("the environment", &environ);
            assert!(environ.contains("KEYGATE_DEMO__ORIGIN"), "this is not the environment");
        }
    }
    let arguments = fs::read(format!("/proc/{}/cmdline", service.pid())).unwrap();
    secrets.absent_from("the command line", &String::from_utf8_lossy(&arguments));

    no_core(&mut service, &secrets);
}

/// Uses everything once rightly and once wrongly; gives the secrets and all that was answered.
async fn drive(service: &Service, demo: &Running, token: &str) -> (Secrets, String) {
    let mut said = String::new();
    let mut keep = |(_, body): (u16, Value)| said.push_str(&format!("{body}\n"));
    keep(service.post("/api/v1/auth/login", "", json!({"email": EMAIL, "password": WRONG_PASSWORD})).await);
    keep(
        service.post("/api/v1/auth/login", "", json!({"email": WRONG_PASSWORD, "password": PASSWORD})).await,
    );
    keep(service.post("/api/v1/connections", token, connection(KEY, WRONG_SECRET, "x")).await);
    keep(service.post("/api/v1/connections", token, connection(SECRET, KEY, "swapped")).await);
    let mut odd = connection(KEY, SECRET, "x");
    odd["secrte"] = json!(MISPLACED);
    keep(service.post("/api/v1/connections", token, odd).await);
    keep(
        service.post("/api/v1/connections", token, json!({"exchange": [MISPLACED], "secret": SECRET})).await,
    );
    let broken = format!("{{\"secret\": \"{SECRET}\", {MISPLACED}");
    let request = service.http.post(format!("{}/api/v1/connections", service.base)).bearer_auth(token);
    keep(answer(request.header("content-type", "application/json").body(broken)).await);
    for fault in [Fault::EchoKey, Fault::DropAfter, Fault::Status { status: 500 }, Fault::Garbage] {
        demo.fault(Switch { fault, count: 1, path: "/api/v3/account".to_owned(), exchange: None });
        keep(service.post("/api/v1/connections", token, connection(KEY, SECRET, "x")).await);
        demo.clear_faults();
    }
    let (public, virtual_secret, access_key) = service.bot(token, connection(KEY, SECRET, "Main")).await;
    let mut coinone = connection(COINONE, COINONE_SECRET, "Coinone");
    coinone["exchange"] = json!("coinone");
    let (_, coinone_virtual, coinone_access) = service.bot(token, coinone).await;
    let born = own_key(service, demo, token, &mut keep).await;
    let (born_public, born_virtual, born_access) = service.bot(token, born).await;
    keep(order(service, &born_public, &born_virtual).await);
    for path in [
        "connections",
        "connections/own-keys",
        "bots",
        "access-keys",
        "activity",
        "exchanges",
        "api-keys/me",
        "users/me",
    ] {
        keep(service.get(&format!("/api/v1/{path}"), token).await);
    }
    keep(service.get("/api/settings/exchange-api-key", token).await);
    for fault in [None, Some(Fault::EchoKey), Some(Fault::DropAfter), Some(Fault::Garbage)] {
        if let Some(fault) = fault {
            demo.fault(Switch { fault, count: 1, path: "/api/v3/order".to_owned(), exchange: None });
        }
        keep(order(service, &public, &virtual_secret).await);
        keep(order(service, &public, WRONG_SECRET).await);
        keep(bearer(service, &access_key).await);
    }
    let personal = service.post("/api/v1/access-keys", token, json!({"scopes": ["read"]})).await.1;
    let personal = personal["token"].as_str().unwrap().to_owned();
    keep(service.get("/api/v1/connections", &personal).await);
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let tokens = service.post("/api/v1/auth/login", "", login).await.1;
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let mut secrets: Vec<String> =
        [KEY, SECRET, COINONE, COINONE_SECRET, PASSWORD, WRONG_PASSWORD, WRONG_SECRET, MISPLACED]
            .map(str::to_owned)
            .to_vec();
    secrets.extend(BORN.map(str::to_owned));
    secrets.extend([
        born_virtual,
        born_access,
        virtual_secret,
        access_key,
        coinone_virtual,
        coinone_access,
        personal,
        refresh,
    ]);
    secrets.push(token.to_owned());
    (Secrets(secrets), said)
}

/// A key made here, used wrongly once; then what completes it.
async fn own_key(
    service: &Service,
    demo: &Running,
    token: &str,
    keep: &mut impl FnMut((u16, Value)),
) -> Value {
    let wish = json!({"exchange": "binance", "environment": "practice", "kind": "ed25519"});
    let made = service.post("/api/v1/connections/own-keys", token, wish.clone()).await;
    assert_eq!(made.0, 201, "{}", made.1);
    let mut born = connection(&"U".repeat(64), "", "Born");
    born.as_object_mut().unwrap().remove("secret");
    born["own_key"] = made.1["id"].clone();
    keep(service.post("/api/v1/connections", token, born.clone()).await);
    let url = format!("{}/_demo/binance/keys", demo.url());
    let pasted = json!({"public_key_pem": made.1["public_key_pem"]});
    born["api_key"] = answer(service.http.post(url).json(&pasted)).await.1["api_key"].take();
    keep(made);
    // one more that goes on waiting, for the dump
    keep(service.post("/api/v1/connections/own-keys", token, wish).await);
    born
}

async fn order(service: &Service, key: &str, secret: &str) -> (u16, Value) {
    let params = format!(
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000&timestamp={}",
        now_ms()
    );
    let body = format!("{params}&signature={}", sign(secret, &params));
    let request = service.http.post(format!("{}/x/binance/api/v3/order", service.base)).body(body);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    answer(request.header("x-mbx-apikey", key)).await
}

async fn bearer(service: &Service, token: &str) -> (u16, Value) {
    let request = service.http.get(format!("{}/x/binance/api/v3/account", service.base));
    answer(request.header("x-keygate-key", token)).await
}

fn connection(key: &str, secret: &str, name: &str) -> Value {
    json!({"exchange": "binance", "environment": "practice", "name": name, "api_key": key, "secret": secret,
           "permissions": {"trade": true}})
}

fn dump(service: &Service) -> String {
    let mut command = Command::new("pg_dump");
    command.args(["-U", "postgres", "-d", "keygate", "-h"]).arg(service.socket());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Tables, indexes and write-ahead log as they lie on the disk; the master key is not among the secrets.
fn search_files(directory: &Path, secrets: &Secrets) {
    let found = files_with(directory, &secrets.0.join("\n"));
    assert!(found.is_empty(), "secrets stand in {found}");
    assert!(!files_with(directory, EMAIL).is_empty(), "the files that were searched are not the database");
}

/// The files below a directory that hold one of these lines.
fn files_with(directory: &Path, lines: &str) -> String {
    let mut command = Command::new("grep");
    command.args(["-rlaF", "-e", lines]).arg(directory).stderr(Stdio::null());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// The process may not be dumped: no core is written when it is aborted.
fn no_core(service: &mut Service, secrets: &Secrets) {
    let limits = fs::read_to_string(format!("/proc/{}/limits", service.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    let pid = service.pid().to_string();
    let kill = Command::new("kill").args(["-ABRT", &pid]).stdin(Stdio::null()).status().unwrap();
    assert!(kill.success());
    let status = service.child().wait().unwrap();
    assert_eq!(status.signal(), Some(6), "{status}");
    assert!(!status.core_dumped(), "{status}");
    let left = fs::read_dir(service.data.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with("core")));
    secrets.absent_from("the log after a crash", &service.log());
}
