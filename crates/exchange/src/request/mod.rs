//! A client's request, read once and strictly. What is decided on is what is signed and sent.

mod bare;
mod body;
mod check;
mod frame;
mod headers;
mod insert;
mod insert_frame;
mod json;
mod login_frame;
mod params;
mod percent;
mod refusal;
mod scan;
mod signed_frame;
mod target;
mod token_frame;
mod unread;
mod written;

pub use self::{
    frame::{Act, BadFrame, Frame},
    refusal::{Part, Refusal},
};
pub(crate) use self::{
    headers::Headers,
    json::{Document, Json, Member, Setting, push_quoted, quote},
    params::{Allowed, Params},
    percent::{component, escape, push_escaped},
    target::MAX_PATH,
    written::QueryForm,
};

use crate::{
    Class, Definition, Leverage, Method, Reading, SignLevel,
    definition::{Endpoint, Scheme},
    reading::OwnId,
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
    pub(crate) headers: Headers,
    pub(crate) endpoint: Endpoint,
    pub(crate) reading: Reading,
    pub(crate) client_ids: Vec<Option<String>>,
    pub(crate) leverage: Leverage,
    pub(crate) called: Called,
}

/// The address a client called. Only checking signatures needs it, so it is taken apart there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Called(Box<str>);

/// A body in one of the forms exchanges take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Empty,
    Form(Params),
    Json(Document),
    /// JSON in base64: the object, and the base64 text as the client wrote it.
    Payload(Document, String),
}

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
        let endpoint = self.endpoint(method, path);
        target::check_list(path, endpoint.map(|endpoint| endpoint.class))?;
        let endpoint = endpoint.ok_or(unknown)?;
        let class = endpoint.class;
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
            endpoint,
            reading: Reading::NotMoney,
            client_ids: Vec::new(),
            leverage: Leverage::None,
            called: Called(incoming.called.into()),
        };
        request.body = self.read_body(&request, profile, incoming.body)?;
        request.check_places(&self.mirrored)?;
        request.check_signed_query(profile)?;
        request.check_spelling(profile.own_params())?;
        request.check_dropped(profile)?;
        if class.moves_money() && profile.query == QueryForm::Decoded {
            request.check_decoded(profile)?;
        }
        if profile.scheme == Scheme::Envelope && class != Class::Public {
            request.check_envelope(profile)?;
        }
        request.endpoint.class = self.class_of(&request)?;
        let class = request.endpoint.class;
        request.reading = self.read(&request)?;
        if matches!(class, Class::Trade | Class::Finance | Class::Withdraw) {
            request.client_ids = self.own_ids(&request)?.into_iter().map(OwnId::given).collect();
        }
        if matches!(class, Class::Trade | Class::Finance) {
            request.leverage = self.read_leverage(&request)?;
        }
        Ok(request)
    }
}

impl Called {
    /// Its host, with `http://` in front if that was the scheme, and what stood in front of the exchange's own path.
    pub(crate) fn parts(&self) -> (&str, &str) {
        let (text, host) = match self.0.split_once("://") {
            Some(("http", _)) => (&*self.0, "http://".len()),
            Some((_, rest)) => (rest, 0),
            None => (&*self.0, 0),
        };
        match text[host..].find('/') {
            Some(0) => ("", &text[host..]),
            Some(at) => text.split_at(host + at),
            None if text.len() == host => ("", ""),
            None => (text, ""),
        }
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
        self.endpoint.class
    }

    /// What the endpoint wants to see of the key.
    pub fn sign_level(&self) -> SignLevel {
        self.endpoint.level
    }

    /// What the request asks for in terms of money.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The client ids of its orders, `None` for an order without one: one of each order it holds, in their order, also
    /// where the amounts of the orders cannot be read; or the id of its withdrawal. Empty if it holds neither.
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

    /// A kept header, its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The names of all parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = (Part, &str)> {
        self.query
            .names()
            .map(|name| (Part::Query, name))
            .chain(self.body_names().map(|name| (Part::Body, name)))
    }

    /// The names of the parameters in the body.
    pub(crate) fn body_names(&self) -> impl Iterator<Item = &str> {
        let form = match &self.body {
            Body::Form(params) => Some(params.names()),
            _ => None,
        };
        let members = self.json().into_iter().flat_map(Document::members);
        form.into_iter().flatten().chain(members.map(|member| &*member.name))
    }
}
