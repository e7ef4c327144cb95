//! A server on an empty database, and somebody who reads its pages and fills in its forms without script.

use std::collections::BTreeMap;

use keygate::{
    clock::Clock,
    config::{Config, Flags},
    db::Scratch,
    http::Listener,
    start::{Server, Store, start_with},
};
use reqwest::{Method, StatusCode, header::HeaderMap, redirect::Policy};
use tempfile::TempDir;

pub struct Site {
    pub server: Server,
    pub url: String,
    _database: Scratch,
    _data: TempDir,
}

pub struct Visitor {
    pub client: reqwest::Client,
    url: String,
    pub cookies: BTreeMap<String, String>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub path: String,
}

pub const EMAIL: &str = "ada@example.org";
pub const PASSWORD: &str = "seven quiet otters";
pub const KEY: &str = "DemoTradeKey0000000000000000000000000000000000000000000000000002";
pub const SECRET: &str = "DemoTradeSecret0000000000000000000000000000000000000000000000002";

pub async fn site() -> Site {
    let database = Scratch::new().await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let flags = Flags {
        data_dir: Some(data.path().to_owned()),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ..Flags::default()
    };
    let config = Config::load(&flags).unwrap();
    let listener = Listener::bind(&config.listen).await.unwrap();
    let url = format!("http://{}", listener.addresses()[0]);
    let store = Store { settings: database.settings(), cluster: None };
    let server = start_with(config, Clock::default(), true, listener, store).await.unwrap();
    Site { server, url, _database: database, _data: data }
}

impl Site {
    pub fn visitor(&self) -> Visitor {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Visitor { client, url: self.url.clone(), cookies: BTreeMap::new() }
    }

    pub fn setup_token(&self) -> String {
        self.server.setup_link.as_ref().unwrap().split('#').nth(1).unwrap().to_owned()
    }

    /// The owner, set up and signed in.
    pub async fn owner(&self) -> Visitor {
        let mut owner = self.visitor();
        owner.get("/setup").await;
        let fields =
            [("token", &*self.setup_token()), ("email", EMAIL), ("name", "Ada"), ("password", PASSWORD)];
        let home = owner.submit("/setup", "/setup", &fields).await;
        assert_eq!((home.status, &*home.path), (StatusCode::OK, "/"), "{}", home.text);
        owner
    }
}

impl Visitor {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Fills in the form of one page and sends it where that form goes, then follows the redirect.
    pub async fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get(page).await.form_token();
        let mut all = vec![("form_token", &*token)];
        all.extend(fields);
        let answer = self.post(action, &all).await;
        match answer.status {
            StatusCode::SEE_OTHER => self.get(answer.headers["location"].to_str().unwrap()).await,
            _ => answer,
        }
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, path, Some(form)).await
    }

    async fn send(&mut self, method: Method, path: &str, form: Option<String>) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.header("accept", "text/html").header("cookie", cookies.join("; "));
        if let Some(form) = form {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap());
        }
        Answer { status, headers, text: answer.text().await.unwrap(), path: path.to_owned() }
    }

    fn keep(&mut self, cookie: &str) {
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        match cookie.contains("Max-Age=0") {
            true => drop(self.cookies.remove(name)),
            false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
        }
    }
}

impl Answer {
    pub fn form_token(&self) -> String {
        self.between("name=\"form_token\" value=\"", "\"")
    }

    /// The first text between two others.
    pub fn between(&self, before: &str, after: &str) -> String {
        let found = self.text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        found.unwrap_or_else(|| panic!("no {before} in {}: {}", self.path, self.text)).0.to_owned()
    }
}
