//! A WebSocket API of an exchange, whose frames are requests: which method of a frame is which endpoint.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Definition, Hole, PRODUCTION, Place, Profile, Scheme};
use crate::{Class, Method, answer::text_at};

/// How frames are read, and what their methods are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stream {
    /// The paths a client connects to, each as a whole.
    pub(crate) paths: Vec<String>,
    /// What may stand behind such a path, each with the values it may have.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Vec<String>>,
    pub(crate) members: Members,
    /// The parameter that names the API key. Time and signature are the profile's.
    pub(crate) key: String,
    /// Parameters every method takes that say nothing about what it does.
    #[serde(default)]
    pub(crate) apart: Vec<String>,
    pub(crate) session: SessionMethods,
    /// Methods that are sent under another name, because the session is the gateway's and not the exchange's.
    #[serde(default)]
    pub(crate) sent_as: BTreeMap<String, String>,
    pub(crate) methods: BTreeMap<String, Target>,
    /// A refusal with `{id}`, `{status}` and `{body}`, the answer of the same kind.
    pub(crate) refusal: String,
    pub(crate) answer: AnswerPlaces,
}

/// The names of a frame's outermost members.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Members {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) params: String,
}

/// The methods by which a connection gets, shows and loses a key for the frames that name none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionMethods {
    pub(crate) logon: String,
    pub(crate) status: String,
    pub(crate) logout: String,
    /// What all three answer, with `{id}`, `{key}`, `{since}`, `{connected}` and `{now}`.
    pub(crate) told: String,
}

/// JSON pointers into an answer: to its status, and to what stands in a refusal's place of the body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerPlaces {
    pub(crate) status: String,
    pub(crate) error: String,
    /// Where a refusal says when to ask again, and what time it was, in milliseconds or microseconds since 1970.
    pub(crate) again: Option<AgainPlaces>,
    pub(crate) counts: Option<Counts>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgainPlaces {
    pub(crate) at: String,
    pub(crate) now: String,
}

/// A list of what is used of the exchange's budgets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    /// A JSON pointer to the list.
    at: String,
    /// The members that together, with spaces between, are the name of a budget.
    name: Vec<String>,
    count: String,
    /// The header by which the answer to a request says the same, by that name.
    headers: BTreeMap<String, String>,
}

impl Counts {
    /// The headers that an answer to a request would have had.
    pub(crate) fn headers(&self, answer: &Value) -> Vec<(String, String)> {
        let list = answer.pointer(&self.at).and_then(Value::as_array);
        let read = |item: &Value| {
            let member = |name: &String| text_at(item, &format!("/{name}"));
            let name = self.name.iter().map(member).collect::<Option<Vec<_>>>()?.join(" ");
            Some((self.headers.get(&name)?.clone(), member(&self.count)?))
        };
        list.into_iter().flatten().filter_map(read).collect()
    }
}

/// What a method is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Target {
    /// `POST /api/v3/order`: an endpoint of the same definition, whose rules are the method's.
    Endpoint(Method, String),
    /// `public` or `read`: only streams have it.
    Own(Class),
}

impl TryFrom<String> for Target {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Target, &'static str> {
        match text.as_str() {
            "public" => return Ok(Target::Own(Class::Public)),
            "read" => return Ok(Target::Own(Class::Read)),
            _ => {}
        }
        let (method, path) = text.split_once(' ').ok_or("a method is public, read, or METHOD and a path")?;
        let method = Method::parse(method).ok_or("unknown method")?;
        match path.starts_with('/') && !path.contains(['*', '?', ' ']) {
            true => Ok(Target::Endpoint(method, path.to_owned())),
            false => Err("the path of a method starts with / and is one endpoint"),
        }
    }
}

impl Members {
    /// An answer of the gateway to the frame with this id and method (both JSON): `{id,}` is the id's member with a comma
    /// behind it, or nothing if the frame has no id.
    pub(crate) fn fill(&self, text: &str, id: &str, method: &str, more: &[(&str, &str)]) -> String {
        let member = match id {
            "null" => String::new(),
            id => format!("\"{}\":{id},", self.id),
        };
        let own = [("{id,}", member.as_str()), ("{method}", method)];
        fill(text, &[&own, more].concat())
    }

    /// Whether a text is a JSON object, for frames with an id and without.
    pub(super) fn is_answer(&self, text: &str, more: &[(&str, &str)]) -> bool {
        let whole = |id| serde_json::from_str::<Value>(&self.fill(text, id, "\"x\"", more));
        ["null", "1"].into_iter().all(|id| whole(id).is_ok_and(|json| json.is_object()))
    }
}

impl Stream {
    /// Whether frames with this method are about the session itself.
    pub(crate) fn is_of_session(&self, method: &str) -> bool {
        let SessionMethods { logon, status, logout, .. } = &self.session;
        [logon, status, logout].into_iter().any(|own| own == method)
    }

    fn fits(profile: &Profile) -> bool {
        let timed = matches!(profile.place(&Hole::Time), Some(Place::Param(..)));
        let plain = profile.scheme == Scheme::Query && profile.nonce.is_none();
        plain && timed && profile.signature_param.is_some()
    }

    /// What the texts alone can say.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        check_paths(&self.paths)?;
        if self.methods.keys().any(|method| self.is_of_session(method)) {
            return Err("a method of the session cannot be one of the exchange as well");
        }
        let known = |method: &String| self.methods.contains_key(method);
        if !self.sent_as.iter().all(|(own, sent)| known(own) && known(sent)) {
            return Err("a method is sent under the name of another one that is listed");
        }
        let refused = fill(&self.refusal, &[("{id}", "1"), ("{status}", "400"), ("{body}", "{}")]);
        let told = ["{id}", "{key}", "{since}", "{connected}", "{now}"].map(|hole| (hole, "1"));
        let whole = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|json| json.is_object());
        match whole(&refused) && whole(&fill(&self.session.told, &told)) && self.refusal.contains("{id}") {
            true => Ok(()),
            false => Err("the answers of a stream are JSON objects, a refusal with its {id}"),
        }
    }
}

impl Definition {
    /// Every method's endpoint must be one, and every path must have a host.
    pub(super) fn check_stream(&self) -> Result<(), String> {
        let Some(stream) = &self.stream else { return Ok(()) };
        for (name, target) in &stream.methods {
            let Target::Endpoint(method, path) = target else { continue };
            match self.classify(*method, path) {
                None | Some(Class::Session | Class::KeyAdmin) => {
                    return Err(format!("'{name}' is not an endpoint that frames may reach"));
                }
                Some(_) => {}
            }
        }
        if !stream.paths.iter().all(|path| Stream::fits(self.first_profile(path))) {
            return Err("frames have plain parameters: their profile's scheme is query, with {ts} injected"
                .to_owned());
        }
        self.check_hosts(&stream.paths)
    }

    pub(super) fn check_hosts(&self, paths: &[String]) -> Result<(), String> {
        match paths.iter().all(|path| self.stream_upstream(PRODUCTION, path).is_some()) {
            true => Ok(()),
            false => Err("a path of the stream has no host in production".to_owned()),
        }
    }

    /// Whether a client reaches this exchange's WebSocket API at this path.
    pub fn is_stream(&self, path: &str) -> bool {
        let signed = self.stream.iter().flat_map(|stream| &stream.paths);
        let logged_in = self.login_streams.iter().flat_map(|stream| &stream.paths);
        let with_token = self.token_stream.iter().flat_map(|stream| &stream.paths);
        signed.chain(logged_in).chain(with_token).any(|own| own == path)
    }

    /// Whether the query behind a stream's path is one the exchange takes and the gateway understands: it must
    /// not change the form of frames.
    pub fn takes_stream_query(&self, path: &str, query: &str) -> bool {
        let signed = self.stream.as_ref().map(|stream| &stream.query);
        let own = signed.or(self.login_stream(path).map(|stream| &stream.query));
        let own = own.or(self.token_stream(path).map(|stream| &stream.query));
        let Some(known) = own else { return false };
        let fits = |pair: &str| {
            pair.split_once('=').is_some_and(|(name, value)| {
                known.get(name).is_some_and(|own| own.iter().any(|v| v == value))
            })
        };
        query.is_empty() || query.split('&').all(fits)
    }

    /// Where the WebSocket API at `path` is in an environment.
    pub fn stream_upstream(&self, environment: &str, path: &str) -> Option<super::Upstream> {
        self.environments.get(environment)?.stream_upstream(path)
    }
}

pub(super) fn check_paths(paths: &[String]) -> Result<(), &'static str> {
    let plain = |path: &String| path.starts_with('/') && !path.contains(['?', '*', '%']);
    match !paths.is_empty() && paths.iter().all(plain) {
        true => Ok(()),
        false => Err("a stream has paths, whole and starting with /"),
    }
}

/// Puts values into the holes of a text, each hole once and in one pass, so that no value is taken for a hole.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, hole, value)) =
        values.iter().filter_map(|(hole, value)| Some((rest.find(hole)?, hole, value))).min()
    {
        filled.push_str(&rest[..at]);
        filled.push_str(value);
        rest = &rest[at + hole.len()..];
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_looks_like_a_hole_stays_a_value() {
        assert_eq!(fill("{id}-{body}", &[("{id}", "{body}"), ("{body}", "x")]), "{body}-x");
    }

    #[test]
    fn a_method_is_an_endpoint_or_a_harmless_class() {
        let target = |text: &str| Target::try_from(text.to_owned());
        assert_eq!(target("read"), Ok(Target::Own(Class::Read)));
        assert!(matches!(target("POST /api/v3/order"), Ok(Target::Endpoint(Method::Post, _))));
        for text in ["trade", "withdraw", "POST", "FETCH /a", "POST a", "POST /a/*", "POST /a?b=c"] {
            assert!(target(text).is_err(), "{text}");
        }
    }
}
