//! A WebSocket API whose private frames carry a token, which an endpoint gives for a signed request. Whoever has it needs
//! no signature any more, so clients get one of the gateway's own, and the gateway puts the exchange's into their frames.

use std::collections::{BTreeMap, BTreeSet};

use seal::SecretText;
use serde::Deserialize;
use serde_json::Value;

use super::{Channels, Definition, Heartbeat, Members, Target, fill, stream::check_paths};
use crate::{Class, Incoming, Method, Request, answer::text_at, request::quote};

/// How its frames are read, and what they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenStream {
    /// The paths a client connects to, each as a whole.
    pub(crate) paths: Vec<String>,
    /// What may stand behind such a path, each with the values it may have.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Vec<String>>,
    /// The outermost members. The parameters are one object.
    pub(crate) members: Members,
    pub(crate) token: Token,
    pub(crate) heartbeat: Heartbeat,
    /// Subscriptions. Their other members are texts, numbers or truth values.
    pub(crate) channels: Channels,
    pub(crate) methods: BTreeMap<String, Call>,
    /// Parameters of frames, nested ones with a point, and what endpoints call them.
    pub(crate) words: BTreeMap<String, Word>,
    /// Parameters that say nothing about what a frame does.
    #[serde(default)]
    pub(crate) apart: BTreeSet<String>,
    /// Parameters that may have these values alone: any other changes what a number means. What is none of the words
    /// says nothing else.
    #[serde(default)]
    pub(crate) only: BTreeMap<String, Vec<String>>,
    /// A refusal with `{echo}` and `{error}`.
    pub(crate) refusal: String,
    /// Codes of refusals, where they are others than those of requests.
    #[serde(default)]
    pub(crate) codes: BTreeMap<String, String>,
    pub(crate) answer: Places,
}

/// The token: which endpoint gives it, and where it stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// Its member among a frame's parameters.
    pub(crate) member: String,
    /// The request for it, and a pointer into the answer.
    request: String,
    at: String,
    /// How long it is good to connect with.
    life_s: u32,
    /// What the gateway answers to that request, with `{token}` and `{life}`.
    told: String,
}

/// A method: the endpoint it stands for, and which of its parameters are lists.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    is: Target,
    /// Lists of texts or numbers.
    #[serde(default)]
    pub(crate) lists: Vec<String>,
    /// A list of objects.
    pub(crate) each: Option<String>,
}

/// What endpoints call a parameter.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Word {
    /// The name.
    Plain(String),
    /// The name, and what an endpoint is told besides.
    With {
        #[serde(rename = "is")]
        name: String,
        with: BTreeMap<String, String>,
    },
}

/// JSON pointers into an answer: whether it is a success, and the error, which goes into `body` as `{error}` to be read
/// as that of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Places {
    pub(crate) success: String,
    pub(crate) error: String,
    pub(crate) body: String,
}

impl Call {
    /// The endpoint it stands for.
    pub(crate) fn endpoint(&self) -> Option<(Method, &str)> {
        match &self.is {
            Target::Endpoint(method, path) => Some((*method, path)),
            Target::Own(_) => None,
        }
    }
}

impl Word {
    /// The name, and what is said besides.
    pub(crate) fn parts(&self) -> (&str, impl Iterator<Item = (&String, &String)>) {
        let (name, with) = match self {
            Word::Plain(name) => (name, None),
            Word::With { name, with } => (name, Some(with)),
        };
        (name, with.into_iter().flatten())
    }
}

impl TokenStream {
    /// What an answer repeats of a frame, as JSON. Answers are told apart by it.
    pub(crate) fn echo(&self, method: Option<&str>, id: Option<&str>) -> String {
        let method = method.map(|method| format!("{}:{}", quote(&self.members.method), quote(method)));
        let id = id.map(|id| format!("{}:{id}", quote(&self.members.id)));
        format!("{{{}}}", method.into_iter().chain(id).collect::<Vec<_>>().join(","))
    }

    /// The same in the midst of an object: with a comma behind it, if it is anything.
    pub(crate) fn inside(echo: &str) -> String {
        match echo.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some("") | None => String::new(),
            Some(members) => format!("{members},"),
        }
    }

    /// What the texts alone can say.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        check_paths(&self.paths)?;
        let methods: Vec<_> =
            self.methods.keys().chain(&self.channels.methods).chain(&self.heartbeat.method).collect();
        if methods.iter().collect::<BTreeSet<_>>().len() != methods.len() {
            return Err("a method stands for one thing");
        }
        if !self.methods.values().all(|call| call.endpoint().is_some_and(|(verb, _)| verb == Method::Post)) {
            return Err("a method with parameters stands for an endpoint with a body, POST and a path");
        }
        let names: Vec<_> = self.words.keys().chain(&self.apart).collect();
        let known = names.iter().collect::<BTreeSet<_>>();
        let token = &self.token.member;
        if known.len() != names.len() || known.contains(&&token) || self.only.contains_key(token) {
            return Err("a parameter of frames has one meaning");
        }
        let lists = self.methods.values().flat_map(|call| call.lists.iter().chain(&call.each));
        if !{ lists }.all(|list| self.words.contains_key(list)) {
            return Err("a list of a method is one of the words");
        }
        if self.channels.member.is_none() || self.token.life_s == 0 {
            return Err("a member names the channel, and the token lives for a while");
        }
        self.channels.check()?;
        self.heartbeat.check(&self.members)?;
        self.check_texts()
    }

    fn check_texts(&self) -> Result<(), &'static str> {
        let kinds =
            ["denied", "unknown_key", "bad_signature", "bad_timestamp", "bad_request", "rate_limited"];
        let known =
            |kind: &String| kinds.contains(&kind.as_str()) || kind == "down" || kind == "outcome_unknown";
        if !self.codes.keys().all(known) {
            return Err("the codes of a stream's refusals are for the kinds of [answers]");
        }
        let holes = ["{echo}", "{error}", "{token}", "{life}"];
        let values = ["\"a\":1,", "\"x\"", "\"x\"", "900"];
        let filled: Vec<_> = holes.into_iter().zip(values).collect();
        let whole = |text: &str, holes: &[&str]| {
            let json = serde_json::from_str::<Value>(&fill(text, &filled)).is_ok_and(|json| json.is_object());
            json && holes.iter().all(|hole| text.contains(hole))
        };
        let told = whole(&self.token.told, &["{token}", "{life}"]);
        match told && whole(&self.refusal, &["{echo}", "{error}"]) && whole(&self.answer.body, &["{error}"]) {
            true => Ok(()),
            false => Err("the answers of a stream are JSON objects with their holes"),
        }
    }
}

impl Definition {
    /// Every method's endpoint must be one that frames may reach, the token's must be a session, and every path must
    /// have a host.
    pub(super) fn check_token_stream(&self) -> Result<(), String> {
        let Some(stream) = &self.token_stream else { return Ok(()) };
        if self.stream.is_some() || !self.login_streams.is_empty() {
            return Err("an exchange has one kind of stream".to_owned());
        }
        for (name, call) in &stream.methods {
            let class = call.endpoint().and_then(|(verb, path)| self.classify(verb, path));
            if matches!(class, None | Some(Class::Public | Class::Session | Class::KeyAdmin)) {
                return Err(format!("'{name}' is not an endpoint that frames may reach"));
            }
        }
        if self.token_request().map(|request| request.class()) != Some(Class::Session) {
            return Err(
                "what gives the token is a request of class session: only the gateway sends it".to_owned()
            );
        }
        self.check_hosts(&stream.paths)
    }

    /// The stream at this path, if frames carry a token there.
    pub(crate) fn token_stream(&self, path: &str) -> Option<&TokenStream> {
        self.token_stream.as_ref().filter(|stream| stream.paths.iter().any(|own| own == path))
    }

    /// Whether private frames carry a token.
    pub fn takes_tokens(&self) -> bool {
        self.token_stream.is_some()
    }

    /// The request by which the gateway asks the exchange for a token.
    pub fn token_request(&self) -> Option<Request> {
        let (method, target) = self.token_stream.as_ref()?.token.request.split_once(' ')?;
        self.request(Incoming { method, target, ..Incoming::default() }).ok()
    }

    /// Whether a client's request asks for a token. It is the gateway's to answer: see [`Definition::tell_token`].
    pub fn asks_for_token(&self, request: &Request) -> bool {
        let own = self.token_stream.as_ref().and_then(|stream| stream.token.request.split_once(' '));
        own.is_some_and(|(method, path)| request.method().as_str() == method && request.path() == path)
    }

    /// For how many seconds a token is good to connect with; zero where there are none.
    pub fn token_life_s(&self) -> u32 {
        self.token_stream.as_ref().map_or(0, |stream| stream.token.life_s)
    }

    /// The JSON body that gives a client this token.
    pub fn tell_token(&self, token: &str) -> String {
        let Some(stream) = &self.token_stream else { return String::new() };
        let life = stream.token.life_s.to_string();
        fill(&stream.token.told, &[("{token}", &quote(token)), ("{life}", &life)])
    }

    /// The token in the exchange's own answer.
    pub fn read_token(&self, body: &[u8]) -> Option<SecretText> {
        let stream = self.token_stream.as_ref()?;
        let json: Value = serde_json::from_slice(body).ok()?;
        text_at(&json, &stream.token.at).filter(|token| !token.is_empty()).map(SecretText::from)
    }
}
