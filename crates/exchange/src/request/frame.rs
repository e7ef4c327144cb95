//! A frame of a WebSocket API, read once and strictly. It becomes the [`Request`] of the endpoint that its method
//! stands for, so class, money, known parameters and default deny are that endpoint's own.

use std::{collections::BTreeMap, fmt};

use super::{
    Document, Part, Refusal, Request,
    login_frame::{LogIn, own_request},
};
use crate::{
    Class, Definition, SignLevel,
    definition::{Endpoint, Members},
};

/// A frame that has exactly one reading.
#[derive(Clone, Debug)]
pub struct Frame {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) act: Act,
    pub(crate) document: Document,
    /// The parameters; empty if the frame has none.
    pub(crate) params: Document,
    pub(crate) key: Option<String>,
    pub(crate) log_in: Option<LogIn>,
    pub(crate) request: Request,
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A request to the exchange.
    Call,
    /// Gives the connection a key for the frames that name none. The gateway answers it.
    Logon,
    /// Asks for the connection's key. The gateway answers it.
    Status,
    /// Takes the connection's key away. The gateway answers it.
    Logout,
    /// Begins or ends a subscription, which has no answer of its own. It only reads.
    Listen,
    /// Shows that the client is there. The gateway answers it.
    Ping,
}

/// A frame that cannot be read in exactly one way, or whose method is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrame {
    /// Its id as JSON, to answer with; `null`, or where answers repeat more than an id `{}`, if that cannot be read either.
    pub id: String,
    /// Its method, to answer with; empty if that cannot be read.
    pub method: String,
    /// The API key it names, unproven, where a frame names one and that can be read.
    pub key: Option<String>,
    /// What is wrong.
    pub refusal: Refusal,
}

/// A method that is longer is not repeated in a refusal.
pub(super) const MAX_METHOD: usize = 64;

impl Definition {
    /// Reads a client's frame on the stream at `path`.
    ///
    /// Errors: as [`Definition::request`]; a method that is not listed is [`Part::Endpoint`].
    pub fn frame(&self, path: &str, text: &str) -> Result<Frame, BadFrame> {
        self.frame_with(path, text, &BTreeMap::new())
    }

    /// As much of a refused frame as its record needs: it counts as the strictest class.
    pub fn unread_frame(&self, path: &str, bad: &BadFrame) -> Request {
        let endpoint = Endpoint { level: SignLevel::Signed, ..Endpoint::plain(Class::KeyAdmin) };
        let method: String = bad.method.chars().filter(char::is_ascii_graphic).collect();
        Request { endpoint, ..own_request(path, &method) }
    }

    /// As [`Definition::frame`], where markets may be named by numbers: one that is not among these is [`Part::Market`].
    pub fn frame_with(
        &self,
        path: &str,
        text: &str,
        markets: &BTreeMap<String, String>,
    ) -> Result<Frame, BadFrame> {
        if let Some(stream) = self.login_stream(path) {
            return self.login_frame(stream, path, text, markets);
        }
        if let Some(stream) = self.token_stream(path) {
            return self.token_frame(stream, path, text);
        }
        match self.stream.as_ref().filter(|_| self.is_stream(path)) {
            Some(stream) => self.signed_frame(stream, path, text),
            None => Err(BadFrame::unread("null", Refusal::new(Part::Endpoint, "not a stream"))),
        }
    }

    pub(super) fn frame_document(&self, text: &str) -> Result<Document, Refusal> {
        match text.len() > self.max_body {
            true => Err(Refusal::new(Part::Frame, "too large")),
            false => Document::parse_object(text).map_err(in_frame),
        }
    }
}

impl Frame {
    /// Its id as JSON: what its answer must carry. An object where that is more than one member.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// What it is for.
    pub fn act(&self) -> Act {
        self.act
    }

    /// The API key it names; `None` if it belongs to the session.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The request it makes. Sign and verify the frame, not this.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The frame as it came, for one that leaves unsigned.
    pub fn text(&self) -> &str {
        self.document.text()
    }
}

impl BadFrame {
    /// One of which nothing but its id could be read.
    pub(super) fn unread(id: &str, refusal: Refusal) -> BadFrame {
        BadFrame { id: id.to_owned(), method: String::new(), key: None, refusal }
    }
}

pub(super) fn check_members(own: &Members, document: &Document) -> Result<(), Refusal> {
    let known = |name: &str| [&own.id, &own.method, &own.params].into_iter().any(|own| own == name);
    match document.members().iter().find(|member| !known(&member.name)) {
        Some(member) => Err(Refusal::field(Part::Frame, &member.name, "not a member of a frame")),
        None => Ok(()),
    }
}

pub(super) fn missing(name: &str) -> Refusal {
    Refusal::field(Part::Frame, name, "missing")
}

/// A client that sends frames knows no query and no body.
pub(super) fn in_frame(refusal: Refusal) -> Refusal {
    match refusal.part {
        Part::Endpoint => refusal,
        _ => Refusal { part: Part::Frame, ..refusal },
    }
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl std::error::Error for BadFrame {}
