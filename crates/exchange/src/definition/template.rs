//! Texts with holes: `BITSTAMP {key}`, `{query}{body}`.

use serde::Deserialize;

/// What can stand in a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hole {
    /// The API key.
    Key,
    /// The time in milliseconds.
    NowMs,
    /// The nonce, in the profile's form.
    Nonce,
    /// The query as sent, without `?` and without the signature.
    Query,
    /// The body as sent, without the signature.
    Body,
    /// The base64 of the JSON body.
    Payload,
    /// The finished signature.
    Signature,
}

/// The values of all holes for one request; a hole that does not apply is empty.
#[derive(Clone, Copy, Default)]
pub(crate) struct Values<'a> {
    pub(crate) key: &'a str,
    pub(crate) now_ms: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) signature: &'a str,
}

/// A parsed text with holes.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Hole(Hole),
}

impl TryFrom<String> for Template {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Template, &'static str> {
        Template::parse(&text)
    }
}

impl Template {
    /// Reads a text with holes.
    pub(crate) fn parse(text: &str) -> Result<Template, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a { without its }")?;
            let hole = Hole::parse(name).ok_or("an unknown name in { }")?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Hole(hole));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template(parts))
    }

    /// Whether the text has this hole.
    pub(crate) fn has(&self, hole: Hole) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Hole(own) if *own == hole))
    }

    /// Whether all its holes are among `allowed`.
    pub(crate) fn has_only(&self, allowed: &[Hole]) -> bool {
        self.0.iter().all(|part| match part {
            Part::Text(_) => true,
            Part::Hole(hole) => allowed.contains(hole),
        })
    }

    /// Fills the holes.
    pub(crate) fn render(&self, values: &Values<'_>) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Hole(hole) => hole.value(values),
            })
            .collect()
    }

    /// The reverse of `render`: what stands in the only hole of this text, if the rest fits.
    pub(crate) fn recover<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self.0.as_slice() {
            [Part::Hole(_)] => Some(text),
            [Part::Text(before), Part::Hole(_)] => text.strip_prefix(before.as_str()),
            _ => None,
        }
    }
}

impl Hole {
    fn parse(name: &str) -> Option<Hole> {
        Some(match name {
            "key" => Hole::Key,
            "now_ms" => Hole::NowMs,
            "nonce" => Hole::Nonce,
            "query" => Hole::Query,
            "body" => Hole::Body,
            "payload" => Hole::Payload,
            "signature" => Hole::Signature,
            _ => return None,
        })
    }

    fn value<'a>(self, values: &Values<'a>) -> &'a str {
        match self {
            Hole::Key => values.key,
            Hole::NowMs => values.now_ms,
            Hole::Nonce => values.nonce,
            Hole::Query => values.query,
            Hole::Body => values.body,
            Hole::Payload => values.payload,
            Hole::Signature => values.signature,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_and_read_back() {
        let template = Template::parse("BITSTAMP {key}").unwrap();
        let values = Values { key: "abc", ..Values::default() };
        assert_eq!(template.render(&values), "BITSTAMP abc");
        assert_eq!(template.recover("BITSTAMP abc"), Some("abc"));
        assert_eq!(template.recover("bitstamp abc"), None);
    }

    #[test]
    fn a_hole_nothing_fills_is_refused() {
        assert!(Template::parse("{secret}").is_err());
        assert!(Template::parse("{key").is_err());
        assert!(!Template::parse("{signature}").unwrap().has_only(&[Hole::Key]));
    }
}
