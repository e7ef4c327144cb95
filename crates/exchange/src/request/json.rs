//! A JSON object as the client wrote it: checked strictly, edited in the text, never written anew.
//!
//! Beyond RFC 8259 it refuses what two parsers could read differently or what only an attacker sends: a member
//! name twice in one object (ignoring case, as some parsers do), escapes in names, lone surrogates, control
//! characters, more than 16 levels, 512 values or 8 KiB in one string.

mod value;

pub(crate) use self::value::{Json, Member};

use super::{Part, Refusal, scan::Scanner};

/// A checked object or array over its own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    text: String,
    root: Json,
    open: usize,
}

/// A member to set: its name, its value as text, and whether it goes behind the others if it is new.
#[derive(Clone, Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: String,
    pub(crate) last: bool,
}

impl Document {
    /// Reads `text`, which must be one object or one array.
    pub(crate) fn parse(text: &str) -> Result<Document, Refusal> {
        Document::take(text.to_owned())
    }

    /// The same without a copy.
    pub(crate) fn take(text: String) -> Result<Document, Refusal> {
        let (root, open) = Scanner::new(&text).document()?;
        Ok(Document { text, root, open })
    }

    /// Reads `text`, which must be one object.
    pub(crate) fn parse_object(text: &str) -> Result<Document, Refusal> {
        let document = Document::parse(text)?;
        match document.root {
            Json::Object(_) => Ok(document),
            _ => Err(Refusal::new(Part::Body, "must be a JSON object")),
        }
    }

    /// `{}`
    pub(crate) fn empty() -> Document {
        Document { text: "{}".to_owned(), root: Json::Object(Vec::new()), open: 1 }
    }

    /// The text as the client wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What it holds.
    pub(crate) fn root(&self) -> &Json {
        &self.root
    }

    /// The same without the text.
    pub(crate) fn into_root(self) -> Json {
        self.root
    }

    /// The members of the outermost object in their order; none for an array.
    pub(crate) fn members(&self) -> &[Member] {
        self.root.members()
    }

    /// The text of a string or number member of the outermost object.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.root.get(name)?.text()
    }

    /// The text of a string member of the outermost object; a number is none.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        match self.root.get(name)? {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A member's value as the client wrote it.
    pub(crate) fn member_text(&self, name: &str) -> Option<&str> {
        let member = self.members().iter().find(|member| member.name == name)?;
        self.text.get(member.span.clone())
    }

    /// The text with a member's value replaced by other JSON, or behind the others if there is no such member.
    pub(crate) fn put(&self, name: &str, json: &str) -> String {
        let mut text = self.text.clone();
        match (self.members().iter().find(|member| member.name == name), self.members().last()) {
            (Some(own), _) => text.replace_range(own.span.clone(), json),
            (None, Some(last)) => text.insert_str(last.span.end, &format!(",{}:{json}", quote(name))),
            (None, None) => text.insert_str(self.open, &format!("{}:{json}", quote(name))),
        }
        text
    }

    /// The text with each setting in the place of its namesake, or in front or behind, in order, if it has none.
    /// A value takes the form of the number or string it replaces. An array stays as it is.
    pub(crate) fn with(&self, settings: &[Setting<'_>]) -> String {
        let Json::Object(members) = &self.root else { return self.text.clone() };
        let own: usize = settings.iter().map(|set| set.name.len() + 2 * set.value.len() + 6).sum();
        let mut text = String::with_capacity(self.text.len() + own);
        let absent = |last: bool| {
            settings.iter().filter(move |set| set.last == last && self.root.get(set.name).is_none())
        };
        text.push_str(&self.text[..self.open]);
        absent(false).for_each(|set| push_member(&mut text, set));
        let mut copied = self.open;
        if !members.is_empty() && text.len() > self.open {
            text.push(',');
        }
        for member in members {
            let end = match settings.iter().find(|set| set.name == member.name) {
                Some(set) => {
                    text.push_str(&self.text[copied..member.span.start]);
                    push_value(&mut text, &set.value, &member.value);
                    member.span.end
                }
                None => copied,
            };
            copied = end;
        }
        let end = members.last().map_or(self.open, |member| member.span.end);
        text.push_str(&self.text[copied..end]);
        absent(true).for_each(|set| push_member(&mut text, set));
        text.push_str(&self.text[end..]);
        text
    }
}

/// Behind what is there.
fn push_member(text: &mut String, set: &Setting<'_>) {
    if !text.ends_with('{') {
        text.push(',');
    }
    push_quoted(text, set.name);
    text.push(':');
    push_quoted(text, &set.value);
}

/// In the form of the value that stood there.
fn push_value(text: &mut String, value: &str, former: &Json) {
    match matches!(former, Json::Number(_)) && value.bytes().all(|b| b.is_ascii_digit()) {
        true => text.push_str(value),
        false => push_quoted(text, value),
    }
}

/// `text` as a JSON string with its quotes.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_quoted(&mut quoted, text);
    quoted
}

/// The same, behind another text.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    match text.bytes().any(|b| b < b' ' || b == b'"' || b == b'\\') {
        true => out.push_str(&serde_json::Value::from(text).to_string()),
        false => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_in_the_text_and_everything_else_stays() {
        let document = Document::parse("{ \"b\" : 1.50, \"nonce\":7 ,\"a\":\"\\u00e9\" }").unwrap();
        let set = |name, value: &str, last| Setting { name, value: value.to_owned(), last };
        let set = [set("token", "t\"", false), set("nonce", "8", false), set("end", "z", true)];
        assert_eq!(
            document.with(&set),
            "{\"token\":\"t\\\"\", \"b\" : 1.50, \"nonce\":8 ,\"a\":\"\\u00e9\",\"end\":\"z\" }"
        );
        assert_eq!(
            Document::parse("{}").unwrap().with(&set),
            "{\"token\":\"t\\\"\",\"nonce\":\"8\",\"end\":\"z\"}"
        );
        assert_eq!(Document::parse("[1]").unwrap().with(&set), "[1]");
    }

    #[test]
    fn a_member_is_put_where_it_stands_and_behind_the_others_otherwise() {
        let put = |text: &str, name, json| Document::parse(text).unwrap().put(name, json);
        assert_eq!(put("{ \"a\" : [1] ,\"b\":2}", "a", "{}"), "{ \"a\" : {} ,\"b\":2}");
        assert_eq!(put("{\"a\":1 }", "c", "3"), "{\"a\":1,\"c\":3 }");
        assert_eq!(put("{ }", "c", "\"x\""), "{\"c\":\"x\" }");
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
