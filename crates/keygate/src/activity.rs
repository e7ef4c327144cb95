//! What happened with which key: one timeline of everything the gateway and the management side did.

mod api;
pub mod export;
mod histogram;
mod page;
mod rules;
mod store;

pub use api::{ActivityQuery, EntryOut, routes};
pub use histogram::{Histogram, histogram};
pub use page::pages;
pub use store::Entry;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sqlx::types::ipnetwork::IpNetwork;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    app::App,
    error::{Error, Result},
};

/// Which entries, newest first. Absent filters let everything through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub connection: Option<Uuid>,
    pub bot: Option<Uuid>,
    /// The stored key of an exchange: by it what became of a connection is found when that is gone.
    pub api_key: Option<Uuid>,
    pub exchange: Option<String>,
    /// `allow`, `deny`, `failed`, `unknown` or `management`
    pub decision: Option<String>,
    pub operation: Option<String>,
    pub class: Option<String>,
    pub request_id: Option<Uuid>,
    pub since: Option<OffsetDateTime>,
    pub until: Option<OffsetDateTime>,
    /// The id of an access key, or its prefix.
    pub access_key: Option<String>,
    pub rule: Option<String>,
    /// Calls from within this network.
    pub address: Option<IpNetwork>,
    /// Only what somebody should look at.
    pub suspicious: bool,
    /// One entry for a call whose outcome is known: its intent is left out.
    pub together: bool,
    pub before: Option<Cursor>,
}

/// A place in the timeline: entries strictly older than this one follow.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    pub at: OffsetDateTime,
    pub id: Uuid,
}

/// One page and where the next begins.
pub struct Page {
    pub entries: Vec<Entry>,
    pub next: Option<Cursor>,
}

pub async fn page(app: &App, user: Uuid, filter: &Filter, limit: i64) -> Result<Page> {
    let mut entries = store::select(app, user, filter, limit + 1).await?;
    let more = entries.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        entries.pop();
    }
    let next = entries.last().filter(|_| more).map(|entry| Cursor { at: entry.at, id: entry.id });
    Ok(Page { entries, next })
}

/// An address, or a network of them.
pub fn parse_address(text: &str) -> Result<IpNetwork> {
    let parsed = text.trim().parse::<IpNetwork>();
    parsed.map_err(|_| Error::field("/address", "needs an address or a network such as 10.0.0.0/24"))
}

/// A moment that can be looked for: a zone may lead out of the years that there are. Without a zone, as in a field of the page,
/// it is UTC.
pub fn parse_moment(text: &str, pointer: &str) -> Result<OffsetDateTime> {
    let text = text.trim();
    let forms = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    let parsed = forms.iter().find_map(|form| OffsetDateTime::parse(form, &Rfc3339).ok());
    parsed
        .and_then(|at| at.checked_to_offset(UtcOffset::UTC))
        .ok_or_else(|| Error::field(pointer, "needs a time such as 2026-01-31T12:00:00Z"))
}

/// The id of an access key in its one form; a prefix as it is.
fn access_key(text: &str) -> String {
    Uuid::parse_str(text).map_or_else(|_| text.to_owned(), |id| id.to_string())
}

/// One of the words that there are: another one would find nothing, as if nothing had happened.
fn word(text: &str, known: &[&str], pointer: &str) -> Result<String> {
    match known.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(Error::field(pointer, format!("needs one of: {}", known.join(", ")))),
    }
}

impl Filter {
    /// Nothing is stored with a NUL character, and the database takes none.
    fn checked(self) -> Result<Self> {
        let texts = [
            ("/exchange", &self.exchange),
            ("/class", &self.class),
            ("/operation", &self.operation),
            ("/access_key", &self.access_key),
            ("/rule", &self.rule),
        ];
        let odd = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains(char::is_control));
        let wrong = texts.iter().find(|(_, text)| odd(text)).map(|(pointer, _)| *pointer);
        wrong.map_or(Ok(self), |pointer| Err(Error::field(pointer, "holds a control character")))
    }
}

/// All that is recorded: public data is not.
pub const CLASSES: [&str; 8] =
    ["read", "trade", "transfer", "withdraw", "finance", "subaccount", "session", "keyadmin"];
/// The words that `decision` knows.
pub const OUTCOMES: [&str; 5] = ["allow", "deny", "failed", "unknown", "management"];

impl Cursor {
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::field("/cursor", "is not a cursor this server made");
        let bytes: [u8; 32] =
            URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
        let (at, id) = bytes.split_at(16);
        let nanos = i128::from_be_bytes(at.try_into().map_err(|_| wrong())?);
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| wrong())?;
        // nothing is older, and the database knows no year before the first
        if at.year() < 1970 {
            return Err(wrong());
        }
        Ok(Cursor { at, id: Uuid::from_slice(id).map_err(|_| wrong())? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.at.unix_timestamp_nanos().to_be_bytes()[..], self.id.as_bytes()].concat();
        out.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}
