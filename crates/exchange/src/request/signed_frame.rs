//! A frame that is signed itself: its parameters are those of the endpoint that its method stands for.

use super::{
    Act, Allowed, Body, Called, Document, Frame, Incoming, Json, Params, Part, Refusal, Request, escape,
    frame::{BadFrame, MAX_METHOD, check_members, in_frame, missing},
    quote,
};
use crate::{
    Class, Definition, Leverage, Method, Reading,
    definition::{Endpoint, Hole, Place, Profile, Stream, Target},
};

const MAX_ID: usize = 64;

impl Definition {
    pub(super) fn signed_frame(&self, stream: &Stream, path: &str, text: &str) -> Result<Frame, BadFrame> {
        let document = self.frame_document(text).map_err(|refusal| BadFrame::unread("null", refusal))?;
        let (method, key) = shown(stream, &document);
        let bad = |id: &str, refusal| BadFrame { method, key, ..BadFrame::unread(id, refusal) };
        let id = match read_id(stream, &document) {
            Ok(id) => id,
            Err(refusal) => return Err(bad("null", refusal)),
        };
        self.read_frame(stream, path, document, &id).map_err(|refusal| bad(&id, refusal))
    }

    fn read_frame(
        &self,
        stream: &Stream,
        path: &str,
        document: Document,
        id: &str,
    ) -> Result<Frame, Refusal> {
        check_members(&stream.members, &document)?;
        let method =
            document.text_of(&stream.members.method).ok_or_else(|| missing(&stream.members.method))?;
        let method = method.to_owned();
        let act = act(stream, &method);
        let params = read_params(stream, &document)?;
        let key = params.text_of(&stream.key).map(str::to_owned);
        let request = match stream.methods.get(&method) {
            Some(Target::Endpoint(verb, endpoint)) => {
                self.endpoint_request(stream, *verb, endpoint, &params).map_err(in_frame)?
            }
            Some(Target::Own(class)) => self.own_request(stream, path, &method, *class, &params)?,
            None if act != Act::Call => self.own_request(stream, path, &method, Class::Read, &params)?,
            None => return Err(Refusal::new(Part::Endpoint, "not a method this gateway knows")),
        };
        self.check_key(stream, &request, &params, act)?;
        let (path, id) = (path.to_owned(), id.to_owned());
        Ok(Frame { path, id, method, act, document, params, key, log_in: None, request })
    }

    /// The frame's parameters as the request of an endpoint, by the rules of every other request.
    fn endpoint_request(
        &self,
        stream: &Stream,
        method: Method,
        path: &str,
        params: &Document,
    ) -> Result<Request, Refusal> {
        let text = written(stream, params);
        let (query, body) = match method {
            Method::Post | Method::Put => ("", text.as_str()),
            _ => (text.as_str(), ""),
        };
        let target = format!("{path}{}{query}", if query.is_empty() { "" } else { "?" });
        let key = self.key_header(stream, path, params);
        let headers: Vec<(&str, &[u8])> =
            key.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let incoming = Incoming {
            method: method.as_str(),
            target: &target,
            headers: &headers,
            body: body.as_bytes(),
            ..Incoming::default()
        };
        self.request(incoming)
    }

    /// The request of a method that only streams have.
    fn own_request(
        &self,
        stream: &Stream,
        path: &str,
        method: &str,
        class: Class,
        params: &Document,
    ) -> Result<Request, Refusal> {
        Ok(Request {
            method: Method::Get,
            group: None,
            path: format!("{path}/{method}"),
            query: Params::parse(&written(stream, params), Part::Frame, Allowed::default())?,
            body: Body::Empty,
            headers: self.keep_header(self.key_header(stream, path, params)),
            endpoint: Endpoint::plain(class),
            reading: Reading::NotMoney,
            client_ids: Vec::new(),
            leverage: Leverage::None,
            called: Called::default(),
        })
    }

    /// The API key in the header where requests have it.
    fn key_header(&self, stream: &Stream, path: &str, params: &Document) -> Option<(String, String)> {
        let key = params.text_of(&stream.key)?;
        match self.first_profile(path).place(&Hole::Key)? {
            Place::Header(name, _) => Some((name.to_owned(), key.to_owned())),
            Place::Param(..) | Place::Claim(..) => None,
        }
    }

    /// Key and signature come together or, in a session, not at all; public methods take neither.
    fn check_key(
        &self,
        stream: &Stream,
        request: &Request,
        params: &Document,
        act: Act,
    ) -> Result<(), Refusal> {
        let profile = self.first_profile(&request.path);
        request.check_spelling(profile.own_params()).map_err(in_frame)?;
        let given = |name: &str| params.root().get(name).is_some();
        let signature = profile.signature_param.as_deref().unwrap_or_default();
        let fail = |name: &str, reason| Err(Refusal::field(Part::Frame, name, reason));
        if given(&stream.key) && params.text_of(&stream.key).is_none() {
            return fail(&stream.key, "must be a text");
        }
        match (given(&stream.key), given(signature)) {
            (true, _) | (_, true) if request.endpoint.class == Class::Public => {
                fail(&stream.key, "this method takes no key and no signature")
            }
            (true, true) => Ok(()),
            (false, false) if act != Act::Logon => Ok(()),
            (true, false) => fail(signature, "missing"),
            _ => fail(&stream.key, "missing"),
        }
    }
}

impl Frame {
    /// The names and values that are signed, sorted: everything but the signature.
    pub(crate) fn signed_text(params: &Document, profile: &Profile) -> String {
        let signature = profile.signature_param.as_deref().unwrap_or_default();
        let mut members: Vec<_> = params.members().iter().filter(|own| own.name != signature).collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let pairs =
            members.into_iter().map(|own| format!("{}={}", own.name, scalar(&own.value).unwrap_or_default()));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// Method and key as they are shown, whatever else is wrong.
fn shown(stream: &Stream, document: &Document) -> (String, Option<String>) {
    let method = document.text_of(&stream.members.method).filter(|method| method.len() <= MAX_METHOD);
    let params = document.root().get(&stream.members.params);
    let key = match params.and_then(|params| params.get(&stream.key)) {
        Some(Json::Text(key)) => Some(key.to_string()),
        _ => None,
    };
    (method.unwrap_or_default().to_owned(), key)
}

fn act(stream: &Stream, method: &str) -> Act {
    let session = &stream.session;
    match method {
        _ if method == session.logon => Act::Logon,
        _ if method == session.status => Act::Status,
        _ if method == session.logout => Act::Logout,
        _ => Act::Call,
    }
}

/// A number, a text or null. Written anew, so that it is the same however it was escaped.
fn read_id(stream: &Stream, document: &Document) -> Result<String, Refusal> {
    let name = &stream.members.id;
    let whole = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        digits.len() <= 19 && digits.bytes().all(|b| b.is_ascii_digit())
    };
    match document.root().get(name) {
        Some(Json::Null) => Ok("null".to_owned()),
        Some(Json::Number(text)) if whole(text) => Ok(text.to_string()),
        Some(Json::Text(text)) if text.len() <= MAX_ID => Ok(quote(text)),
        Some(_) => Err(Refusal::field(Part::Frame, name, "must be a whole number, a short text or null")),
        None => Err(missing(name)),
    }
}

/// One plain value for each name. What is signed joins them with `&`, so no value may hold one: two frames would
/// have one signature.
fn read_params(stream: &Stream, document: &Document) -> Result<Document, Refusal> {
    let name = &stream.members.params;
    let params = match document.member_text(name) {
        None => return Ok(Document::empty()),
        Some(text) => Document::parse_object(text)
            .map_err(|_| Refusal::field(Part::Frame, name, "must be an object"))?,
    };
    for member in params.members() {
        let refuse = |reason| Err(Refusal::field(Part::Frame, &member.name, reason));
        if member.name != stream.key && member.name.eq_ignore_ascii_case(&stream.key) {
            return refuse("a parameter for signing, in other letters");
        }
        match scalar(&member.value) {
            None => return refuse("must be a text, a number or a truth value"),
            Some(text) if text.contains('&') => return refuse("& cannot stand in a value here"),
            Some(_) => {}
        }
    }
    Ok(params)
}

/// The parameters of the endpoint as `name=value&...`.
fn written(stream: &Stream, params: &Document) -> String {
    let apart = |name: &str| stream.apart.iter().any(|own| own == name);
    let own = params.members().iter().filter(|own| own.name != stream.key && !apart(&own.name));
    let pairs = own.map(|own| format!("{}={}", own.name, escape(scalar(&own.value).unwrap_or_default())));
    pairs.collect::<Vec<_>>().join("&")
}

fn scalar(json: &Json) -> Option<&str> {
    match json {
        Json::Text(text) | Json::Number(text) => Some(text),
        Json::Bool(true) => Some("true"),
        Json::Bool(false) => Some("false"),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
