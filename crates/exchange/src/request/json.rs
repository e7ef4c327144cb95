//! A JSON object as the client wrote it: checked strictly, edited in the text, never written anew.
//!
//! Beyond RFC 8259 it refuses what two parsers could read differently or what only an attacker sends: a member
//! name twice in one object (ignoring case, as some parsers do), escapes in names, lone surrogates, control
//! characters, more than 16 levels, 512 values or 8 KiB in one string.

use std::ops::Range;

use super::{Refusal, scan::Scanner};

/// A checked object over its own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    text: String,
    members: Vec<Member>,
    open: usize,
}

/// A member of the outermost object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) value: Scalar,
    pub(super) span: Range<usize>,
}

/// A value, as far as it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A string, unescaped.
    Text(String),
    /// A number, as written.
    Number(String),
    /// `null`.
    Null,
    /// `true`, `false`, an array or an object.
    Other,
}

impl Document {
    /// Reads `text`, which must be one object.
    pub(crate) fn parse(text: &str) -> Result<Document, Refusal> {
        let (members, open) = Scanner::new(text).document()?;
        Ok(Document { text: text.to_owned(), members, open })
    }

    /// `{}`
    pub(crate) fn empty() -> Document {
        Document { text: "{}".to_owned(), members: Vec::new(), open: 1 }
    }

    /// The text as the client wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The members of the outermost object in their order.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The text of a string or number member.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        match &self.members.iter().find(|member| member.name == name)?.value {
            Scalar::Text(text) | Scalar::Number(text) => Some(text),
            Scalar::Null | Scalar::Other => None,
        }
    }

    /// Whether a member has a value that is neither text, number nor null.
    pub(crate) fn is_nested(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name && member.value == Scalar::Other)
    }

    /// The text with each setting in the place of its namesake, or in front, in order, if it has none. A
    /// value takes the form of the number or string it replaces.
    pub(crate) fn with(&self, settings: &[(&str, String)]) -> String {
        let mut text = self.text.clone();
        let mut replaced: Vec<_> = settings
            .iter()
            .filter_map(|(name, value)| Some((self.members.iter().find(|own| own.name == *name)?, value)))
            .collect();
        replaced.sort_by_key(|(member, _)| std::cmp::Reverse(member.span.start));
        for (member, value) in replaced {
            let number =
                matches!(member.value, Scalar::Number(_)) && value.bytes().all(|b| b.is_ascii_digit());
            text.replace_range(member.span.clone(), &if number { value.clone() } else { quote(value) });
        }
        let absent = settings.iter().filter(|(name, _)| self.members.iter().all(|own| own.name != *name));
        let front: Vec<_> = absent.map(|(name, value)| format!("{}:{}", quote(name), quote(value))).collect();
        let comma = if front.is_empty() || self.members.is_empty() { "" } else { "," };
        text.insert_str(self.open, &(front.join(",") + comma));
        text
    }
}

/// `text` as a JSON string with its quotes.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_in_the_text_and_everything_else_stays() {
        let document = Document::parse("{ \"b\" : 1.50, \"nonce\":7 ,\"a\":\"\\u00e9\" }").unwrap();
        let set = [("token", "t\"".to_owned()), ("nonce", "8".to_owned())];
        assert_eq!(
            document.with(&set),
            "{\"token\":\"t\\\"\", \"b\" : 1.50, \"nonce\":8 ,\"a\":\"\\u00e9\" }"
        );
        assert_eq!(Document::parse("{}").unwrap().with(&set), "{\"token\":\"t\\\"\",\"nonce\":\"8\"}");
    }

    #[test]
    fn numbers_keep_their_text() {
        let document = Document::parse("{\"price\":50000.10,\"qty\":\"0.1\"}").unwrap();
        assert_eq!(document.get("price"), Some("50000.10"));
        assert_eq!(document.get("qty"), Some("0.1"));
    }

    #[test]
    fn a_name_given_twice_is_refused_at_any_depth() {
        for text in
            [r#"{"a":1,"a":1}"#, r#"{"a":1,"A":1}"#, r#"{"x":{"a":1,"a":1}}"#, r#"{"x":[[{"a":1,"a":1}]]}"#]
        {
            assert_eq!(Document::parse(text).unwrap_err().reason, "given twice", "{text}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let deep = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(Document::parse(&deep(15)).is_ok());
        assert_eq!(Document::parse(&deep(16)).unwrap_err().reason, "deeper than 16 levels");
        assert!(Document::parse(&deep(60_000)).is_err());
        let wide = |values: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(values - 2));
        assert!(Document::parse(&wide(512)).is_ok());
        assert_eq!(Document::parse(&wide(513)).unwrap_err().reason, "more than 512 values");
        let long = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length));
        assert!(Document::parse(&long(8192)).is_ok());
        assert_eq!(Document::parse(&long(8193)).unwrap_err().reason, "a string longer than 8 KiB");
    }
}
