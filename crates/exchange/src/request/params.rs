//! `name=value&name=value`, in a query or a form body, kept as the client wrote it.
//!
//! Accepted is only what every parser reads alike: no name without `=`, no second `=`, no empty piece, no raw `;`,
//! no broken percent encoding, no control character, no name twice. So the pieces joined by `&` are the text again,
//! and where a query and a body are signed as one text, it can be cut into the two in one way only.

use std::{borrow::Cow, ops::Range};

use super::{
    Part, Refusal,
    bare::Bare,
    percent::{decode, read_name},
};

/// Parsed parameters over their own text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    text: String,
    /// Names and values whose text is another one, decoded.
    decoded: String,
    items: Vec<Item>,
}

/// Where one parameter stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    /// In the text, up to the next `&`.
    piece: Range<usize>,
    name: Slice,
    value: Slice,
}

/// A part of the text, or of what was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slice {
    decoded: bool,
    at: Range<usize>,
}

/// One parameter: decoded name and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Param<'p> {
    pub(crate) name: &'p str,
    pub(crate) value: &'p str,
    /// As the client wrote both.
    pub(super) piece: &'p str,
}

/// What an endpoint allows beyond one plain value for each name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowed<'a> {
    /// The parameters that may stand several times.
    pub(crate) repeated: &'a [String],
    /// A bare `=` inside a value, as in page cursors.
    pub(crate) equals: bool,
}

const MAX_TEXT: usize = 8 * 1024;
const MAX_ITEMS: usize = 128;

impl Params {
    /// Reads `text`, a query or a form.
    pub(crate) fn parse(text: &str, part: Part, allowed: Allowed<'_>) -> Result<Params, Refusal> {
        if text.len() > MAX_TEXT {
            return Err(Refusal::new(part, "longer than 8 KiB"));
        }
        if text.is_empty() {
            return Ok(Params::default());
        }
        let pieces = text.bytes().filter(|b| *b == b'&').count() + 1;
        if pieces > MAX_ITEMS {
            return Err(Refusal::new(part, "more than 128 parameters"));
        }
        let items = Vec::with_capacity(pieces);
        let mut params = Params { text: text.to_owned(), decoded: String::new(), items };
        let bare = Bare::value(part, allowed.equals);
        let (mut seen, mut start) = (Seen::default(), 0);
        while start <= text.len() {
            let item = match plain_item(text, start, bare) {
                Some(item) => item,
                None => params.read_item(text, start, part, bare)?,
            };
            let name = params.slice(&item.name);
            if seen.perhaps(name)
                && params.names().any(|own| own.eq_ignore_ascii_case(name))
                && !allowed.repeated.iter().any(|own| own == name)
            {
                return Err(Refusal::field(part, name, "given twice"));
            }
            start = item.piece.end + 1;
            params.items.push(item);
        }
        Ok(params)
    }

    /// The parameter that begins here, decoded.
    fn read_item(&mut self, text: &str, start: usize, part: Part, bare: Bare) -> Result<Item, Refusal> {
        let end = text[start..].find('&').map_or(text.len(), |length| start + length);
        let equal = text[start..end].find('=').ok_or(Refusal::new(part, "a parameter without ="))?;
        let (name_at, value_at) = (start..start + equal, start + equal + 1..end);
        let name = read_name(&text[name_at.clone()]).map_err(|reason| Refusal::new(part, reason))?;
        let value = decode(&text[value_at.clone()], bare);
        let value = value.map_err(|reason| Refusal::field(part, &name, reason))?;
        let name = keep(&mut self.decoded, name, name_at);
        let value = keep(&mut self.decoded, value, value_at);
        Ok(Item { piece: start..end, name, value })
    }

    fn slice(&self, slice: &Slice) -> &str {
        let text = if slice.decoded { &self.decoded } else { &self.text };
        &text[slice.at.clone()]
    }

    /// The text as the client wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where a parameter stands in the text, up to the next `&`.
    pub(super) fn piece(&self, name: &str) -> Option<Range<usize>> {
        let at = self.iter().position(|own| own.name == name)?;
        Some(self.items.get(at)?.piece.clone())
    }

    /// The parameters in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        self.items.iter().map(|item| Param {
            name: self.slice(&item.name),
            value: self.slice(&item.value),
            piece: &self.text[item.piece.clone()],
        })
    }

    /// The decoded names in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| self.slice(&item.name))
    }

    /// The decoded value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let is = |item: &&Item| item.name.at.len() == name.len() && self.slice(&item.name) == name;
        self.items.iter().find(is).map(|item| self.slice(&item.value))
    }

    /// Whether the text says the same without being decoded.
    pub(crate) fn is_plain(&self) -> bool {
        self.decoded.is_empty()
    }
}

/// The parameter that begins here, if nothing in it had to be decoded: what clients mostly send, read in one go.
fn plain_item(text: &str, start: usize, bare: Bare) -> Option<Item> {
    let text = text.as_bytes().get(start..)?;
    let equal = Bare::NAME.run(text);
    let value = text.get(equal..)?.strip_prefix(b"=").filter(|_| (1..=64).contains(&equal))?;
    let length = bare.run(value);
    let end = start + equal + 1 + length;
    let ends = matches!(value.get(length), None | Some(b'&'));
    let slice = |at| Slice { decoded: false, at };
    let (name, value) = (slice(start..start + equal), slice(start + equal + 1..end));
    ends.then_some(Item { piece: start..end, name, value })
}

/// Which names cannot have been seen yet: most differ in their length or first letter.
#[derive(Default)]
pub(super) struct Seen(u64);

impl Seen {
    /// Whether a name, in any case, may have been seen before; from now on it has.
    pub(super) fn perhaps(&mut self, name: &str) -> bool {
        let first = name.bytes().next().map_or(0, |b| b.to_ascii_lowercase());
        let mark = 1 << ((name.len() + 7 * usize::from(first)) % 64);
        let before = self.0;
        self.0 |= mark;
        before & mark != 0
    }
}

/// Where a name or value stands: in the text itself, if it was not changed.
fn keep(decoded: &mut String, text: Cow<'_, str>, at: Range<usize>) -> Slice {
    match text {
        Cow::Borrowed(_) => Slice { decoded: false, at },
        Cow::Owned(text) => {
            decoded.push_str(&text);
            Slice { decoded: true, at: decoded.len() - text.len()..decoded.len() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Params, Refusal> {
        Params::parse(text, Part::Query, Allowed::default())
    }

    #[test]
    fn values_are_decoded_and_the_text_is_kept() {
        let params = parse("a=b%20c&d=e+f&g=&h=1%3D2").unwrap();
        assert_eq!(params.get("a"), Some("b c"));
        assert_eq!(params.get("d"), Some("e f"));
        assert_eq!(params.get("g"), Some(""));
        assert_eq!(params.get("h"), Some("1=2"));
        assert_eq!(params.text(), "a=b%20c&d=e+f&g=&h=1%3D2");
    }

    #[test]
    fn a_repeated_name_is_refused_unless_it_is_declared() {
        assert_eq!(parse("a=1&A=2").unwrap_err().reason, "given twice");
        let repeated = ["id".to_owned()];
        let allowed = Allowed { repeated: &repeated, equals: false };
        assert!(Params::parse("id=1&id=2", Part::Query, allowed).is_ok());
    }

    #[test]
    fn a_refusal_names_the_field_and_not_the_value() {
        let refusal = parse("symbol=secret%zz").unwrap_err();
        assert_eq!(refusal.field, "symbol");
        assert!(!refusal.to_string().contains("secret"));
    }
}
