//! A frame of a stream whose log-in alone is signed. An order becomes the [`Request`] of its endpoint, as everywhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Act, Body, Called, Document, Frame, Incoming, Json, Params, Part, Refusal, Request,
    frame::{BadFrame, check_members, in_frame, missing},
    quote,
};
use crate::{Class, Definition, Leverage, Method, Reading, SignLevel, definition::LoginStream};

/// Objects of one frame.
const MAX_OBJECTS: usize = 20;
const MAX_ID: usize = 32;

impl Definition {
    pub(super) fn login_frame(
        &self,
        stream: &LoginStream,
        path: &str,
        text: &str,
        markets: &BTreeMap<String, String>,
    ) -> Result<Frame, BadFrame> {
        let bad = |id: &str, refusal| BadFrame { id: id.to_owned(), refusal };
        let document = self.frame_document(text).map_err(|refusal| bad("null", refusal))?;
        let id = read_id(stream, &document).map_err(|refusal| bad("null", refusal))?;
        let reader = Reader { definition: self, stream, path, markets };
        reader.read(document, &id).map_err(|refusal| bad(&id, refusal))
    }

    fn call(&self, method: Method, path: &str, body: &str) -> Result<Request, Refusal> {
        let incoming = Incoming {
            method: method.as_str(),
            target: path,
            headers: &[("content-type", b"application/json")],
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
        check_members(&stream.members, &document)?;
        let method =
            document.text_of(&stream.members.method).ok_or_else(|| missing(&stream.members.method))?;
        let (method, act) = (method.to_owned(), act(stream, method)?);
        let text =
            document.member_text(&stream.members.params).ok_or_else(|| missing(&stream.members.params))?;
        let args = read_args(stream, text)?;
        let request = match stream.endpoint(&method) {
            Some((verb, endpoint, whole)) => {
                if id == "null" {
                    return Err(missing(&stream.members.id));
                }
                let named = self.named(&args)?;
                let args = named.as_ref().unwrap_or(&args);
                let body = if whole { args.text() } else { only(stream, args)?.0 };
                self.definition.call(verb, endpoint, body).map_err(in_frame)?
            }
            None => own_request(self.path, &method),
        };
        let params = match act {
            Act::Logon => read_login(stream, &args)?,
            _ => Document::empty(),
        };
        if act == Act::Listen {
            objects(&args).iter().try_for_each(|one| check_channel(stream, one))?;
        }
        let key = params.text_of(&stream.login.key).map(str::to_owned);
        Ok(Frame { id: id.to_owned(), method, act, document, params, key, request })
    }

    /// The objects with the names of their markets in the place of numbers, to be read and decided on. What is sent
    /// keeps the numbers.
    fn named(&self, args: &Document) -> Result<Option<Document>, Refusal> {
        let Some(numbers) = &self.stream.numbers else { return Ok(None) };
        if !objects(args).iter().any(|one| one.get(&numbers.member).is_some()) {
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
        _ if stream.channels.methods.contains(method) => Ok(Act::Listen),
        _ if stream.endpoint(method).is_some() => Ok(Act::Call),
        _ => Err(Refusal::new(Part::Endpoint, "not a method this gateway knows")),
    }
}

/// What has no endpoint only reads.
fn own_request(path: &str, method: &str) -> Request {
    Request {
        method: Method::Get,
        group: None,
        path: format!("{path}/{method}"),
        query: Params::default(),
        body: Body::Empty,
        headers: Vec::new(),
        class: Class::Read,
        level: SignLevel::Signed,
        reading: Reading::NotMoney,
        client_ids: Vec::new(),
        leverage: Leverage::None,
        called: Called::default(),
    }
}

/// A short text of letters and digits, or none. Answers come back under it, so it has one spelling.
fn read_id(stream: &LoginStream, document: &Document) -> Result<String, Refusal> {
    let name = &stream.members.id;
    match document.root().get(name) {
        None => Ok("null".to_owned()),
        Some(Json::Text(text))
            if (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            Ok(quote(text))
        }
        Some(_) => Err(Refusal::field(Part::Frame, name, "must be up to 32 letters and digits, as a text")),
    }
}

fn read_args(stream: &LoginStream, text: &str) -> Result<Document, Refusal> {
    let refuse = |reason| Refusal::field(Part::Frame, &stream.members.params, reason);
    let args = Document::parse(text).map_err(|_| refuse("must be an array of objects"))?;
    let objects = objects(&args);
    match objects.iter().all(|one| matches!(one, Json::Object(_))) {
        true if (1..=MAX_OBJECTS).contains(&objects.len()) => Ok(args),
        true => Err(refuse("must have one to twenty objects")),
        false => Err(refuse("must be an array of objects")),
    }
}

fn objects(args: &Document) -> &[Json] {
    match args.root() {
        Json::Array(objects) => objects,
        _ => &[],
    }
}

/// The text of the one object in the array, and the object.
fn only<'a>(stream: &LoginStream, args: &'a Document) -> Result<(&'a str, &'a Json), Refusal> {
    let inside = args.text().trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match (objects(args), inside) {
        ([one], Some(text)) => Ok((text.trim(), one)),
        _ => Err(Refusal::field(Part::Frame, &stream.members.params, "must have one object here")),
    }
}

/// Exactly key, passphrase, time and signature, all texts.
fn read_login(stream: &LoginStream, args: &Document) -> Result<Document, Refusal> {
    let login = &stream.login;
    let names = [&login.key, &login.passphrase, &login.time, &login.signature];
    let (text, one) = only(stream, args)?;
    for name in names {
        if !matches!(one.get(name), Some(Json::Text(_))) {
            return Err(Refusal::field(Part::Frame, name, "must be a text"));
        }
    }
    match one.members().iter().find(|member| !names.contains(&&member.name)) {
        Some(member) => Err(Refusal::field(Part::Frame, &member.name, "not a part of a log-in")),
        None => Document::parse_object(text),
    }
}

fn check_channel(stream: &LoginStream, one: &Json) -> Result<(), Refusal> {
    let channels = &stream.channels;
    let refuse = |name: &str, reason| Err(Refusal::field(Part::Frame, name, reason));
    for member in one.members() {
        match &member.value {
            _ if member.name != channels.member && !channels.known.contains(&member.name) => {
                return refuse(&member.name, "not a part of a subscription this gateway knows");
            }
            Json::Text(_) => {}
            _ => return refuse(&member.name, "must be a text"),
        }
    }
    match one.get(&channels.member).and_then(Json::text).is_some_and(|name| channels.names.contains(name)) {
        true => Ok(()),
        false => refuse(&channels.member, "not a private channel this gateway knows"),
    }
}
