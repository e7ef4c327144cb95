//! Why a request is not accepted: the place and the reason, never the value.

use std::fmt;

/// A request that cannot be read in exactly one way, or that the definition does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where the trouble is.
    pub part: Part,
    /// The parameter or header, if it has a presentable name; empty otherwise.
    pub field: String,
    /// What is wrong, as the end of a sentence about the field. Never contains a value.
    pub reason: &'static str,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The HTTP method.
    Method,
    /// The path, or the target as a whole.
    Target,
    /// Method and path together: not an endpoint of the definition. This one is a denial, the others are
    /// mistakes of the client.
    Endpoint,
    /// A header.
    Header,
    /// The query.
    Query,
    /// The body.
    Body,
    /// A frame of a WebSocket API.
    Frame,
    /// The number of a market in a frame: it stands for no name that is known here, yet.
    Market,
}

impl Refusal {
    pub(crate) fn new(part: Part, reason: &'static str) -> Refusal {
        Refusal { part, field: String::new(), reason }
    }

    /// A refusal that names `field`, unless the name itself is not fit to be shown.
    pub(crate) fn field(part: Part, field: &str, reason: &'static str) -> Refusal {
        let presentable = (1..=64).contains(&field.len()) && field.bytes().all(|b| b.is_ascii_graphic());
        let field = if presentable { field.to_owned() } else { String::new() };
        Refusal { part, field, reason }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Method => "method",
            Part::Target => "path",
            Part::Endpoint => "endpoint",
            Part::Header => "header",
            Part::Query => "query",
            Part::Body => "body",
            Part::Frame | Part::Market => "frame",
        };
        match self.field.as_str() {
            "" => write!(f, "{part}: {}", self.reason),
            field => write!(f, "{part}, {field}: {}", self.reason),
        }
    }
}

impl std::error::Error for Refusal {}
