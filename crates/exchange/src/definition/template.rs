//! Texts with holes: `BITSTAMP {key}`, `{ts}{method}{path}{?query}{body}`.

use aws_lc_rs::digest::{Context, SHA256, SHA512, digest};
use data_encoding::HEXLOWER;
use serde::Deserialize;

/// What can stand in a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hole {
    /// `{key}`: the API key.
    Key,
    /// `{ts}`: the time, in the form of the profile's clock.
    Time,
    /// `{ts+120}`: two minutes later.
    Expiry,
    /// `{nonce}`: in the profile's form.
    Nonce,
    /// `{method}`, in capitals.
    Method,
    /// `{host}`: of the upstream, or as the client called us.
    Host,
    /// `{path}`: the exchange's own.
    Path,
    /// `{query}`: in the profile's form, without `?` and without the signature.
    Query,
    /// `{?query}`: the same with `?` in front if there is one.
    MarkedQuery,
    /// `{body}`: as sent, without the signature.
    Body,
    /// `{sha512:body}`: in hexadecimal.
    BodyHash,
    /// `{sha256:nonce+body}`: 32 raw bytes.
    NonceBodyHash,
    /// `{payload}`: the base64 of the JSON body.
    Payload,
    /// `{content_type}`: of the body, empty without one.
    ContentType,
    /// `{passphrase}`, as the user chose it.
    Passphrase,
    /// `{passphrase_mac}`: the base64 of its HMAC-SHA256 under the secret.
    PassphraseMac,
    /// `{window}`: how old the request may be, in milliseconds.
    Window,
    /// `{json.NAME}`: a member of the JSON body.
    Member(String),
    /// `{params}`: the members of `params` in the JSON body, sorted and joined.
    Params,
    /// `{params_hash}`: SHA-512 of the parameters, in hexadecimal.
    ParamsHash,
    /// `{alg}`: the token's algorithm.
    Algorithm,
    /// `{signature}`: the finished signature, or the whole token.
    Signature,
}

/// The values of all holes for one request; a hole that does not apply is empty.
#[derive(Clone, Copy, Default)]
pub(crate) struct Values<'a> {
    pub(crate) key: &'a str,
    pub(crate) time: &'a str,
    pub(crate) expiry: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) prefix: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) passphrase: &'a str,
    pub(crate) passphrase_mac: &'a str,
    pub(crate) window: &'a str,
    pub(crate) document: Option<&'a crate::request::Json>,
    pub(crate) params: &'a str,
    pub(crate) params_hash: &'a str,
    pub(crate) algorithm: &'a str,
    pub(crate) signature: &'a str,
}

/// Most requests whose body is hashed have none.
const SHA512_OF_NOTHING: &[u8; 128] = b"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
    47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
/// Room for the short values of a text, so that it does not grow.
const ROOM: usize = 256;

/// A parsed text with holes.
#[derive(Clone, Debug, Default, Deserialize)]
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

    /// Its holes, in their order.
    pub(crate) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Hole(hole) => Some(hole),
        })
    }

    /// Whether the text has this hole.
    pub(crate) fn has(&self, hole: &Hole) -> bool {
        self.holes().any(|own| own == hole)
    }

    /// Whether the text has `{json.NAME}`.
    pub(crate) fn has_member(&self, name: &str) -> bool {
        self.holes().any(|own| matches!(own, Hole::Member(own) if own == name))
    }

    /// Whether the text is this hole and nothing else.
    pub(crate) fn is(&self, hole: &Hole) -> bool {
        matches!(self.0.as_slice(), [Part::Hole(own)] if own == hole)
    }

    /// Whether all its holes are among `allowed`.
    pub(crate) fn has_only(&self, allowed: &[Hole]) -> bool {
        self.holes().all(|hole| allowed.contains(hole))
    }

    /// Fills the holes.
    pub(crate) fn bytes(&self, values: &Values<'_>) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(ROOM + values.query.len() + values.body.len() + values.payload.len());
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Hole(hole) => hole.write(values, &mut out),
            }
        }
        out
    }

    /// Fills the holes of a text whose holes are all texts.
    pub(crate) fn text(&self, values: &Values<'_>) -> String {
        match self.0.as_slice() {
            [Part::Text(text)] => text.clone(),
            [Part::Hole(hole)] if let Some(text) = hole.alone(values) => text.to_owned(),
            _ => String::from_utf8(self.bytes(values)).unwrap_or_default(),
        }
    }

    /// The reverse of `text`: what stands in the only hole of this text, if the rest fits.
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
        if let Some(member) = name.strip_prefix("json.") {
            return Some(Hole::Member(member.to_owned()));
        }
        let names = [
            ("key", Hole::Key),
            ("ts", Hole::Time),
            ("ts+120", Hole::Expiry),
            ("nonce", Hole::Nonce),
            ("method", Hole::Method),
            ("host", Hole::Host),
            ("path", Hole::Path),
            ("query", Hole::Query),
            ("?query", Hole::MarkedQuery),
            ("body", Hole::Body),
            ("sha512:body", Hole::BodyHash),
            ("sha256:nonce+body", Hole::NonceBodyHash),
            ("payload", Hole::Payload),
            ("content_type", Hole::ContentType),
            ("passphrase", Hole::Passphrase),
            ("passphrase_mac", Hole::PassphraseMac),
            ("window", Hole::Window),
            ("params", Hole::Params),
            ("params_hash", Hole::ParamsHash),
            ("alg", Hole::Algorithm),
            ("signature", Hole::Signature),
        ];
        names.into_iter().find(|(own, _)| *own == name).map(|(_, hole)| hole)
    }

    fn write(&self, values: &Values<'_>, out: &mut Vec<u8>) {
        match self {
            Hole::Path => out.extend_from_slice(values.prefix.as_bytes()),
            Hole::MarkedQuery if !values.query.is_empty() => out.push(b'?'),
            Hole::BodyHash if values.body.is_empty() => return out.extend_from_slice(SHA512_OF_NOTHING),
            Hole::BodyHash => {
                let hash = digest(&SHA512, values.body.as_bytes());
                let mut hex = [0; 128];
                HEXLOWER.encode_mut(hash.as_ref(), &mut hex);
                return out.extend_from_slice(&hex);
            }
            Hole::NonceBodyHash => {
                let mut hash = Context::new(&SHA256);
                hash.update(values.nonce.as_bytes());
                hash.update(values.body.as_bytes());
                return out.extend_from_slice(hash.finish().as_ref());
            }
            _ => {}
        }
        out.extend_from_slice(self.value(values).as_bytes());
    }

    /// The text of a hole, if it is nothing but its value.
    fn alone<'v>(&self, values: &Values<'v>) -> Option<&'v str> {
        match self {
            Hole::Path | Hole::MarkedQuery | Hole::BodyHash | Hole::NonceBodyHash => None,
            _ => Some(self.value(values)),
        }
    }

    /// The value; empty for those that are made of others.
    fn value<'v>(&self, values: &Values<'v>) -> &'v str {
        match self {
            Hole::Key => values.key,
            Hole::Time => values.time,
            Hole::Expiry => values.expiry,
            Hole::Nonce => values.nonce,
            Hole::Method => values.method,
            Hole::Host => values.host,
            Hole::Path => values.path,
            Hole::Query | Hole::MarkedQuery => values.query,
            Hole::Body => values.body,
            Hole::BodyHash | Hole::NonceBodyHash => "",
            Hole::Payload => values.payload,
            Hole::ContentType => values.content_type,
            Hole::Passphrase => values.passphrase,
            Hole::PassphraseMac => values.passphrase_mac,
            Hole::Window => values.window,
            Hole::Member(name) => values
                .document
                .and_then(|json| json.get(name))
                .and_then(|json| json.text())
                .unwrap_or_default(),
            Hole::Params => values.params,
            Hole::ParamsHash => values.params_hash,
            Hole::Algorithm => values.algorithm,
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
        assert_eq!(template.text(&values), "BITSTAMP abc");
        assert_eq!(template.recover("BITSTAMP abc"), Some("abc"));
        assert_eq!(template.recover("bitstamp abc"), None);
    }

    #[test]
    fn a_query_has_its_mark_only_if_there_is_one() {
        let template = Template::parse("{path}{?query}").unwrap();
        let values = Values { path: "/a", ..Values::default() };
        assert_eq!(template.text(&values), "/a");
        assert_eq!(template.text(&Values { query: "b=1", ..values }), "/a?b=1");
    }

    #[test]
    fn the_hash_of_nothing_is_what_the_hash_function_says() {
        let hash = Template::parse("{sha512:body}").unwrap().text(&Values::default());
        assert_eq!(hash, HEXLOWER.encode(digest(&SHA512, b"").as_ref()));
    }

    #[test]
    fn a_hole_nothing_fills_is_refused() {
        assert!(Template::parse("{secret}").is_err());
        assert!(Template::parse("{key").is_err());
        assert!(!Template::parse("{signature}").unwrap().has_only(&[Hole::Key]));
    }
}
