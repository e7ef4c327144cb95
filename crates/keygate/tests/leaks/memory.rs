//! An exchange secret that came, was used and rests: it stands nowhere in the memory of the server.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use data_encoding::{HEXLOWER, HEXUPPER};
use demo_exchange::{Clock, Config, Credential, DemoExchange, Key, Permission};
use reqwest::{Client, RequestBuilder};
use serde_json::json;

use crate::{
    BORN, bearer, connection, order, own_key,
    spawned_keygate::{EMAIL, PASSWORD, Service, answer, now_ms},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_at_rest_is_not_in_memory() {
    let (key, secret) = (word(), word());
    let mut config = Config::demo();
    config.exchanges.get_mut("binance").unwrap().accounts[1].keys.push(Key {
        name: "memory".to_owned(),
        api_key: key.clone(),
        credential: Credential::Hmac(secret.clone()),
        permissions: vec![Permission::Read, Permission::Trade],
        ips: Vec::new(),
        passphrase: None,
        private: None,
    });
    let demo = DemoExchange::new(config, Clock::new(now_ms)).start().await.unwrap();
    let (mut service, token) = Service::new(&demo.url()).await;
    // first: what comes after fills the buffers in which the public half is looked for
    let born = own_key(&service, &demo, &token, &mut |_| ()).await;
    let (public, virtual_secret, _) = service.bot(&token, born).await;
    assert_eq!(order(&service, &public, &virtual_secret).await.0, 200);
    let _idle = use_it(&mut service, &token, &key, &secret).await;
    tokio::time::sleep(Duration::from_secs(3)).await;

    let wanted = [("the secret", secret.as_str()), ("the secret", BORN[1]), ("the key's public half", &key)];
    let found = match search(service.pid(), &wanted) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return println!("skipped: only root may read the memory of the server");
        }
        Err(error) => panic!("{error}"),
    };
    let (left, public): (Vec<_>, Vec<_>) = found.into_iter().partition(|(what, _)| *what == "the secret");
    assert!(!public.is_empty(), "the search does not find what is there");
    assert!(left.is_empty(), "{left:#?}");
}

/// Given wrongly, stored, checked, used by a bot in both ways. Each time over a connection of its own, which is given
/// back open, with whatever its buffers hold.
async fn use_it(service: &mut Service, token: &str, key: &str, secret: &str) -> Vec<Client> {
    let mut idle = Vec::new();
    let broken = format!("{{\"secret\": \"{secret}\", ");
    let request = service.http.post(format!("{}/api/v1/connections", service.base)).bearer_auth(token);
    let request = request.header("content-type", "application/json").body(broken);
    assert_eq!(answer(request).await.0, 400);
    idle.push(another_connection(service));
    let odd = json!({"exchange": "binance", "api_key": key, "secret": secret, "passphrase": 7});
    assert_eq!(service.post("/api/v1/connections", token, odd).await.0, 400);
    idle.push(another_connection(service));
    let wrong = connection(&word(), secret, "wrong");
    assert_eq!(service.post("/api/v1/connections", token, wrong).await.0, 400);
    idle.push(another_connection(service));
    fill_in_the_form(service, secret).await;
    idle.push(another_connection(service));
    let stored = service.post("/api/v1/connections", token, connection(key, secret, "Main")).await;
    assert_eq!(stored.0, 201, "{}", stored.1);
    idle.push(another_connection(service));
    let (public, virtual_secret, access_key) = service.pair(token, &stored.1).await;
    assert_eq!(order(service, &public, &virtual_secret).await.0, 200);
    assert_eq!(bearer(service, &access_key).await.0, 200);
    assert_eq!(service.get("/api/v1/connections", token).await.0, 200);
    idle
}

/// The page's form, with a key that does not go with the secret.
async fn fill_in_the_form(service: &Service, secret: &str) {
    let page = |path: &str| format!("{}{path}", service.base);
    let login = token_of(service.http.get(page("/login"))).await;
    let pairs = [("form_token", login.as_str()), ("email", EMAIL), ("password", PASSWORD)];
    let answer = service.http.post(page("/login")).form(&pairs).send().await.unwrap();
    let cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let session = cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ");
    let form = service.http.get(page("/connections/new?exchange=binance")).header("cookie", &session);
    let (form, wrong) = (token_of(form).await, word());
    let pairs = [
        ("form_token", form.as_str()),
        ("exchange", "binance"),
        ("environment", "practice"),
        ("name", "Form"),
        ("api_key", &wrong),
        ("secret", secret),
    ];
    let request = service.http.post(page("/connections/new")).form(&pairs).header("cookie", &session);
    let answer = request.send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("does not know this key"));
}

async fn token_of(request: RequestBuilder) -> String {
    let page = request.send().await.unwrap().text().await.unwrap();
    let (_, rest) = page.split_once("name=\"form_token\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// Goes on over a new one; gives the one that was used so far.
fn another_connection(service: &mut Service) -> Client {
    std::mem::replace(&mut service.http, Service::client())
}

/// 64 letters and digits that stand in no program.
fn word() -> String {
    HEXLOWER.encode(&seal::random::array::<32>()).replace('0', "Z").replace('7', "q")
}

/// Each place that holds a part of one of these texts, in any of the forms.
fn search(pid: u32, wanted: &[(&'static str, &str)]) -> io::Result<Vec<(&'static str, String)>> {
    let patterns = Patterns::of(wanted);
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let mut found = Vec::new();
    for line in std::fs::read_to_string(format!("/proc/{pid}/maps"))?.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        // What cannot be written came from a file of the program.
        if !rights.starts_with("rw") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            let place = words.last().unwrap_or("anonymous");
            found.extend(
                patterns.find(&bytes).into_iter().map(|(what, at)| (what, excerpt(place, from, &bytes, at))),
            );
        }
    }
    Ok(found)
}

fn excerpt(place: &str, base: u64, bytes: &[u8], at: usize) -> String {
    let around = &bytes[at.saturating_sub(100)..bytes.len().min(at + 100)];
    format!("{place} {:x}+{at:x}: {}", base, String::from_utf8_lossy(around).escape_debug())
}

/// What to look for, by its first four bytes.
struct Patterns(HashMap<[u8; 4], Vec<(&'static str, Vec<u8>)>>);

impl Patterns {
    /// Every run of twelve bytes: as it is, in hex, in base64.
    fn of(wanted: &[(&'static str, &str)]) -> Patterns {
        let mut patterns = Patterns(HashMap::new());
        for (what, text) in wanted {
            for part in text.as_bytes().windows(12) {
                let forms = [HEXLOWER.encode(part), HEXUPPER.encode(part), STANDARD.encode(part)];
                patterns.add(what, part);
                forms.iter().for_each(|form| patterns.add(what, form.as_bytes()));
            }
        }
        patterns
    }

    fn add(&mut self, what: &'static str, form: &[u8]) {
        self.0.entry(form[..4].try_into().unwrap()).or_default().push((what, form.to_vec()));
    }

    fn find(&self, bytes: &[u8]) -> Vec<(&'static str, usize)> {
        let mut found = Vec::new();
        for at in 0..bytes.len().saturating_sub(3) {
            let start: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
            if start == [0; 4] {
                continue;
            }
            for (what, form) in self.0.get(&start).into_iter().flatten() {
                if bytes[at..].starts_with(form) {
                    found.push((*what, at));
                }
            }
        }
        found
    }
}
