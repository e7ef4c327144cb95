//! What a new key is to be, checked: its name, what it may do, when it ends, from where it may come.

use sqlx::types::ipnetwork::IpNetwork;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    app::App,
    error::{Error, Result},
    limits::network,
};

/// A wished-for personal key.
pub struct NewPersonal {
    pub name: Option<String>,
    pub scopes: Vec<String>,
    pub bounds: Bounds,
}

/// A wished-for virtual pair. Without scopes it gets all that the connection allows.
pub struct NewPair {
    /// Chosen by whoever asks, so that asking twice makes one pair.
    pub id: Uuid,
    pub name: Option<String>,
    pub scopes: Option<Vec<String>>,
    /// It exists only to be stolen.
    pub honey: bool,
    pub bounds: Bounds,
}

/// Until when a key opens anything, and where calls with it may come from; none is anywhere.
pub struct Bounds {
    pub expires_at: OffsetDateTime,
    pub addresses: Option<Vec<IpNetwork>>,
}

/// What a personal key may do.
pub const PERSONAL_SCOPES: [&str; 3] = ["read", "manage", "trade"];
/// How many days a key lives whose maker does not say.
pub const PERSONAL_DAYS: i64 = 90;
pub const PAIR_DAYS: i64 = LONGEST;

impl NewPersonal {
    pub fn parse(name: Option<String>, scopes: Vec<String>, bounds: Bounds) -> Result<Self> {
        if scopes.is_empty() || scopes.iter().any(|scope| !PERSONAL_SCOPES.contains(&scope.as_str())) {
            return Err(Error::field("/scopes", "needs one or more of: read, manage, trade"));
        }
        Ok(NewPersonal { name: parse_name(name)?, scopes, bounds })
    }
}

impl Bounds {
    pub fn parse(app: &App, days: i64, addresses: Option<&[String]>) -> Result<Self> {
        if !(1..=LONGEST).contains(&days) {
            return Err(Error::field("/expires_in_days", "needs 1 to 365"));
        }
        let expires_at = app.clock.now() + Duration::days(days);
        Ok(Bounds { expires_at, addresses: addresses.map(parse_addresses).transpose()? })
    }

    /// As the fields of a form have them: an empty one does not limit.
    pub fn of_form(app: &App, days: &str, addresses: &str) -> Result<Self> {
        let days = days.trim().parse().map_err(|_| Error::field("/expires_in_days", "needs 1 to 365"))?;
        let addresses: Vec<String> = addresses
            .split([',', ' ', '\n'])
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
            .collect();
        Bounds::parse(app, days, Some(&*addresses).filter(|list| !list.is_empty()))
    }
}

/// An empty list would make a key that opens nothing.
fn parse_addresses(texts: &[String]) -> Result<Vec<IpNetwork>> {
    let wrong = || {
        Error::field("/allowed_ip_addresses", "needs addresses or networks, such as 10.0.0.5 or 10.0.0.0/24")
    };
    let networks: Option<Vec<IpNetwork>> = texts.iter().map(|text| network(text)).collect();
    networks.filter(|list| (1..=MOST).contains(&list.len())).ok_or_else(wrong)
}

pub fn parse_name(name: Option<String>) -> Result<Option<String>> {
    match name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
        Some(name) if name.chars().count() > 100 || name.chars().any(char::is_control) => {
            Err(Error::field("/name", "needs at most 100 characters"))
        }
        name => Ok(name),
    }
}

const LONGEST: i64 = 365;
const MOST: usize = 100;
