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
    pub scratch: Scratch,
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

/// The form that adds a connection to the pretend exchange.
pub const WIZARD: &str = "/connections/new?exchange=binance";

pub async fn site() -> Site {
    site_with(|_| {}).await
}

pub async fn site_with(configure: impl FnOnce(&mut Config)) -> Site {
    let database = Scratch::new().await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let flags = Flags {
        data_dir: Some(data.path().to_owned()),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ..Flags::default()
    };
    let mut config = Config::load(&flags).unwrap();
    configure(&mut config);
    let listener = Listener::bind(&config.listen).await.unwrap();
    let url = format!("http://{}", listener.addresses()[0]);
    let store = Store { settings: database.settings(), cluster: None };
    let server = start_with(config, Clock::default(), true, listener, store).await.unwrap();
    Site { server, url, scratch: database, _data: data }
}

impl Site {
    /// A bot's call, such as `GET /api/v3/account`, signed as curl would sign it.
    pub async fn call(&self, what: &str, key: &str, secret: &str) -> StatusCode {
        self.call_from("127.0.0.1", what, key, secret).await
    }

    /// The same through a proxy that says where it comes from; believed if the server trusts this machine.
    pub async fn call_from(&self, from: &str, what: &str, key: &str, secret: &str) -> StatusCode {
        let (method, path) = what.split_once(' ').unwrap();
        let (path, parameters) = path.split_once('?').unwrap_or((path, "recvWindow=5000"));
        let query = format!("{parameters}&timestamp={}", self.server.app.clock.now_ms());
        let hmac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let signature =
            data_encoding::HEXLOWER.encode(aws_lc_rs::hmac::sign(&hmac, query.as_bytes()).as_ref());
        let url = format!("{}/x/binance{path}?{query}&signature={signature}", self.url);
        self.visitor()
            .client
            .request(method.parse().unwrap(), url)
            .header("x-mbx-apikey", key)
            .header("x-forwarded-for", from)
            .send()
            .await
            .unwrap()
            .status()
    }

    /// Behind the server's back.
    pub async fn execute(&self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::query(statement).execute(&mut self.scratch.superuser().await.unwrap()).await.unwrap();
    }

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

pub fn connection_form(secret: &str) -> [(&str, &str); 6] {
    [
        ("exchange", "binance"),
        ("environment", "practice"),
        ("name", "Primary"),
        ("api_key", KEY),
        ("secret", secret),
        ("trade", "on"),
    ]
}

impl Visitor {
    /// Adds a connection that may trade; its address.
    pub async fn connect(&mut self) -> String {
        let made = self.submit(WIZARD, "/connections/new", &connection_form(SECRET)).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        made.path
    }

    /// Adds a bot for one symbol; its address.
    pub async fn add_bot(&mut self, connection: &str) -> String {
        let id = connection.trim_start_matches("/connections/");
        let fields = [("connection", id), ("name", "Grid <b>"), ("symbol", "BTC/USDT")];
        let made = self.submit("/bots/new", "/bots/new", &fields).await;
        assert!(made.path.ends_with("/connect"), "{}", made.text);
        made.path.trim_end_matches("/connect").to_owned()
    }

    /// Sends the form that makes a virtual pair, with these boxes ticked.
    pub async fn make_pair(&mut self, bot: &str, ticked: &[&str]) -> Answer {
        let page = self.get(&format!("{bot}/connect")).await;
        let id = page.between("name=\"pair_id\" value=\"", "\"");
        let token = page.form_token();
        let mut fields = vec![("form_token", &*token), ("pair_id", &*id), ("name", "Laptop")];
        fields.extend(ticked.iter().map(|scope| (*scope, "on")));
        self.post(&format!("{bot}/connect"), &fields).await
    }

    /// Signs in, with the form as the address shows it.
    pub async fn sign_in(&mut self, page: &str, email: &str) -> Answer {
        let next = self.get(page).await.between("name=\"next\" value=\"", "\"").replace("&#38;", "&");
        self.submit(page, "/login", &[("next", &next), ("email", email), ("password", PASSWORD)]).await
    }

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
            StatusCode::SEE_OTHER => self.get(answer.location()).await,
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
    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }

    pub fn form_token(&self) -> String {
        self.between("name=\"form_token\" value=\"", "\"")
    }

    /// The first text between two others.
    pub fn between(&self, before: &str, after: &str) -> String {
        let found = self.text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        found.unwrap_or_else(|| panic!("no {before} in {}: {}", self.path, self.text)).0.to_owned()
    }
}
