//! The values of a document.

use std::ops::Range;

use smol_str::SmolStr;

use super::quote;

/// A value. Most texts in requests are short, and stand in their place instead of on the heap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// A string, unescaped.
    Text(SmolStr),
    /// A number, as written.
    Number(SmolStr),
    Bool(bool),
    Null,
    Array(Vec<Json>),
    Object(Vec<Member>),
}

/// A member of an object, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: SmolStr,
    pub(crate) value: Json,
    pub(in crate::request) span: Range<usize>,
}

impl Json {
    /// The text of a string or number.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) | Json::Number(text) => Some(text),
            _ => None,
        }
    }

    /// A member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        self.members().iter().find(|member| member.name == name).map(|member| &member.value)
    }

    /// The only item of a list.
    pub(crate) fn only_item(&self) -> Option<&Json> {
        match self {
            Json::Array(items) => items.first().filter(|_| items.len() == 1),
            _ => None,
        }
    }

    /// One text for all ways to write the same: without spaces, members sorted by name, numbers as strings.
    pub(crate) fn canonical(&self) -> String {
        let list = |items: Vec<String>| items.join(",");
        match self {
            Json::Text(text) | Json::Number(text) => quote(text),
            Json::Bool(value) => value.to_string(),
            Json::Null => "null".to_owned(),
            Json::Array(items) => format!("[{}]", list(items.iter().map(Json::canonical).collect())),
            Json::Object(members) => {
                let mut own: Vec<_> = members
                    .iter()
                    .map(|member| format!("{}:{}", quote(&member.name), member.value.canonical()))
                    .collect();
                own.sort();
                format!("{{{}}}", list(own))
            }
        }
    }

    /// The members of an object; none for anything else.
    pub(crate) fn members(&self) -> &[Member] {
        match self {
            Json::Object(members) => members,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;

    #[test]
    fn one_document_has_one_canonical_text_however_it_is_written() {
        let canonical = |text: &str| Document::parse(text).unwrap().root().canonical();
        let one = canonical(r#"{"a":"1","b":[true,null,{"d":"x\"","c":2.50}]}"#);
        assert_eq!(one, r#"{"a":"1","b":[true,null,{"c":"2.50","d":"x\""}]}"#);
        for same in [
            r#" { "a" : 1 , "b" : [ true , null , { "d" : "\u0078\"", "c" : "2.50" } ] } "#,
            r#"{"b":[true,null,{"c":2.50,"d":"x\""}],"a":"1"}"#,
        ] {
            assert_eq!(canonical(same), one, "{same}");
        }
        for other in [r#"{"a":"2","b":[true,null,{"d":"x\"","c":2.50}]}"#, r#"{"a":"1","b":[]}"#, r#"["1"]"#]
        {
            assert_ne!(canonical(other), one, "{other}");
        }
    }
}
