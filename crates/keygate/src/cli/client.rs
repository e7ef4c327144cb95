//! The command line as a client of the REST API: one request at a time, and every refusal in words: what, why,
//! the next command, the request id.
//!
//! What changes something carries a new `Idempotency-Key`, so that it can be sent again when its answer was lost: it is
//! carried out once. Nothing else is sent twice.

use std::{
    env,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use seal::SecretText;
use serde_json::Value;
use uuid::Uuid;

use super::{
    exit,
    problem::Problem,
    remote::{PasswordSource, Remote, without_end},
    say,
    session::{self, Locked, Session},
};
use crate::{error::Fatal, idempotency};

pub struct Client {
    http: reqwest::Client,
    /// The server's address, without a slash at the end.
    pub base: String,
    token: Option<Arc<SecretText>>,
}

impl Client {
    pub fn new(remote: &Remote) -> Result<Client, Fatal> {
        let base = remote.url.clone().or_else(session::server).unwrap_or_else(|| DEFAULT_URL.to_owned());
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("keygate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Fatal::new(format!("cannot make requests: {error}"), ""))?;
        Ok(Client { http, base: base.trim_end_matches('/').to_owned(), token: remote.token.clone() })
    }

    pub async fn get(&self, path: &str) -> Result<Value, Fatal> {
        read(self.call(Method::GET, path, None).await?).await
    }

    pub async fn list(&self, path: &str) -> Result<Vec<Value>, Fatal> {
        match self.get(path).await? {
            Value::Array(items) => Ok(items),
            _ => Err(strange(&self.base)),
        }
    }

    pub async fn post(&self, path: &str, body: Option<Value>) -> Result<Value, Fatal> {
        read(self.call(Method::POST, path, body).await?).await
    }

    pub async fn delete(&self, path: &str) -> Result<Value, Fatal> {
        read(self.call(Method::DELETE, path, None).await?).await
    }

    /// As whoever is signed in; the answer is a success, its body unread.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Response, Fatal> {
        let bearer = self.bearer().await?;
        self.send(method, path, body, Some(bearer.expose())).await
    }

    /// Something that may need the password again: sent without it first, unless it is given, and asked for when the
    /// server says so.
    pub async fn confirmed(
        &self,
        remote: &Remote,
        source: &PasswordSource,
        method: Method,
        path: &str,
        mut body: Value,
    ) -> Result<Value, Fatal> {
        if !source.is_given() {
            let bearer = self.bearer().await?;
            let answer =
                self.exchange(method.clone(), path, Some(body.clone()), Some(bearer.expose())).await?;
            if answer.status().is_success() {
                return read(answer).await;
            }
            let problem = Problem::read(answer).await;
            if problem.text("code") != "step-up-required" || !remote.can_ask() {
                return Err(problem.fatal());
            }
            say("This needs your password.\n");
        }
        let password = remote.password(source)?;
        body["password"] = password.expose().into();
        read(self.call(method, path, Some(body)).await?).await
    }

    /// Without a credential: for signing in.
    pub async fn anonymous(&self, path: &str, body: Value) -> Result<Value, Fatal> {
        read(self.send(Method::POST, path, Some(body), None).await?).await
    }

    /// Is the server there, and can it work? The status of `/readyz`.
    pub async fn readiness(&self) -> Result<StatusCode, Fatal> {
        let request = self.http.get(format!("{}/readyz", self.base)).timeout(Duration::from_secs(5));
        request.send().await.map(|answer| answer.status()).map_err(|error| self.unreachable(&error))
    }

    /// `KEYGATE_TOKEN`, `KEYGATE_TOKEN_FILE`, or the sign-in of `keygate login`, refreshed when it is due.
    async fn bearer(&self) -> Result<Arc<SecretText>, Fatal> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        if let Some(token) = token_in_file()? {
            return Ok(token.into());
        }
        let file = Locked::open()?;
        let session = file.read()?.filter(|session| session.url == self.base);
        let session = session.ok_or_else(|| not_signed_in(&self.base))?;
        if session.is_fresh() {
            return Ok(SecretText::from(session.access_token).into());
        }
        let body = serde_json::json!({ "refresh_token": session.refresh_token });
        match self.anonymous("/api/v1/auth/refresh", body).await {
            Ok(answer) => {
                let session = Session::from_answer(&self.base, &answer).ok_or_else(|| strange(&self.base))?;
                file.write(&session)?;
                Ok(SecretText::from(session.access_token).into())
            }
            Err(error) if error.exit == exit::NOT_SIGNED_IN => {
                file.remove()?;
                Err(Fatal { what: "the sign-in has ended".to_owned(), ..not_signed_in(&self.base) })
            }
            Err(error) => Err(error),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        bearer: Option<&str>,
    ) -> Result<Response, Fatal> {
        let answer = self.exchange(method, path, body, bearer).await?;
        match answer.status().is_success() {
            true => Ok(answer),
            false => {
                let problem = Problem::read(answer).await;
                Err(if bearer.is_some() { problem.fatal_when_signed_in() } else { problem.fatal() })
            }
        }
    }

    /// The answer, whatever its status.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        bearer: Option<&str>,
    ) -> Result<Response, Fatal> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if !path.ends_with("/export") && !path.contains("/export?") {
            request = request.timeout(LONGEST_ANSWER);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        match bearer {
            Some(bearer) if idempotency::is_offered(&method, path) => {
                let key = Uuid::from_bytes(seal::random::array()).to_string();
                self.insist(request.bearer_auth(bearer).header(idempotency::HEADER, key)).await
            }
            Some(bearer) => request.bearer_auth(bearer).send().await,
            None => request.send().await,
        }
        .map_err(|error| self.unreachable(&error))
    }

    /// Sends it again, under its one key, while the answer is lost on the way or still being made.
    async fn insist(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        let (start, mut losses) = (Instant::now(), 0);
        loop {
            let Some(again) = request.try_clone() else { return request.send().await };
            let answered = again.send().await;
            match &answered {
                Err(error) if error.is_connect() || error.is_timeout() => return answered,
                Err(_) => losses += 1,
                Ok(answer) if is_running(answer) => {}
                Ok(_) => return answered,
            }
            if losses > LOSSES || start.elapsed() > LONGEST_ANSWER {
                return answered;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Fatal {
        let why = if error.is_timeout() { "did not answer in time" } else { "cannot be reached" };
        Fatal {
            what: format!("no answer: {} {why}", self.base),
            next: "start it with `keygate serve`, or name another address with --url or KEYGATE_URL"
                .to_owned(),
            exit: exit::UNREACHABLE,
        }
    }
}

/// Only the answer to a request that is still being carried out says when to ask again.
fn is_running(answer: &Response) -> bool {
    answer.status() == StatusCode::CONFLICT && answer.headers().contains_key("retry-after")
}

/// A value as part of a path or a query.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Words for an answer that is not what the API promises.
pub fn strange(base: &str) -> Fatal {
    Fatal::new(format!("{base} does not answer like Keygate"), "check the address in --url or KEYGATE_URL")
}

async fn read(answer: Response) -> Result<Value, Fatal> {
    let base = answer.url().origin().ascii_serialization();
    let bytes = answer.bytes().await.map_err(|_| strange(&base))?;
    match bytes.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_slice(&bytes).map_err(|_| strange(&base)),
    }
}

fn token_in_file() -> Result<Option<SecretText>, Fatal> {
    let Some(path) = env::var_os("KEYGATE_TOKEN_FILE") else { return Ok(None) };
    let path = Path::new(&path);
    let text = std::fs::read_to_string(path)
        .map_err(|error| Fatal::new(format!("{}: {error}", path.display()), "check KEYGATE_TOKEN_FILE"))?;
    Ok(Some(without_end(text)))
}

fn not_signed_in(base: &str) -> Fatal {
    Fatal {
        what: format!("not signed in at {base}"),
        next: "`keygate login` signs in; programs set KEYGATE_TOKEN_FILE to a personal access key".to_owned(),
        exit: exit::NOT_SIGNED_IN,
    }
}

const DEFAULT_URL: &str = "http://localhost:8480";
/// A check at an exchange may take most of this.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);
const LOSSES: u8 = 2;
const PAUSE: Duration = Duration::from_millis(500);
