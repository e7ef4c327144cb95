//! Every request as it came in, with what became of it.

use std::collections::VecDeque;

use serde::Serialize;

use crate::request::{Received, Signer};

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Counted from 1.
    pub number: u64,
    pub at_ms: i64,
    /// The id of the exchange it was sent to.
    pub exchange: &'static str,
    pub peer: String,
    pub method: String,
    /// Path and query as received.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Whose signature the request carried; `None` if it carried none that holds.
    pub signed_by: Option<Signer>,
    /// The status answered; `None` if the connection was dropped.
    pub status: Option<u16>,
    /// The fault that was played on it.
    pub fault: Option<&'static str>,
    /// The exchange's code, if it executed the request and refused it.
    pub error: Option<String>,
}

/// The latest requests.
#[derive(Default)]
pub(crate) struct Records {
    kept: VecDeque<Record>,
    count: u64,
}

const KEPT: usize = 20_000;

impl Record {
    pub(crate) fn new(exchange: &'static str, request: &Received) -> Self {
        Self {
            number: 0,
            at_ms: request.at_ms,
            exchange,
            peer: request.peer.to_string(),
            method: request.method.to_string(),
            target: request.target(),
            headers: request.headers.clone(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            signed_by: None,
            status: None,
            fault: None,
            error: None,
        }
    }

    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Records {
    pub(crate) fn push(&mut self, record: Record) {
        self.count += 1;
        self.kept.push_back(Record { number: self.count, ..record });
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.kept.iter()
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }
}
