//! Files in MaxMind's format, supplied by whoever runs this site: where addresses are, who runs them, which hide their users.
//!
//! Always holds: without a file, or with a broken one, nothing is known and nothing fails. A file that is replaced is read
//! again within half a minute; one that cannot be read leaves what was read before.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use maxminddb::{MaxMindDbError, Reader, geoip2::AnonymousIp};
use serde::{Deserialize, Deserializer, de::Visitor};

use super::place::{Place, Point};
use crate::config::GeoIp;

pub struct Geo {
    city: File,
    operator: File,
    anonymous: File,
    /// Rises whenever a file was read: what was looked up before may be another answer now.
    generation: AtomicU64,
}

struct File {
    path: PathBuf,
    read: RwLock<Read>,
}

#[derive(Default)]
struct Read {
    stamp: Option<Stamp>,
    tried: bool,
    reader: Option<Arc<Reader<Vec<u8>>>>,
}

/// What tells two states of a file apart.
type Stamp = (SystemTime, u64);

impl Geo {
    pub fn new(config: &GeoIp) -> Geo {
        let geo = Geo {
            city: File::new(&config.city),
            operator: File::new(&config.asn),
            anonymous: File::new(&config.anonymous),
            generation: AtomicU64::new(0),
        };
        geo.refresh();
        geo
    }

    /// Reads what has changed.
    pub fn refresh(&self) {
        let changed = [&self.city, &self.operator, &self.anonymous].map(File::refresh);
        if changed.contains(&true) {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn locate(&self, ip: IpAddr) -> Place {
        let ip = ip.to_canonical();
        let [city, operator, anonymous] = [&self.city, &self.operator, &self.anonymous].map(File::reader);
        let city: City = look_up(city.as_deref(), ip).unwrap_or_default();
        let operator: Operator = look_up(operator.as_deref(), ip).unwrap_or_default();
        let anonymous: Option<AnonymousIp> = look_up(anonymous.as_deref(), ip);
        let point = city.location.latitude.zip(city.location.longitude);
        Place {
            country: city.country.iso_code,
            operator: operator.autonomous_system_number.map(|Number(number)| number as u32),
            point: point.map(|(Number(latitude), Number(longitude))| Point { latitude, longitude }),
            is_anonymous: anonymous.is_some_and(|own| hides(&own)),
        }
    }
}

/// Of a file of countries or cities, what is used here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct City {
    country: Country,
    location: Location,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Country {
    iso_code: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    latitude: Option<Number>,
    longitude: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Operator {
    autonomous_system_number: Option<Number>,
}

/// Of whatever type: those who make such files do not agree on one.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(AnyNumber)
    }
}

struct AnyNumber;

impl Visitor<'_> for AnyNumber {
    type Value = Number;

    fn expecting(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str("a number")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }
}

/// What a file says about an address, if it says anything that can be understood.
fn look_up<'r, T: Deserialize<'r>>(reader: Option<&'r Reader<Vec<u8>>>, ip: IpAddr) -> Option<T> {
    reader?.lookup(ip).ok()?.decode().ok()?
}

/// A data centre alone hides nobody: that is where bots live.
fn hides(own: &AnonymousIp) -> bool {
    let marks = [own.is_anonymous, own.is_anonymous_vpn, own.is_public_proxy, own.is_tor_exit_node];
    marks.contains(&Some(true)) || own.is_residential_proxy == Some(true)
}

impl File {
    fn new(path: &Path) -> File {
        File { path: path.to_owned(), read: RwLock::default() }
    }

    /// True: there is something else to look into now.
    fn refresh(&self) -> bool {
        if self.path.as_os_str().is_empty() {
            return false;
        }
        let stamp = stamp(&self.path);
        let known = self.read.read().unwrap_or_else(PoisonError::into_inner).stamp;
        if stamp.is_some() && stamp == known {
            return false;
        }
        let opened = open(&self.path);
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        // a file that is missing all along is missed once
        let is_news = stamp.is_some() || known.is_some() || !read.tried;
        (read.stamp, read.tried) = (stamp, true);
        match opened {
            Ok(reader) => {
                tracing::info!(file = %self.path.display(), "a GeoIP file was read");
                read.reader = Some(Arc::new(reader));
                true
            }
            Err(error) => {
                if is_news {
                    tracing::warn!(file = %self.path.display(), %error, "a GeoIP file cannot be used");
                }
                false
            }
        }
    }

    fn reader(&self) -> Option<Arc<Reader<Vec<u8>>>> {
        self.read.read().unwrap_or_else(PoisonError::into_inner).reader.clone()
    }
}

fn open(path: &Path) -> Result<Reader<Vec<u8>>, MaxMindDbError> {
    Reader::open_readfile(path)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// What is wrong with a file, looked at from end to end; for whoever asks before they trust it.
pub fn examine(path: &Path) -> Result<(), String> {
    let reader = open(path).map_err(|error| error.to_string())?;
    reader.verify().map_err(|error| error.to_string())
}
