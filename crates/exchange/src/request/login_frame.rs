//! A frame of a stream whose log-in alone is signed. An order becomes the [`Request`] of its endpoint, as everywhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Act, Body, Called, Document, Frame, Incoming, Json, Params, Part, Refusal, Request,
    frame::{BadFrame, MAX_METHOD, in_frame, missing},
    quote,
};
use crate::{
    Class, Definition, Leverage, Method, Reading,
    definition::{Channels, Endpoint, Headers, Login, LoginPart, LoginStream},
};

/// Parameters of one frame.
const MAX_PARAMS: usize = 20;

/// What a log-in says, each as it was written.
#[derive(Clone, Debug)]
pub(crate) struct LogIn(Vec<(LoginPart, String)>);

impl LogIn {
    pub(crate) fn get(&self, part: LoginPart) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == part).map(|(_, value)| value.as_str())
    }

    /// Exactly the parts the stream's log-in has: texts, and an end of its life may be a number.
    fn read(stream: &LoginStream, args: &Document) -> Result<LogIn, Refusal> {
        let refuse = |name: &str, reason| Refusal::field(Part::Frame, name, reason);
        let login = &stream.login;
        let values = values(login, &stream.members.params, args)?;
        let read = login.parts().zip(values).map(|((name, part), value)| match (value, part) {
            (Json::Text(text), _) | (Json::Number(text), LoginPart::Expiry) => Ok((part, text.to_string())),
            _ => Err(refuse(name.unwrap_or(&stream.members.params), "must be a text")),
        });
        read.collect::<Result<_, _>>().map(LogIn)
    }
}

/// The values of a log-in's parts, in the order of these.
fn values<'a>(login: &Login, params: &str, args: &'a Document) -> Result<Vec<&'a Json>, Refusal> {
    let refuse = |name: &str, reason| Refusal::field(Part::Frame, name, reason);
    let given = elements(args);
    if !login.list.is_empty() {
        let whole = given.len() == login.list.len();
        return whole.then(|| given.iter().collect()).ok_or(refuse(params, "has other parts in a log-in"));
    }
    let [one @ Json::Object(_)] = given else { return Err(refuse(params, "must have one object here")) };
    if let Some(more) = one.members().iter().find(|member| !login.object.contains_key(&*member.name)) {
        return Err(refuse(&more.name, "not a part of a log-in"));
    }
    login.object.keys().map(|name| one.get(name).ok_or_else(|| missing(name))).collect()
}

impl Definition {
    pub(super) fn login_frame(
        &self,
        stream: &LoginStream,
        path: &str,
        text: &str,
        markets: &BTreeMap<String, String>,
    ) -> Result<Frame, BadFrame> {
        let bad = |id: &str, method: &str, refusal| {
            let method = if method.len() <= MAX_METHOD { method } else { "" };
            BadFrame { id: id.to_owned(), method: method.to_owned(), key: None, refusal }
        };
        let document = self.frame_document(text).map_err(|refusal| bad("null", "", refusal))?;
        let method = document.text_of(&stream.members.method).unwrap_or_default().to_owned();
        let id = read_id(stream, &document).map_err(|refusal| bad("null", &method, refusal))?;
        let reader = Reader { definition: self, stream, path, markets };
        reader.read(document, &id).map_err(|refusal| bad(&id, &method, refusal))
    }

    pub(super) fn call(
        &self,
        method: Method,
        path: &str,
        body: &str,
        headers: &[(String, String)],
    ) -> Result<Request, Refusal> {
        let json = [("content-type", &b"application/json"[..])];
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let incoming = Incoming {
            method: method.as_str(),
            target: path,
            headers: &json.into_iter().chain(headers).collect::<Vec<_>>(),
            body: body.as_bytes(),
            ..Incoming::default()
        };
        self.request(incoming)
    }
}

/// What frames are read with.
struct Reader<'a> {
    definition: &'a Definition,
    stream: &'a LoginStream,
    path: &'a str,
    markets: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    fn read(&self, document: Document, id: &str) -> Result<Frame, Refusal> {
        let stream = self.stream;
        let method =
            document.text_of(&stream.members.method).ok_or_else(|| missing(&stream.members.method))?;
        let (method, act) = (method.to_owned(), act(stream, method)?);
        check_members(stream, &document, act)?;
        let args = match act {
            Act::Ping => Document::empty(),
            _ => read_args(stream, &document)?,
        };
        let request = match stream.endpoint(&method) {
            Some(_) if id == "null" => return Err(missing(&stream.members.id)),
            Some((verb, endpoint, whole)) => {
                let headers = stream.headers.as_ref().map(|own| read_headers(own, &document)).transpose()?;
                let body = self.body(&args, whole)?;
                self.definition.call(verb, endpoint, &body, &headers.unwrap_or_default()).map_err(in_frame)?
            }
            None => own_request(self.path, &method),
        };
        let log_in = (act == Act::Logon).then(|| LogIn::read(stream, &args)).transpose()?;
        if let Some(channels) = stream.channels.as_ref().filter(|_| act == Act::Listen) {
            elements(&args)
                .iter()
                .try_for_each(|one| check_channel(channels, &stream.members.params, one))?;
        }
        let key = log_in.as_ref().and_then(|own| own.get(LoginPart::Key)).map(str::to_owned);
        let (path, id, params) = (self.path.to_owned(), id.to_owned(), Document::empty());
        Ok(Frame { path, id, method, act, document, params, key, log_in, request })
    }

    /// The body of the endpoint's request: the one object, or all of them.
    fn body(&self, args: &Document, whole: bool) -> Result<String, Refusal> {
        let refuse = |reason| Refusal::field(Part::Frame, &self.stream.members.params, reason);
        if !elements(args).iter().all(|one| matches!(one, Json::Object(_))) {
            return Err(refuse("must be an array of objects"));
        }
        let named = self.named(args)?;
        let args = named.as_ref().unwrap_or(args);
        let inside = args.text().trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        match (whole, elements(args), inside) {
            (true, ..) => Ok(args.text().to_owned()),
            (false, [_], Some(text)) => Ok(text.trim().to_owned()),
            _ => Err(refuse("must have one object here")),
        }
    }

    /// The objects with the names of their markets in the place of numbers, to be read and decided on. What is sent
    /// keeps the numbers.
    fn named(&self, args: &Document) -> Result<Option<Document>, Refusal> {
        let Some(numbers) = &self.stream.numbers else { return Ok(None) };
        if !elements(args).iter().any(|one| one.get(&numbers.member).is_some()) {
            return Ok(None);
        }
        let refuse = |part, reason| Refusal::field(part, &numbers.member, reason);
        let broken = |_| refuse(Part::Frame, "cannot be read");
        let mut rows: Vec<Map<String, Value>> = serde_json::from_str(args.text()).map_err(broken)?;
        for row in &mut rows {
            let Some(number) = row.shift_remove(&numbers.member) else { continue };
            if !number.is_number() || row.contains_key(&numbers.stands_for) {
                return Err(refuse(Part::Frame, "must be a number, in the place of the market's name"));
            }
            let market = self.markets.get(&number.to_string());
            let market =
                market.ok_or_else(|| refuse(Part::Market, "not the number of a market known here"))?;
            row.insert(numbers.stands_for.clone(), market.as_str().into());
        }
        let text = serde_json::to_string(&rows).map_err(broken)?;
        Document::parse(&text).map(Some)
    }
}

fn act(stream: &LoginStream, method: &str) -> Result<Act, Refusal> {
    match method {
        _ if method == stream.login.method => Ok(Act::Logon),
        _ if stream.heartbeat.is(method) => Ok(Act::Ping),
        _ if stream.listens(method) => Ok(Act::Listen),
        _ if stream.endpoint(method).is_some() => Ok(Act::Call),
        _ => Err(Refusal::new(Part::Endpoint, "not a method this gateway knows")),
    }
}

fn check_members(stream: &LoginStream, document: &Document, act: Act) -> Result<(), Refusal> {
    let own = &stream.members;
    let headers = stream.headers.as_ref().filter(|_| act == Act::Call).map(|own| &own.member);
    let params = Some(&own.params).filter(|_| act != Act::Ping);
    let known = [Some(&own.id), Some(&own.method), params, headers];
    match document.members().iter().find(|member| !known.iter().flatten().any(|own| **own == *member.name)) {
        Some(member) => Err(Refusal::field(Part::Frame, &member.name, "not a member of such a frame")),
        None => Ok(()),
    }
}

/// What has no endpoint only reads.
pub(super) fn own_request(path: &str, method: &str) -> Request {
    Request {
        method: Method::Get,
        group: None,
        path: format!("{path}/{method}"),
        query: Params::default(),
        body: Body::Empty,
        headers: super::Headers::default(),
        endpoint: Endpoint::plain(Class::Read),
        reading: Reading::NotMoney,
        client_ids: Vec::new(),
        leverage: Leverage::None,
        called: Called::default(),
    }
}

/// A name as the stream has them, or none.
fn read_id(stream: &LoginStream, document: &Document) -> Result<String, Refusal> {
    let name = &stream.members.id;
    let whole = |text: &str| text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit());
    match document.root().get(name) {
        None => Ok("null".to_owned()),
        Some(Json::Text(text)) if stream.ids.fits(text) => Ok(quote(text)),
        Some(Json::Number(text)) if stream.ids.numbers && whole(text) => Ok(text.to_string()),
        Some(_) => Err(Refusal::field(Part::Frame, name, "must be a short text of letters and digits")),
    }
}

fn read_args(stream: &LoginStream, document: &Document) -> Result<Document, Refusal> {
    let name = &stream.members.params;
    let refuse = |reason| Refusal::field(Part::Frame, name, reason);
    let text = document.member_text(name).ok_or_else(|| missing(name))?;
    let args = Document::parse(text).map_err(|_| refuse("must be an array"))?;
    match args.root() {
        Json::Array(own) if (1..=MAX_PARAMS).contains(&own.len()) => Ok(args),
        Json::Array(_) => Err(refuse("must have one to twenty elements")),
        _ => Err(refuse("must be an array")),
    }
}

fn elements(args: &Document) -> &[Json] {
    match args.root() {
        Json::Array(elements) => elements,
        _ => &[],
    }
}

/// What stands for headers of a request.
fn read_headers(own: &Headers, document: &Document) -> Result<Vec<(String, String)>, Refusal> {
    let refuse = |name: &str, reason| Refusal::field(Part::Frame, name, reason);
    let given = match document.root().get(&own.member) {
        None => return Ok(Vec::new()),
        Some(given @ Json::Object(_)) => given.members(),
        Some(_) => return Err(refuse(&own.member, "must be an object")),
    };
    let read = given.iter().map(|header| match &header.value {
        _ if !own.names.contains(&*header.name) => {
            Err(refuse(&header.name, "not a header this gateway knows"))
        }
        Json::Text(text) | Json::Number(text) => Ok((header.name.to_string(), text.to_string())),
        _ => Err(refuse(&header.name, "must be a text")),
    });
    read.collect()
}

fn check_channel(channels: &Channels, params: &str, one: &Json) -> Result<(), Refusal> {
    let refuse = |name: &str, reason| Err(Refusal::field(Part::Frame, name, reason));
    let unknown = "not a private channel this gateway knows";
    let known =
        |name: Option<&Json>| matches!(name, Some(Json::Text(name)) if channels.names.contains(&**name));
    let Some(own) = &channels.member else {
        return if known(Some(one)) { Ok(()) } else { refuse(params, unknown) };
    };
    if !matches!(one, Json::Object(_)) {
        return refuse(params, "must be an array of objects");
    }
    for member in one.members() {
        match &member.value {
            _ if member.name != *own && !channels.known.contains(&*member.name) => {
                return refuse(&member.name, "not a part of a subscription this gateway knows");
            }
            Json::Text(_) => {}
            _ => return refuse(&member.name, "must be a text"),
        }
    }
    if known(one.get(own)) { Ok(()) } else { refuse(own, unknown) }
}
