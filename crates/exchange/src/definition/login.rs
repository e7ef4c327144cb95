//! A WebSocket API with a session of the exchange's own: only the log-in is signed, and what follows is decided frame by
//! frame at the gateway.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Definition, PRODUCTION, stream::Members, stream::Target, stream::fill};
use crate::{Class, Incoming, Method, Request, answer::text_at, moment::Clock};

/// How its frames are read, and what they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginStream {
    /// The paths a client connects to, each as a whole.
    pub(crate) paths: Vec<String>,
    /// What may stand behind such a path, each with the values it may have.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Vec<String>>,
    /// The outermost members. The parameters are an array of objects.
    pub(crate) members: Members,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) login: Login,
    pub(crate) channels: Channels,
    pub(crate) numbers: Option<Numbers>,
    /// Methods with one object: each is the request of an endpoint.
    pub(crate) single: BTreeMap<String, Target>,
    /// Methods with an array of objects: as a whole it is the body of an endpoint.
    pub(crate) batch: BTreeMap<String, Target>,
    /// Refusals with and without an `{id}`; `{inside}` are the members of the answer of the same kind.
    pub(crate) refusal: String,
    pub(crate) refusal_without_id: String,
}

/// What either side says to show that it is there. It is no JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heartbeat {
    pub(crate) ask: String,
    pub(crate) answer: String,
}

/// The frame that opens the session. Its one object names the key and holds the signature.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) method: String,
    pub(crate) key: String,
    pub(crate) passphrase: String,
    pub(crate) time: String,
    pub(crate) signature: String,
    /// What is signed, with `{ts}`.
    pub(crate) signs: String,
    pub(crate) clock: Clock,
    /// What the gateway answers.
    pub(crate) told: String,
    /// A pointer into what the exchange answers, and the text there once the log-in holds.
    pub(crate) done: Done,
}

/// Where a message says that the log-in holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Done {
    pub(crate) at: String,
    pub(crate) is: String,
}

/// Subscriptions. All of them only read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Channels {
    pub(crate) methods: BTreeSet<String>,
    /// The member that names the channel, and the names it may hold.
    pub(crate) member: String,
    pub(crate) names: BTreeSet<String>,
    /// The other members, all texts.
    pub(crate) known: BTreeSet<String>,
}

/// A member that names a market by a number, where endpoints take its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Numbers {
    /// The number's member, in frames and in the exchange's list.
    pub(crate) member: String,
    /// The name's member, in endpoints and in the exchange's list.
    pub(crate) stands_for: String,
    /// A public request whose answer is the list, and a pointer to the list.
    request: String,
    list: String,
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

    /// What the texts alone can say.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let plain = |path: &String| path.starts_with('/') && !path.contains(['?', '*', '%']);
        if self.paths.is_empty() || !self.paths.iter().all(plain) {
            return Err("a stream has paths, whole and starting with /");
        }
        let calls = || self.single.keys().chain(self.batch.keys());
        let methods: Vec<_> = calls().chain(&self.channels.methods).chain([&self.login.method]).collect();
        if methods.iter().collect::<BTreeSet<_>>().len() != methods.len() {
            return Err("a method stands for one thing");
        }
        if !calls().all(|method| self.endpoint(method).is_some_and(|(verb, ..)| verb == Method::Post)) {
            return Err("a method with parameters stands for an endpoint with a body, POST and a path");
        }
        if self.channels.names.is_empty() || !self.login.signs.contains("{ts}") {
            return Err("a stream has channels, and its log-in signs {ts}");
        }
        let json = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|json| json.is_object());
        let filled = |text: &str| json(&fill(text, &[("{id}", "1"), ("{inside}", "\"code\":1")]));
        let whole = filled(&self.refusal) && filled(&self.refusal_without_id) && json(&self.login.told);
        match whole && self.refusal.contains("{id}") && !self.refusal_without_id.contains("{id}") {
            true => Ok(()),
            false => {
                Err("the answers of a stream are JSON objects, one refusal with its {id} and one without")
            }
        }
    }
}

impl Definition {
    /// Every method's endpoint must be one that frames may reach, and every path must have a host.
    pub(super) fn check_login_stream(&self) -> Result<(), String> {
        let Some(stream) = &self.login_stream else { return Ok(()) };
        if self.stream.is_some() {
            return Err("an exchange has one kind of stream".to_owned());
        }
        for method in stream.single.keys().chain(stream.batch.keys()) {
            let class = stream.endpoint(method).and_then(|(verb, path, _)| self.classify(verb, path));
            if matches!(class, None | Some(Class::Session | Class::KeyAdmin)) {
                return Err(format!("'{method}' is not an endpoint that frames may reach"));
            }
        }
        let listed = self.market_numbers().map(|request| request.class());
        if stream.numbers.is_some() && listed != Some(Class::Public) {
            return Err("the list of the markets' numbers is a public request".to_owned());
        }
        match stream.paths.iter().all(|path| self.stream_upstream(PRODUCTION, path).is_some()) {
            true => Ok(()),
            false => Err("a path of the stream has no host in production".to_owned()),
        }
    }

    /// Whether the stream's session is the exchange's: then the gateway logs in there before anything else is sent.
    pub fn logs_in(&self) -> bool {
        self.login_stream.is_some()
    }

    /// The public request whose answer says which number is which market, if frames name markets by numbers.
    pub fn market_numbers(&self) -> Option<Request> {
        let (method, target) = self.login_stream.as_ref()?.numbers.as_ref()?.request.split_once(' ')?;
        self.request(Incoming { method, target, ..Incoming::default() }).ok()
    }

    /// The markets by number, from that answer. A number of two markets is none of both.
    pub fn read_market_numbers(&self, body: &[u8]) -> BTreeMap<String, String> {
        let numbers = self.login_stream.as_ref().and_then(|stream| stream.numbers.as_ref());
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some((numbers, rows)) = numbers.and_then(|own| Some((own, json.pointer(&own.list)?.as_array()?)))
        else {
            return BTreeMap::new();
        };
        let mut markets: BTreeMap<String, Option<String>> = BTreeMap::new();
        for row in rows {
            let text = |name: &str| text_at(row, &format!("/{name}"));
            let Some((number, name)) = text(&numbers.member).zip(text(&numbers.stands_for)) else { continue };
            let other = markets.get(&number).is_some_and(|own| own.as_ref() != Some(&name));
            markets.insert(number, (!other).then_some(name));
        }
        markets.into_iter().filter_map(|(number, name)| Some((number, name?))).collect()
    }

    /// What a side of the stream says to show that it is there, and what it hears; `None` if pings of the protocol do.
    pub fn heartbeat(&self) -> Option<(&str, &str)> {
        let own = &self.login_stream.as_ref()?.heartbeat;
        Some((&own.ask, &own.answer))
    }
}
