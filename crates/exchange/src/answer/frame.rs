//! Answers on a WebSocket API: refusals for clients, the gateway's own session, and what the exchange says.

use serde_json::Value;

use super::{Answer, ExchangeError, text_at};
use crate::{Definition, definition::fill, request::quote};

/// What an exchange's message says about a frame of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameAnswer {
    /// The frame's id, as JSON.
    pub id: String,
    /// The status, as of HTTP.
    pub status: u16,
    /// The refusal, as the body of a request's answer would be; empty for a success.
    pub error: Vec<u8>,
}

/// What a connection has, for its client.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// The API key of frames that name none, and since when, in milliseconds since 1970.
    pub key: Option<(&'a str, i64)>,
    /// Since when the connection is open.
    pub connected_ms: i64,
    /// The time.
    pub now_ms: i64,
}

impl Definition {
    /// A refusal as a frame: the same words as [`Definition::answer`], with the id (JSON) of what is refused.
    pub fn refuse_frame(&self, answer: Answer, text: &str, request_id: &str, id: &str) -> String {
        let said = self.answer(answer, text, request_id);
        if let Some(stream) = &self.login_stream {
            let inside = said.body.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
            let template = if id == "null" { &stream.refusal_without_id } else { &stream.refusal };
            return fill(template, &[("{id}", id), ("{inside}", inside.unwrap_or_default())]);
        }
        let template = self.stream.as_ref().map_or("{body}", |stream| stream.refusal.as_str());
        fill(template, &[("{id}", id), ("{status}", &said.status.to_string()), ("{body}", &said.body)])
    }

    /// What the methods of the session answer.
    pub fn tell_session(&self, session: Session<'_>, id: &str) -> String {
        let (key, since) = session.key.unzip();
        if let Some(stream) = &self.login_stream {
            return stream.login.told.clone();
        }
        let key = key.map_or("null".to_owned(), quote);
        let since = since.map_or("null".to_owned(), |ms| ms.to_string());
        let template = self.stream.as_ref().map_or("{}", |stream| stream.session.told.as_str());
        let values = [
            ("{id}", id),
            ("{key}", &key),
            ("{since}", &since),
            ("{connected}", &session.connected_ms.to_string()),
            ("{now}", &session.now_ms.to_string()),
        ];
        fill(template, &values)
    }

    /// Reads a message of the exchange: the answer to a frame, or `None` for an event.
    pub fn frame_answer(&self, text: &str) -> Option<FrameAnswer> {
        let json: Value = serde_json::from_str(text).ok()?;
        if let Some(stream) = &self.login_stream {
            let id = json.get(&stream.members.id)?.to_string();
            json.get(&stream.members.method)?; // events have none
            return Some(FrameAnswer { id, status: 200, error: text.as_bytes().to_vec() });
        }
        let stream = self.stream.as_ref()?;
        let id = json.get(&stream.members.id)?.to_string();
        let status = text_at(&json, &stream.answer.status)?.parse().ok()?;
        let error =
            json.pointer(&stream.answer.error).map_or(Vec::new(), |error| error.to_string().into_bytes());
        Some(FrameAnswer { id, status, error })
    }

    /// Reads a message that may answer the gateway's own log-in: done, refused with the exchange's code, or neither.
    pub fn login_answer(&self, text: &str) -> Option<Result<(), String>> {
        let done = &self.login_stream.as_ref()?.login.done;
        if let Some(error) = self.read_error(200, text.as_bytes()) {
            return Some(Err(error.code));
        }
        let json: Value = serde_json::from_str(text).ok()?;
        (text_at(&json, &done.at)? == done.is).then_some(Ok(()))
    }

    /// The exchange's error in an answer; `None` if it is a success.
    pub fn frame_error(&self, answer: &FrameAnswer) -> Option<ExchangeError> {
        self.read_error(answer.status, &answer.error)
    }
}
