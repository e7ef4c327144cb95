//! The vector files of all exchanges, and what tests do with them.
#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: each binary uses a part of it"
)]

pub mod folder;
pub mod generate;

use std::{
    fs,
    path::Path,
    sync::{Arc, LazyLock},
};

use exchange::{
    CredentialError, Credentials, Definition, Exchanges, Incoming, Options, Refusal, Request, Signed, Stamp,
    Typed, Upstream,
};
use serde_json::Value;

/// One vector: a request unsigned, as a client signs it with another pair, and as it must leave.
pub struct Vector(pub Value);

/// The vectors of every exchange that has some.
pub fn vectors() -> Vec<Vector> {
    let files = files("vectors.json");
    let vectors: Vec<_> =
        files.iter().flat_map(|file| file.as_array().unwrap().clone()).map(Vector).collect();
    assert!(vectors.len() >= 181, "{}", vectors.len());
    vectors
}

/// The vector with this id.
pub fn vector(id: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.id() == id).unwrap()
}

/// The items of `exchanges/{id}/{name}`; none without the file.
pub fn files_of(id: &str, name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id).join(name);
    fs::read(path).map_or(Vec::new(), |bytes| serde_json::from_slice(&bytes).unwrap())
}

/// `exchanges/*/{name}`, parsed.
pub fn files(name: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges");
    let folders = fs::read_dir(root).unwrap().map(|folder| folder.unwrap().path().join(name));
    folders
        .filter(|file| file.is_file())
        .map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap())
        .collect()
}

impl Vector {
    pub fn id(&self) -> &str {
        self.0["id"].as_str().unwrap()
    }

    pub fn exchange(&self) -> &str {
        self.0["exchange"].as_str().unwrap()
    }

    pub fn flows(&self) -> Vec<&str> {
        self.0["flows"].as_array().unwrap().iter().map(|flow| flow.as_str().unwrap()).collect()
    }

    pub fn signed(&self) -> &Value {
        &self.0["signed"]
    }

    pub fn now_ms(&self) -> u64 {
        self.0["now_ms"].as_u64().unwrap()
    }

    pub fn credentials(&self, definition: &Definition) -> Credentials {
        self.parse_credentials(definition).unwrap()
    }

    pub fn parse_credentials(&self, definition: &Definition) -> Result<Credentials, CredentialError> {
        let pair = &self.0["credentials"];
        let options: Options = serde_json::from_value(self.0["params"].clone()).unwrap();
        let secret = seal::SecretText::from(secret_text(&pair["secret"]));
        let passphrase = pair["passphrase"].as_str().map(|text| text.to_owned().into());
        let typed = Typed {
            api_key: pair["api_key"].as_str().unwrap(),
            secret: &secret,
            passphrase: passphrase.as_ref(),
        };
        Credentials::parse(definition, typed, options)
    }

    /// The headers that hold the client's key, time and signature: those another pair has differently.
    pub fn signing_headers(&self) -> Vec<String> {
        let other = Message::of(&self.0["dummy_signed"]).headers;
        let own = Message::of(self.signed()).headers.into_iter();
        own.filter(|header| !other.contains(header)).map(|(name, _)| name).collect()
    }

    /// Signs the request of one flow, or says why not.
    pub fn sign(&self, definition: &Definition, flow: &str) -> Result<Signed, String> {
        let message = Message::of(&self.0[flow]);
        let request = message.parse(definition).map_err(|refusal| refusal.to_string())?;
        let stamp = Stamp { now_ms: self.now_ms(), nonce: self.0["nonce"].as_str().map(str::to_owned) };
        let upstream = upstream(definition, &request).ok_or("no upstream")?;
        definition
            .sign(&request, &upstream, &self.credentials(definition), &stamp)
            .map_err(|error| error.to_string())
    }

    /// Whether `signed` is byte for byte what must leave. ECDSA signatures hold randomness: there header and claims
    /// must be the same, and the signature must hold.
    pub fn is(&self, definition: &Definition, signed: &Signed) -> bool {
        let mut expected = Message::of(self.signed());
        if self.0["compare"] == "jwt_es256" {
            let token = signed.headers.iter().find(|(name, _)| name.as_ref() == "authorization").unwrap();
            let own = expected.headers.iter_mut().find(|(name, _)| name == "Authorization").unwrap();
            let unsigned = |text: &str| text.rsplit_once('.').unwrap().0.to_owned();
            if unsigned(&token.1) != unsigned(&own.1) {
                return false;
            }
            own.1 = token.1.clone();
            let holds = expected.parse(definition).is_ok_and(|request| {
                definition.verify(&request, &self.credentials(definition), self.now_ms()).is_ok()
            });
            if !holds {
                return false;
            }
        }
        let mut headers: Vec<_> = expected
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase().into(), value.clone()))
            .collect();
        let mut ours = signed.headers.clone();
        headers.sort();
        ours.sort();
        signed.method.as_str() == expected.method
            && signed.url() == expected.url
            && signed.body == expected.body
            && ours == headers
    }
}

/// A request in the vector file's form, open for changes.
#[derive(Clone, Debug)]
pub struct Message {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn of(value: &Value) -> Message {
        let headers = value["headers"].as_object().unwrap().iter();
        Message {
            method: value["method"].as_str().unwrap().to_owned(),
            url: value["url"].as_str().unwrap().to_owned(),
            headers: headers
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
            body: value["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
        }
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        let host = self.url.find("://").unwrap() + 3;
        &self.url[host + self.url[host..].find('/').unwrap()..]
    }

    pub fn parse(&self, definition: &Definition) -> Result<Request, Refusal> {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let incoming = |group| Incoming {
            method: &self.method,
            group,
            target: self.target(),
            headers: &headers,
            body: &self.body,
            called: "",
        };
        let in_group = ["futures", "contract", "coinm"].into_iter().find_map(|group| {
            let request = definition.request(incoming(Some(group))).ok()?;
            let upstream = upstream(definition, &request)?;
            self.url.starts_with(&format!("{}/", upstream.origin())).then_some(request)
        });
        let own = definition.request(incoming(None))?;
        let elsewhere = upstream(definition, &own).is_none_or(|own| !self.url.starts_with(own.origin()));
        Ok(in_group.filter(|_| elsewhere).unwrap_or(own))
    }
}

pub fn upstream(definition: &Definition, request: &Request) -> Option<Upstream> {
    definition.upstream(exchange::PRODUCTION, request)
}

/// A secret of a vector file: text, or a PEM block kept as label and body.
pub fn secret_text(secret: &Value) -> String {
    let Some(label) = secret["pem"].as_str() else { return secret.as_str().unwrap().to_owned() };
    let body = secret["body"].as_str().unwrap().as_bytes();
    let lines: Vec<_> = body.chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let end = if secret["final_newline"].as_bool().unwrap() { "\n" } else { "" };
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----{end}", lines.join("\n"))
}

pub fn builtin(id: &str) -> Arc<Definition> {
    static BUILTIN: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);
    BUILTIN.get(id).unwrap().clone()
}
