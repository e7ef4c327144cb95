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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_on_this_server_is_kept_with_its_query() {
        for place in ["/", "/bots", "/activity?decision=deny&since=2026-01-31T12%3A00", "/a:b", "/@b", "/./"]
        {
            assert_eq!(Next::parse(place).address(), place);
        }
    }

    #[test]
    fn place_anywhere_else_becomes_the_overview() {
        for place in HOSTILE {
            assert_eq!(Next::parse(place).address(), "/", "{place}");
        }
        assert_eq!(Next::parse(&format!("/{}", "a".repeat(LONGEST))).address(), "/");
    }

    #[test]
    fn overview_needs_no_mention() {
        assert_eq!(Next::default().login(), "/login");
        assert_eq!(Next::parse("/bots?a=b&c").login(), "/login?next=%2Fbots%3Fa%3Db%26c");
    }

    const HOSTILE: [&str; 14] = [
        "",
        "bots",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/bots\\..",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "/b\u{f6}ts",
    ];
}
