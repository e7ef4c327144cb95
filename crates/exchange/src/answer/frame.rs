//! Answers on a WebSocket API: refusals for clients, the gateway's own session, and what the exchange says.

use serde_json::Value;

use super::{Answer, ErrorKind, ExchangeError, text_at};
use crate::{Definition, Frame, definition::TokenStream, definition::fill, moment::Clock, request::quote};

/// What an exchange's message says about a frame of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameAnswer {
    /// The frame's id, as JSON; `None` if the exchange left it out, as Bybit does in some refusals.
    pub id: Option<String>,
    /// The frame's method, where answers say it.
    pub method: Option<String>,
    /// The status, as of HTTP.
    pub status: u16,
    /// The refusal, as the body of a request's answer would be; empty for a success.
    pub error: Vec<u8>,
    /// A success as it came: that of a batch says what became of each order.
    pub said: Vec<u8>,
    /// What it says of the exchange's budgets, as the headers of a request's answer would.
    pub counts: Vec<(String, String)>,
    /// When to ask again, and the exchange's own time, in milliseconds since 1970.
    again: Option<(u64, Option<u64>)>,
}

impl FrameAnswer {
    /// For how many seconds the exchange wants to hear nothing, if it says so. `now_ms` counts where it does not say what time
    /// it is there.
    pub fn retry_after_s(&self, now_ms: u64) -> Option<u64> {
        let (at, now) = self.again?;
        Some(at.saturating_sub(now.unwrap_or(now_ms)).div_ceil(1000))
    }
}

/// Which frame is answered.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The path of its stream.
    pub path: &'a str,
    /// Its id as JSON, `null` if it has none.
    pub id: &'a str,
    /// Its method; empty if that cannot be read.
    pub method: &'a str,
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
    /// A refusal as a frame: the same words as [`Definition::answer`], under the name of what is refused.
    pub fn refuse_frame(&self, answer: Answer, text: &str, request_id: &str, asked: Asked<'_>) -> String {
        let said = self.answer(answer, text, request_id);
        if let Some(stream) = self.login_stream(asked.path) {
            let (code, text) = self.answers.words(answer, text, request_id);
            let text = quote(&text);
            let inside = said.body.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
            let more = [
                ("{code}", code.unwrap_or(&stream.code)),
                ("{text}", text.get(1..text.len() - 1).unwrap_or_default()),
                ("{inside}", inside.unwrap_or_default()),
            ];
            return stream.members.fill(&stream.refusal, asked.id, &quote(asked.method), &more);
        }
        if let Some(stream) = self.token_stream(asked.path) {
            return self.refuse_token_frame(stream, answer, text, request_id, asked.id);
        }
        let id = asked.id;
        let template = self.stream.as_ref().map_or("{body}", |stream| stream.refusal.as_str());
        fill(template, &[("{id}", id), ("{status}", &said.status.to_string()), ("{body}", &said.body)])
    }

    fn refuse_token_frame(
        &self,
        stream: &TokenStream,
        answer: Answer,
        text: &str,
        request_id: &str,
        echo: &str,
    ) -> String {
        let (code, text) = self.answers.words(answer, text, request_id);
        let code = stream.codes.get(answer.word()).map(String::as_str).or(code);
        let error = quote(&code.map_or(text.clone(), |code| format!("{code}: {text}")));
        fill(&stream.refusal, &[("{echo}", &TokenStream::inside(echo)), ("{error}", &error)])
    }

    /// What the methods of the session answer.
    pub fn tell_session(&self, session: Session<'_>, frame: &Frame) -> String {
        let (key, since) = session.key.unzip();
        if let Some(stream) = self.login_stream(&frame.path) {
            return stream.members.fill(&stream.login.told, &frame.id, &quote(&frame.method), &[]);
        }
        let key = key.map_or("null".to_owned(), quote);
        let since = since.map_or("null".to_owned(), |ms| ms.to_string());
        let template = self.stream.as_ref().map_or("{}", |stream| stream.session.told.as_str());
        let values = [
            ("{id}", frame.id.as_str()),
            ("{key}", &key),
            ("{since}", &since),
            ("{connected}", &session.connected_ms.to_string()),
            ("{now}", &session.now_ms.to_string()),
        ];
        fill(template, &values)
    }

    /// Reads a message of the exchange on the stream at `path`: the answer to a frame, or `None` for an event.
    pub fn frame_answer(&self, path: &str, text: &str) -> Option<FrameAnswer> {
        let json: Value = serde_json::from_str(text).ok()?;
        if let Some(stream) = self.login_stream(path) {
            let id = json.get(&stream.members.id).map(Value::to_string);
            let method = json.get(&stream.members.method).and_then(Value::as_str).map(str::to_owned);
            let answer =
                FrameAnswer { id, method, status: 200, error: text.into(), ..FrameAnswer::default() };
            // events have no method, and neither have refusals of what could not be read
            let is_answer =
                answer.method.is_some() || answer.id.is_some() && self.frame_error(&answer).is_some();
            return is_answer.then_some(answer);
        }
        if let Some(stream) = self.token_stream(path) {
            let success = json.pointer(&stream.answer.success).and_then(Value::as_bool);
            // events have neither, and a refusal may have its error alone
            let error = json.pointer(&stream.answer.error).filter(|error| !error.is_null());
            let success = success.or(error.map(|_| false))?;
            let method = json.get(&stream.members.method)?.as_str()?;
            let number = json.get(&stream.members.id).map(Value::to_string);
            let error = error.map_or("null".to_owned(), Value::to_string);
            let error =
                if success { String::new() } else { fill(&stream.answer.body, &[("{error}", &error)]) };
            return Some(FrameAnswer {
                id: Some(stream.echo(Some(method), number.as_deref())),
                method: Some(method.to_owned()),
                status: if success { 200 } else { 400 },
                error: error.into_bytes(),
                said: text.into(),
                ..FrameAnswer::default()
            });
        }
        let stream = self.stream.as_ref()?;
        let id = Some(json.get(&stream.members.id)?.to_string());
        let status = text_at(&json, &stream.answer.status)?.parse().ok()?;
        let error =
            json.pointer(&stream.answer.error).map_or(Vec::new(), |error| error.to_string().into_bytes());
        let time = |pointer: &String| Clock::read_any(&text_at(&json, pointer)?);
        let again = stream.answer.again.as_ref().and_then(|again| Some((time(&again.at)?, time(&again.now))));
        let counts = stream.answer.counts.as_ref().map_or(Vec::new(), |counts| counts.headers(&json));
        Some(FrameAnswer { id, method: None, status, error, said: text.into(), counts, again })
    }

    /// Reads a message that may answer the gateway's own log-in: done, refused with the exchange's code or, if it has none,
    /// words, or neither.
    pub fn login_answer(&self, path: &str, text: &str) -> Option<Result<(), ExchangeError>> {
        let login = &self.login_stream(path)?.login;
        if let Some(error) = self.read_error(200, text.as_bytes()) {
            return Some(Err(error));
        }
        let json: Value = serde_json::from_str(text).ok()?;
        if let Some(reason) = login.failed.as_ref().and_then(|failed| failed.reason(&json)) {
            return Some(Err(ExchangeError { kind: ErrorKind::Other, code: reason, text: String::new() }));
        }
        login.done.is_in(&json).then_some(Ok(()))
    }

    /// The exchange's error in an answer; `None` if it is a success.
    pub fn frame_error(&self, answer: &FrameAnswer) -> Option<ExchangeError> {
        self.read_error(answer.status, &answer.error)
    }
}
