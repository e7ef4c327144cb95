//! A WebSocket API with a session of the exchange's own: only the log-in is signed, and what follows is decided frame by
//! frame at the gateway.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Definition, Heartbeat, Hole, Members, Place, Target, stream::check_paths};
use crate::{Class, Field, Method};

mod form;
mod numbers;

pub(super) use self::form::Sign;
pub(crate) use self::{form::Login, form::Part as LoginPart, numbers::Numbers};

/// How its frames are read, and what they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginStream {
    /// The paths a client connects to, each as a whole.
    pub(crate) paths: Vec<String>,
    /// What may stand behind such a path, each with the values it may have.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Vec<String>>,
    /// The outermost members. The parameters are an array.
    pub(crate) members: Members,
    pub(crate) ids: Ids,
    /// A further member of the frames of [`LoginStream::single`] and [`LoginStream::batch`].
    pub(crate) headers: Option<Headers>,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) login: Login,
    pub(crate) channels: Option<Channels>,
    pub(crate) numbers: Option<Numbers>,
    /// Methods with one object: each is the request of an endpoint.
    #[serde(default)]
    pub(crate) single: BTreeMap<String, Target>,
    /// Methods with an array of objects: as a whole it is the body of an endpoint.
    #[serde(default)]
    pub(crate) batch: BTreeMap<String, Target>,
    /// A refusal. Its holes are those of [`Members::fill`], and `{code}` and `{text}`, or `{inside}` for the members of
    /// the answer of the same kind.
    pub(crate) refusal: String,
    /// The code of a refusal that has none as an answer.
    #[serde(default)]
    pub(crate) code: String,
}

/// How clients may name their frames. Answers come back under these names, so each has one spelling.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ids {
    /// Of a text of letters and digits.
    longest: usize,
    /// The other characters it may have.
    #[serde(default)]
    also: String,
    /// Whether whole numbers are names as well.
    #[serde(default)]
    pub(crate) numbers: bool,
}

/// A member that holds what requests have in headers of the same names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Headers {
    pub(crate) member: String,
    pub(crate) names: BTreeSet<String>,
}

/// Subscriptions. All of them only read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Channels {
    pub(crate) methods: BTreeSet<String>,
    /// The member that names the channel; without it the parameters are the names themselves.
    pub(crate) member: Option<String>,
    pub(crate) names: BTreeSet<String>,
    /// The other members, all texts.
    #[serde(default)]
    pub(crate) known: BTreeSet<String>,
}

impl LoginStream {
    /// The endpoint a method stands for, and whether its parameters go there as a whole.
    pub(crate) fn endpoint(&self, method: &str) -> Option<(Method, &str, bool)> {
        let single = self.single.get(method).map(|target| (target, false));
        match single.or_else(|| self.batch.get(method).map(|target| (target, true)))? {
            (Target::Endpoint(verb, path), whole) => Some((*verb, path, whole)),
            (Target::Own(_), _) => None,
        }
    }

    /// Whether a method begins or ends a subscription.
    pub(crate) fn listens(&self, method: &str) -> bool {
        self.channels.as_ref().is_some_and(|own| own.methods.contains(method))
    }

    /// What the texts alone can say.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        check_paths(&self.paths)?;
        let calls = || self.single.keys().chain(self.batch.keys());
        let listens = self.channels.iter().flat_map(|own| &own.methods);
        let own = [&self.login.method].into_iter().chain(&self.heartbeat.method);
        let methods: Vec<_> = calls().chain(listens).chain(own).collect();
        if methods.iter().collect::<BTreeSet<_>>().len() != methods.len() {
            return Err("a method stands for one thing");
        }
        if !calls().all(|method| self.endpoint(method).is_some_and(|(verb, ..)| verb == Method::Post)) {
            return Err("a method with parameters stands for an endpoint with a body, POST and a path");
        }
        self.channels.as_ref().map_or(Ok(()), Channels::check)?;
        self.ids.check()?;
        self.login.check()?;
        self.heartbeat.check(&self.members)?;
        let refused = [("{inside}", "\"code\":1"), ("{code}", "1"), ("{text}", "x")];
        let whole = |text: &str, more: &[_]| self.members.is_answer(text, more);
        match whole(&self.refusal, &refused) && whole(&self.login.told, &[]) {
            true if self.refusal.contains("{id,}") => Ok(()),
            _ => Err("the answers of a stream are JSON objects, a refusal with its {id,}"),
        }
    }
}

impl Ids {
    /// Whether a text can be a frame's name.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || self.also.contains(c);
        (1..=self.longest).contains(&text.len()) && text.chars().all(plain)
    }

    fn check(&self) -> Result<(), &'static str> {
        let spelled_once = |b: u8| b.is_ascii_graphic() && !b"\"\\".contains(&b);
        match (1..=64).contains(&self.longest) && self.also.bytes().all(spelled_once) {
            true => Ok(()),
            false => Err("ids have up to 64 characters, of those that JSON does not escape"),
        }
    }
}

impl Channels {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.member.is_none() && !self.known.is_empty() {
            return Err("channels that are plain texts have no other members");
        }
        match self.names.is_empty() || self.methods.is_empty() {
            true => Err("channels have methods and names"),
            false => Ok(()),
        }
    }
}

impl Definition {
    /// The stream at this path, if a log-in opens it.
    pub(crate) fn login_stream(&self, path: &str) -> Option<&LoginStream> {
        self.login_streams.iter().find(|stream| stream.paths.iter().any(|own| own == path))
    }

    /// What the rest of the definition must have for a stream.
    pub(super) fn check_login_stream(&self, stream: &LoginStream) -> Result<(), String> {
        if self.stream.is_some() {
            return Err("an exchange has one kind of stream".to_owned());
        }
        let paths = || self.login_streams.iter().flat_map(|own| &own.paths);
        if stream.paths.iter().any(|path| paths().filter(|own| *own == path).count() != 1) {
            return Err("a path is one stream's".to_owned());
        }
        for method in stream.single.keys().chain(stream.batch.keys()) {
            let class = stream.endpoint(method).and_then(|(verb, path, _)| self.classify(verb, path));
            if matches!(class, None | Some(Class::Session | Class::KeyAdmin)) {
                return Err(format!("'{method}' is not an endpoint that frames may reach"));
            }
        }
        if stream.login.has(LoginPart::Passphrase) != self.fields.contains(&Field::Passphrase) {
            return Err("a log-in has a {passphrase} where the exchange's keys have one".to_owned());
        }
        self.check_stream_headers(stream)?;
        self.check_numbers(stream)?;
        self.check_hosts(&stream.paths)
    }

    /// They are read as a request's are, and none of them may say whose the frame is: the session does.
    fn check_stream_headers(&self, stream: &LoginStream) -> Result<(), String> {
        let Some(headers) = &stream.headers else { return Ok(()) };
        let names = || headers.names.iter().map(|name| name.to_ascii_lowercase());
        if let Some(name) = names()
            .find(|name| !self.header_rules.find(name).is_some_and(|(_, rule)| rule.signing || rule.passed))
        {
            return Err(format!("'{name}' is not a header that requests have"));
        }
        let profiles = || stream.paths.iter().flat_map(|path| self.profiles_of(path));
        let says_who = |name: &str| {
            let mut places =
                profiles().flat_map(|own| [Hole::Key, Hole::Signature].map(|hole| own.place(&hole)));
            places.any(|place| matches!(place, Some(Place::Header(own, _)) if own.eq_ignore_ascii_case(name)))
        };
        match names().find(|name| says_who(name)) {
            Some(name) => Err(format!("'{name}' is the log-in's to say")),
            None => Ok(()),
        }
    }

    /// Whether the session of the stream at this path is the exchange's: then the gateway logs in there before anything
    /// else is sent.
    pub fn logs_in(&self, path: &str) -> bool {
        self.login_stream(path).is_some()
    }
}
