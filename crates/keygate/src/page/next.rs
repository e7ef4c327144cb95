//! Where a form leads back to, as the address said. It comes from outside, so it is only ever a place on this
//! server: what is not becomes the overview, and nobody is sent to a stranger by a link to us.

use form_urlencoded::Serializer;
use serde::{Deserialize, Deserializer};

/// A path with its query, on this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next(String);

impl Next {
    /// Browsers read `//host` and `/\host` as another server, and drop tabs and line breaks before they look.
    pub fn parse(text: &str) -> Self {
        let inside = text.starts_with('/') && !text.starts_with("//") && text.len() <= LONGEST;
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        match inside && plain {
            true => Next(text.to_owned()),
            false => Next::default(),
        }
    }

    pub fn address(&self) -> &str {
        &self.0
    }

    /// The page to sign in on, and then to go on from.
    pub fn login(&self) -> String {
        match self == &Next::default() {
            true => "/login".to_owned(),
            false => {
                let query = Serializer::new(String::new()).append_pair("next", &self.0).finish();
                format!("/login?{query}")
            }
        }
    }
}

impl Default for Next {
    fn default() -> Self {
        Next("/".to_owned())
    }
}

impl<'de> Deserialize<'de> for Next {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input).map(|text| Next::parse(&text))
    }
}

const LONGEST: usize = 1000;
