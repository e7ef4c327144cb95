//! What both sides of a stream say to show that they are there, where pings of the protocol do not do.

use serde::Deserialize;
use serde_json::Value;

use super::{Definition, Members, login::Sign};
use crate::moment::Clock;

/// The gateway answers its clients by itself, and asks the exchange by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heartbeat {
    ask: String,
    /// The method of a client's, where it is a frame; otherwise it is the text alone.
    pub(super) method: Option<String>,
    /// As a frame with the holes of every answer, and `{now}` in the form of `clock`.
    answer: String,
    #[serde(default)]
    clock: Clock,
    /// Where the exchange's answer is told from other frames; otherwise it is the text of ours.
    heard: Option<Sign>,
}

impl Heartbeat {
    /// Whether frames with this method are for this.
    pub(crate) fn is(&self, method: &str) -> bool {
        self.method.as_deref() == Some(method)
    }

    /// What the texts alone can say.
    pub(super) fn check(&self, members: &Members) -> Result<(), &'static str> {
        let frame = |text| serde_json::from_str::<Value>(text).is_ok_and(|json| json.is_object());
        match (&self.method, &self.heard) {
            (None, None) if !frame(&self.ask) => Ok(()),
            (Some(_), Some(_)) if frame(&self.ask) && members.is_answer(&self.answer, &[("{now}", "1")]) => {
                Ok(())
            }
            _ => Err("a heartbeat is texts alone, or JSON with a method and where it is heard"),
        }
    }
}

impl Definition {
    /// What the gateway says to the exchange on the stream at `path` to show that it is there; `None` if pings of the
    /// protocol do. A client may say the same.
    pub fn heartbeat(&self, path: &str) -> Option<&str> {
        self.heartbeat_at(path).map(|(own, _)| own.ask.as_str())
    }

    /// Whether a message of the exchange answers that and nothing else.
    pub fn is_heartbeat_answer(&self, path: &str, message: &str) -> bool {
        let Some((own, _)) = self.heartbeat_at(path) else { return false };
        match &own.heard {
            None => own.answer == message,
            Some(heard) => serde_json::from_str(message).is_ok_and(|json| heard.is_in(&json)),
        }
    }

    /// What a client hears; `id` as JSON.
    pub fn answer_heartbeat(&self, path: &str, id: &str, now_ms: u64) -> String {
        let told = |(own, members): (&Heartbeat, &Members)| {
            members.fill(&own.answer, id, "\"\"", &[("{now}", &own.clock.text(now_ms))])
        };
        self.heartbeat_at(path).map(told).unwrap_or_default()
    }

    fn heartbeat_at(&self, path: &str) -> Option<(&Heartbeat, &Members)> {
        let login = self.login_stream(path).map(|stream| (&stream.heartbeat, &stream.members));
        login.or_else(|| self.token_stream(path).map(|stream| (&stream.heartbeat, &stream.members)))
    }
}
