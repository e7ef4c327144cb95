//! The headers of an answer: its head as it came, and where the names and values stand in it. Few of them are ever
//! looked at, so none is turned into anything before.

use bytes::Bytes;

#[derive(Clone, Default)]
pub struct Headers {
    head: Bytes,
    fields: Vec<Field>,
}

/// Places in the head.
#[derive(Clone, Copy)]
struct Field {
    name: (u16, u16),
    value: (u16, u16),
}

impl Headers {
    /// What a parser found in `head`. `None` if it is too long, or something was found elsewhere.
    pub(super) fn of(head: &[u8], found: &[httparse::Header<'_>]) -> Option<Headers> {
        let place = |part: &[u8]| {
            let start = (part.as_ptr() as usize).checked_sub(head.as_ptr() as usize)?;
            head.get(start..start + part.len())?;
            Some((u16::try_from(start).ok()?, u16::try_from(start + part.len()).ok()?))
        };
        let mut fields = Vec::with_capacity(found.len());
        for header in found {
            fields.push(Field { name: place(header.name.as_bytes())?, value: place(header.value)? });
        }
        Some(Headers { head: Bytes::copy_from_slice(head), fields })
    }

    /// Headers that stand for what was told elsewhere.
    pub fn told<'h>(headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> Headers {
        let (mut head, mut fields) = (Vec::new(), Vec::new());
        let mut put = |text: &str| {
            let start = head.len();
            head.extend_from_slice(text.as_bytes());
            Some((u16::try_from(start).ok()?, u16::try_from(head.len()).ok()?))
        };
        for (name, value) in headers {
            if let (Some(name), Some(value)) = (put(name), put(value)) {
                fields.push(Field { name, value });
            }
        }
        Headers { head: head.into(), fields }
    }

    /// The first value of a header, if it is text; the name in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.parts().find(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok()
    }

    /// Every value of a header.
    pub(super) fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        self.parts().filter(move |(own, _)| own.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        // names are tokens: the parser saw to it
        self.parts().map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value))
    }

    fn parts(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let part = |(start, end): (u16, u16)| &self.head[usize::from(start)..usize::from(end)];
        self.fields.iter().map(move |field| (part(field.name), part(field.value)))
    }
}
