//! A caller of the API, and what it is answered. No answer may hold a secret of an exchange: each is searched.

use keygate::start::Server;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::world::secrets;

#[derive(Clone)]
pub struct Api {
    pub http: reqwest::Client,
    pub base: String,
    token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Api {
    /// Nobody, at this server.
    pub fn new(server: &Server) -> Api {
        Api::at(&format!("http://{}", server.addresses[0]))
    }

    pub fn at(base: &str) -> Api {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Api { http: http.build().unwrap(), base: base.to_owned(), token: None }
    }

    pub fn with_token(&self, token: &str) -> Api {
        Api { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn nobody(&self) -> Api {
        Api { token: None, ..self.clone() }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// The same caller at another server.
    pub fn moved_to(&self, server: &Server) -> Api {
        Api { token: self.token.clone(), ..Api::new(server) }
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        Reply::of(self.request("POST", path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        Reply::of(self.request("PATCH", path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request("DELETE", path)).await
    }

    /// A POST that says nothing, such as `…/pause`.
    pub async fn tell(&self, path: &str) -> Reply {
        Reply::of(self.request("POST", path)).await
    }
}

impl Reply {
    pub async fn of(request: RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        for secret in secrets() {
            assert!(!text.contains(&secret), "an answer holds a secret: {text}");
        }
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, headers, body, text }
    }

    /// Demands this status and gives the body.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Demands a problem with this status and code, in its whole form, and gives its sentence.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["type"], format!("/problems/{code}"));
        assert_eq!(self.body["request_id"].as_str(), self.header("x-request-id"));
        self.body["detail"].as_str().unwrap().to_owned()
    }

    /// Demands a 400 that names this member.
    #[track_caller]
    pub fn names(&self, pointer: &str) -> String {
        let detail = self.problem(400, "invalid-field");
        assert_eq!(self.body["errors"][0]["pointer"], pointer, "{}", self.text);
        detail
    }

    /// Demands a refusal in Binance's words and gives its text.
    #[track_caller]
    pub fn binance(&self, status: u16, code: i64, rule: &str) -> String {
        assert_eq!((self.status, self.body["code"].as_i64()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("keygate-problem"), Some(rule), "{}", self.text);
        let text = self.body["msg"].as_str().unwrap().to_owned();
        assert!(text.starts_with("Keygate:") && text.contains(rule), "{text}");
        text
    }

    /// Demands a refusal in Coinone's words.
    #[track_caller]
    pub fn coinone(&self, code: &str, rule: &str) {
        assert_eq!((self.status, self.body["error_code"].as_str()), (200, Some(code)), "{}", self.text);
        assert_eq!(self.body["result"], "error", "{}", self.text);
        assert_eq!(self.header("keygate-problem"), Some(rule), "{}", self.text);
        assert!(self.body["error_msg"].as_str().unwrap().starts_with("Keygate:"), "{}", self.text);
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A member that is a text.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
