//! A client's request, read once and strictly. What is decided on is what is signed and sent.

mod json;
mod params;
mod refusal;
mod scan;
mod target;

pub use self::refusal::{Part, Refusal};
pub(crate) use self::{
    json::{Document, Json, Member, Setting, quote},
    params::{Allowed, Params, QueryForm, component, escape},
};

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Class, Definition, Method, Reading, SignLevel,
    definition::{BodyForm, Hole, Profile, Scheme},
};

/// What arrived, still untrusted.
#[derive(Clone, Copy, Default)]
pub struct Incoming<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The host group: `coinm` of `/x/binance.coinm/...`; `None` without a suffix.
    pub group: Option<&'a str>,
    /// The raw target behind `/x/{exchange}`, neither decoded nor normalised: `/api/v3/order?symbol=...`.
    pub target: &'a str,
    /// All headers, names in any case. Those the definition does not name are dropped unread.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body; empty if there was none.
    pub body: &'a [u8],
    /// What stood in front of `target` in the address the client called, if that is one of the gateway's own
    /// names: `https://keygate.example/x/coinbase`. Some schemes sign it. Empty: unknown.
    pub called: &'a str,
}

/// A request that has exactly one reading: known endpoint, strict parameters, its class and money fields.
/// The texts are the client's own; nothing was re-encoded.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) group: Option<String>,
    pub(crate) path: String,
    pub(crate) query: Params,
    pub(crate) body: Body,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) class: Class,
    pub(crate) level: SignLevel,
    pub(crate) reading: Reading,
    pub(crate) called: Called,
}

/// The address a client called: host, with `http://` in front if that was the scheme, and what stood in front of
/// the exchange's own path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Called {
    pub(crate) host: String,
    pub(crate) prefix: String,
}

/// A body in one of the forms exchanges take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Empty,
    Form(Params),
    Json(Document),
    /// JSON in base64: the object, and the base64 text as the client wrote it.
    Payload(Document, String),
}

const MAX_HEADER: usize = 16 * 1024;

impl Definition {
    /// Reads a client's request.
    ///
    /// Errors: a [`Refusal`] that names the part and, where there is one, the field. `Part::Endpoint` means
    /// that the definition does not list method and path (default deny); the others that the request has more
    /// than one reading or breaks a limit.
    pub fn request(&self, incoming: Incoming<'_>) -> Result<Request, Refusal> {
        let method = Method::parse(incoming.method).ok_or(Refusal::new(Part::Method, "not supported"))?;
        let (path, query) = target::split(incoming.target)?;
        let unknown = Refusal::new(Part::Endpoint, "not an endpoint this gateway knows");
        let class = self.classify(method, path).ok_or(unknown)?;
        let profile = self.first_profile(path);
        let decoded = profile.query != QueryForm::Encoded;
        let allowed = match class.moves_money() {
            true => Allowed::default(),
            false => Allowed { repeated: &self.repeatable, equals: decoded },
        };
        let mut request = Request {
            method,
            group: incoming.group.map(str::to_owned),
            path: path.to_owned(),
            query: Params::parse(query, Part::Query, allowed)?,
            body: Body::Empty,
            headers: self.read_headers(incoming.headers)?,
            class,
            level: self.sign_level(method, path, class),
            reading: Reading::NotMoney,
            called: Called::parse(incoming.called),
        };
        request.body = self.read_body(&request, profile, incoming.body)?;
        request.check_places()?;
        request.check_signed_query(profile)?;
        request.check_spelling(&profile.own_params())?;
        request.check_dropped(profile)?;
        if class.moves_money() && profile.query == QueryForm::Decoded {
            request.check_decoded(profile)?;
        }
        if profile.scheme == Scheme::Envelope && class != Class::Public {
            request.check_envelope(profile)?;
        }
        request.reading = self.read(&request)?;
        Ok(request)
    }

    /// Keeps the headers that are passed on and those that hold the client's key and signature.
    fn read_headers(&self, headers: &[(&str, &[u8])]) -> Result<Vec<(String, String)>, Refusal> {
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            let refuse = |reason| Refusal::field(Part::Header, &name, reason);
            if self.refuses_header(&name) && value != b"0" {
                return Err(refuse("the connection decides this: leave it out"));
            }
            if !self.reads_header(&name) {
                continue;
            }
            let value = std::str::from_utf8(value).map_err(|_| refuse("not text"))?;
            if value.len() > MAX_HEADER || !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
                return Err(refuse("not printable, or too long"));
            }
            if kept.iter().any(|(own, _)| *own == name) {
                return Err(refuse("given twice"));
            }
            kept.push((name, value.trim().to_owned()));
        }
        Ok(kept)
    }

    fn read_body(&self, request: &Request, profile: &Profile, bytes: &[u8]) -> Result<Body, Refusal> {
        let refuse = |reason| Refusal::new(Part::Body, reason);
        if bytes.len() > self.max_body {
            return Err(refuse("too large"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| refuse("not UTF-8"))?;
        if !text.is_empty() && request.method == Method::Get {
            return Err(refuse("a GET has no body"));
        }
        if matches!(profile.scheme, Scheme::Payload | Scheme::Envelope) {
            request.check_no_query()?;
        }
        match profile.body_form() {
            _ if profile.scheme == Scheme::Payload => read_payload(request, profile, text),
            _ if text.is_empty() => Ok(Body::Empty),
            BodyForm::Either if request.says_json() => Document::parse(text).map(Body::Json),
            BodyForm::Form | BodyForm::Either => {
                request.check_content_type("application/x-www-form-urlencoded")?;
                Params::parse(text, Part::Body, Allowed::default()).map(Body::Form)
            }
            BodyForm::Json => {
                request.check_content_type("application/json")?;
                Document::parse(text).map(Body::Json)
            }
        }
    }
}

/// Whether a text, written as `name=value`, could be taken for more than one parameter. Their names start with letters,
/// so a memo such as `1&2=3` could not.
fn holds_parameter(json: &Json) -> bool {
    let named =
        |piece: &str| piece.contains('=') && piece.starts_with(|first: char| first.is_ascii_alphabetic());
    match json {
        Json::Text(text) => text.split('&').skip(1).any(named),
        Json::Array(items) => items.iter().any(holds_parameter),
        Json::Object(members) => members.iter().any(|member| holds_parameter(&member.value)),
        Json::Number(_) | Json::Bool(_) | Json::Null => false,
    }
}

/// JSON, either plain or as base64 in a header (and then perhaps in the body too).
fn read_payload(request: &Request, profile: &Profile, text: &str) -> Result<Body, Refusal> {
    let refuse = |reason| Refusal::new(Part::Body, reason);
    let payload = profile.payload_header().and_then(|name| request.header(name));
    if !text.is_empty() {
        request.check_content_type("application/json")?;
    }
    let Some(payload) = payload else {
        return if text.is_empty() { Ok(Body::Empty) } else { Document::parse_object(text).map(Body::Json) };
    };
    let json = BASE64_STANDARD.decode(payload).map_err(|_| refuse("the payload is not base64"))?;
    let json = String::from_utf8(json).map_err(|_| refuse("not UTF-8"))?;
    if !text.is_empty() && text != payload && text != json {
        return Err(refuse("differs from the payload in the header"));
    }
    Ok(Body::Payload(Document::parse_object(&json)?, payload.to_owned()))
}

impl Called {
    fn parse(address: &str) -> Called {
        let scheme = if address.starts_with("http://") { "http://" } else { "" };
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let (host, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = if host.is_empty() { String::new() } else { format!("{scheme}{host}") };
        Called { host, prefix: prefix.to_owned() }
    }
}

impl Request {
    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The exchange's own path, without `/x/{exchange}` and without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host group of the address, if it had one.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// What the endpoint does.
    pub fn class(&self) -> Class {
        self.class
    }

    /// What the endpoint wants to see of the key.
    pub fn sign_level(&self) -> SignLevel {
        self.level
    }

    /// What the request asks for in terms of money.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The value of a parameter, wherever the exchange takes parameters: query, form or JSON (outermost
    /// members that are strings or numbers; numbers as written).
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.get(name).or_else(|| match &self.body {
            Body::Empty => None,
            Body::Form(params) => params.get(name),
            Body::Json(document) | Body::Payload(document, _) => document.get(name),
        })
    }

    /// The JSON body.
    pub(crate) fn json(&self) -> Option<&Document> {
        match &self.body {
            Body::Json(document) | Body::Payload(document, _) => Some(document),
            Body::Empty | Body::Form(_) => None,
        }
    }

    /// A kept header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The names of all parameters.
    pub(crate) fn names(&self) -> Vec<(Part, &str)> {
        let query = self.query.iter().map(|param| (Part::Query, param.name.as_str()));
        let body: Vec<&str> = match &self.body {
            Body::Empty => Vec::new(),
            Body::Form(params) => params.iter().map(|param| param.name.as_str()).collect(),
            Body::Json(document) | Body::Payload(document, _) => {
                document.members().iter().map(|member| member.name.as_str()).collect()
            }
        };
        query.chain(body.into_iter().map(|name| (Part::Body, name))).collect()
    }

    /// No parameter may stand in the query and in the body: exchanges differ in which one they take.
    fn check_places(&self) -> Result<(), Refusal> {
        let names = self.names();
        let in_query = |name: &str| {
            names.iter().any(|(part, own)| *part == Part::Query && own.eq_ignore_ascii_case(name))
        };
        match names.iter().find(|(part, name)| *part == Part::Body && in_query(name)) {
            Some((_, name)) => Err(Refusal::field(Part::Body, name, "in the query as well")),
            None => Ok(()),
        }
    }

    /// A parameter of the signer in other letters would stand beside our own.
    fn check_spelling(&self, own: &[&str]) -> Result<(), Refusal> {
        let misspelt = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name) && *own != name);
        match self.names().into_iter().find(|(_, name)| misspelt(name)) {
            Some((part, name)) => {
                Err(Refusal::field(part, name, "a parameter for signing, in other letters"))
            }
            None => Ok(()),
        }
    }

    /// What belongs to the client's own key can be left out of parameters, but not of a JSON text that stays.
    fn check_dropped(&self, profile: &Profile) -> Result<(), Refusal> {
        let given = |name: &&String| self.json().is_some_and(|json| json.root().get(name).is_some());
        match profile.drop.iter().find(given) {
            Some(name) => Err(Refusal::field(Part::Body, name, "belongs to another key: leave it out")),
            None => Ok(()),
        }
    }

    /// Where parameters travel in the body, the exchange does not look at the query, so neither may we.
    fn check_no_query(&self) -> Result<(), Refusal> {
        match self.class != Class::Public && !self.query.text().is_empty() {
            true => Err(Refusal::new(Part::Query, "this endpoint takes its parameters in the body")),
            false => Ok(()),
        }
    }

    /// A query that no signature covers, or that stands for a body which then is not covered, could be anybody's.
    fn check_signed_query(&self, profile: &Profile) -> Result<(), Refusal> {
        let signs_query = [Hole::Query, Hole::MarkedQuery].iter().any(|hole| profile.signs(hole));
        let instead_of_body = profile.signs(&Hole::ParamsHash) && self.body != Body::Empty;
        let unsigned = profile.scheme == Scheme::Header
            && !signs_query
            && self.class.moves_money()
            && self.method != Method::Get;
        match instead_of_body || unsigned {
            true => self.check_no_query(),
            false => Ok(()),
        }
    }

    /// Where parameters are signed as decoded, `a=1%26b%3D2` and `a=1&b=2` have the same signature; so have the
    /// members of a body that is signed in this form.
    fn check_decoded(&self, profile: &Profile) -> Result<(), Refusal> {
        let body =
            self.json().filter(|_| profile.signs(&Hole::ParamsHash)).map_or(&[][..], Document::members);
        if let Some(member) = body.iter().find(|member| holds_parameter(&member.value)) {
            return Err(Refusal::field(Part::Body, &member.name, "holds what reads as another parameter"));
        }
        match self.query.iter().find(|param| param.value.contains(['&', '='])) {
            Some(param) => {
                Err(Refusal::field(Part::Query, &param.name, "& and = cannot stand in a value here"))
            }
            None => Ok(()),
        }
    }

    /// What is signed are the method in the body and some members: the path must be that method's, and nothing
    /// else may stand there.
    fn check_envelope(&self, profile: &Profile) -> Result<(), Refusal> {
        let Some(document) = self.json() else {
            return Err(Refusal::new(Part::Body, "must be a JSON object"));
        };
        let named = document.get("method").is_some_and(|method| self.path.ends_with(&format!("/{method}")));
        if !named {
            return Err(Refusal::field(Part::Body, "method", "must be the method of the path"));
        }
        let own = profile.own_params();
        let signed = |name: &str| name == "params" || profile.prehash.has(&Hole::Member(name.to_owned()));
        match document.members().iter().find(|member| !own.contains(&&*member.name) && !signed(&member.name))
        {
            Some(member) => Err(Refusal::field(Part::Body, &member.name, "not a member this exchange signs")),
            None => Ok(()),
        }
    }

    fn says_json(&self) -> bool {
        self.check_content_type("application/json").is_ok() && self.header("content-type").is_some()
    }

    /// A body is what its header says: the media type is absent or the expected one, the charset UTF-8.
    fn check_content_type(&self, expected: &str) -> Result<(), Refusal> {
        let Some(value) = self.header("content-type") else { return Ok(()) };
        let (media, charset) =
            value.split_once(';').map_or((value, ""), |(media, rest)| (media.trim(), rest.trim()));
        let charset: Cow<'_, str> = charset.to_ascii_lowercase().into();
        match media.eq_ignore_ascii_case(expected) && ["", "charset=utf-8"].contains(&charset.as_ref()) {
            true => Ok(()),
            false => Err(Refusal::field(Part::Header, "content-type", "does not fit this exchange's bodies")),
        }
    }
}
