//! How a stream ends, and what its client is told.

use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::bound::CHANGED;
use crate::gateway::Denial;

/// Why a stream ends.
pub enum End {
    /// The client went away; it needs to be told nothing.
    ClientLeft,
    /// The client does not read.
    ClientSlow,
    /// The client gave no sign of life.
    ClientIdle,
    /// Nobody showed a key on it.
    NoKey,
    /// The client sent what no frame may be.
    NotText,
    /// The key may not go on.
    Denied(Denial),
    /// The connection to the exchange broke or was closed.
    Broken(String),
    /// The exchange did not answer a frame in time.
    Late,
    /// The server stops.
    Stopping,
}

impl End {
    /// Close code and reason. Codes of which client libraries know that they should come back, except where
    /// somebody has to change something first.
    pub fn close(&self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            End::ClientLeft | End::ClientSlow => return None,
            End::ClientIdle => (CloseCode::Policy, "Keygate: no sign of life [idle]".to_owned()),
            End::NoKey => {
                (CloseCode::Policy, "Keygate: nobody showed a key on this stream [no-key]".to_owned())
            }
            End::NotText => (CloseCode::Unsupported, "Keygate: frames are text [bad-request]".to_owned()),
            End::Denied(denial) if denial.rule == "unavailable" => {
                (CloseCode::Again, "Keygate: try again [unavailable]".to_owned())
            }
            End::Denied(denial) if denial.rule == CHANGED => {
                (CloseCode::Restart, format!("Keygate: {} [{}]", denial.text, denial.rule))
            }
            End::Denied(denial) => (CloseCode::Policy, format!("Keygate: {} [{}]", denial.text, denial.rule)),
            End::Broken(_) => {
                (CloseCode::Restart, "Keygate: the exchange ended the stream [exchange-closed]".to_owned())
            }
            End::Late => {
                (CloseCode::Restart, "Keygate: the exchange did not answer [outcome-unknown]".to_owned())
            }
            End::Stopping => (CloseCode::Away, "Keygate: the server stops [stopping]".to_owned()),
        };
        Some(CloseFrame { code, reason: short(reason).into() })
    }

    /// Whether the exchange may still say what became of frames under way.
    pub fn exchange_is_there(&self) -> bool {
        !matches!(self, End::Broken(_) | End::Late)
    }

    /// The word for logs.
    pub fn as_str(&self) -> &str {
        match self {
            End::ClientLeft => "client left",
            End::ClientSlow => "client does not read",
            End::ClientIdle => "client idle",
            End::NoKey => "no key",
            End::NotText => "not text",
            End::Denied(denial) => denial.rule,
            End::Broken(_) => "exchange closed",
            End::Late => "no answer",
            End::Stopping => "stopping",
        }
    }
}

/// A reason has at most 123 bytes (RFC 6455, section 5.5).
fn short(mut reason: String) -> String {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.truncate(end);
    reason
}
