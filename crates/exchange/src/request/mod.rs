//! A client's request, read once and strictly. What is decided on is what is signed and sent.

mod body;
mod check;
mod frame;
mod insert;
mod json;
mod login_frame;
mod params;
mod refusal;
mod scan;
mod target;

pub use self::{
    frame::{Act, BadFrame, Frame},
    refusal::{Part, Refusal},
};
pub(crate) use self::{
    json::{Document, Json, Member, Setting, quote},
    params::{Allowed, Params, QueryForm, component, escape},
};

use crate::{Class, Definition, Leverage, Method, Reading, SignLevel, definition::Scheme, reading::OwnId};

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
    pub(crate) client_ids: Vec<Option<String>>,
    pub(crate) leverage: Leverage,
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
        let class = self.classify(method, path);
        target::check_list(path, class)?;
        let class = class.ok_or(unknown)?;
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
            client_ids: Vec::new(),
            leverage: Leverage::None,
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
        if matches!(class, Class::Trade | Class::Finance) {
            request.client_ids = self.own_ids(&request)?.into_iter().map(OwnId::given).collect();
            request.leverage = self.read_leverage(&request)?;
        }
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

    /// The client ids of its orders, `None` for an order without one: one of each order it holds, in their order, also
    /// where the amounts of the orders cannot be read. Empty if it holds no orders.
    pub fn client_ids(&self) -> &[Option<String>] {
        &self.client_ids
    }

    /// What it says about borrowed money.
    pub fn leverage(&self) -> Leverage {
        self.leverage
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
}
