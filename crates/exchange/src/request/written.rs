//! Parameters as text again: with other values in them, without some, and in the forms exchanges sign.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Params, Setting, bare::Bare, params::Param, percent::push_encoded};

/// How a query is written in what is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QueryForm {
    /// As it is sent.
    #[default]
    Encoded,
    /// Percent-decoded.
    Decoded,
    /// Encoded anew, as JavaScript's `encodeURIComponent` does; brackets of names stay bare.
    Component,
    /// Encoded anew with capital escapes, sorted by name.
    Sorted,
}

impl Params {
    /// The text without the named parameters.
    pub(crate) fn without(&self, names: &[&str]) -> Cow<'_, str> {
        if !self.names().any(|own| names.contains(&own)) {
            return Cow::Borrowed(self.text());
        }
        let mut text = Joined::with_capacity(self.text().len());
        self.iter().filter(|item| !names.contains(&item.name)).for_each(|item| text.piece(&[item.piece]));
        Cow::Owned(text.0)
    }

    /// The text with each setting in the place of its namesake, or in front or behind if it has none, and without
    /// the parameters `dropped`.
    pub(crate) fn with(&self, settings: &[Setting<'_>], dropped: &[&str]) -> String {
        let own: usize = settings.iter().map(|set| set.name.len() + 3 * set.value.len() + 2).sum();
        let mut text = Joined::with_capacity(self.text().len() + own);
        for either in self.changed(settings, dropped) {
            match either {
                Changed::Kept(item) => text.piece(&[item.piece]),
                Changed::Set(set) => {
                    text.piece(&[set.name, "="]);
                    push_encoded(&mut text.0, &set.value, Bare::ESCAPED);
                }
            }
        }
        text.0
    }

    /// The same as it stands in what is signed.
    pub(crate) fn written_with(&self, form: QueryForm, settings: &[Setting<'_>], dropped: &[&str]) -> String {
        let items = self.changed(settings, dropped).map(|either| match either {
            Changed::Kept(item) => (item.name, item.value),
            Changed::Set(set) => (set.name, set.value.as_str()),
        });
        write(items.collect(), form)
    }

    /// The text as it stands in what is signed, without the named parameters.
    pub(crate) fn written(&self, form: QueryForm, without: &[&str]) -> Cow<'_, str> {
        let whole = !self.names().any(|own| without.contains(&own));
        if whole && self.is_written_so(form) {
            return Cow::Borrowed(self.text());
        }
        let kept = self.iter().filter(|item| !without.contains(&item.name));
        Cow::Owned(write(kept.map(|item| (item.name, item.value)).collect(), form))
    }

    fn changed<'p>(
        &'p self,
        settings: &'p [Setting<'p>],
        dropped: &'p [&'p str],
    ) -> impl Iterator<Item = Changed<'p>> {
        let absent = move |last: bool| {
            let own = settings.iter().filter(move |set| set.last == last && self.get(set.name).is_none());
            own.map(Changed::Set)
        };
        let kept = self.iter().filter(|item| !dropped.contains(&item.name));
        let kept = kept.map(|item| match settings.iter().find(|set| set.name == item.name) {
            Some(set) => Changed::Set(set),
            None => Changed::Kept(item),
        });
        absent(false).chain(kept).chain(absent(true))
    }

    /// Whether the text would stay what it is: nothing had to be decoded, and nothing has to be encoded or moved.
    fn is_written_so(&self, form: QueryForm) -> bool {
        let plain = self.is_plain();
        match form {
            QueryForm::Encoded => true,
            QueryForm::Decoded => plain,
            QueryForm::Component | QueryForm::Sorted => {
                let bare = |b: u8| Bare::ESCAPED.may_hold(b) || matches!(b, b'=' | b'&');
                let ordered = form == QueryForm::Component || self.names().is_sorted();
                plain && ordered && self.text().bytes().all(bare) && self.has_single_equals()
            }
        }
    }

    /// Whether there is no `=` in a value.
    fn has_single_equals(&self) -> bool {
        self.text().bytes().filter(|b| *b == b'=').count() == self.iter().count()
    }

    /// The decoded text, for clients that sign before they encode. Only if it names the same pairs when it
    /// is itself read as parameters: otherwise one signature would fit two meanings.
    pub(crate) fn decoded(&self, without: &str) -> Option<String> {
        let ambiguous = |item: &Param<'_>| item.value.contains(['&', '=', '%', '+', ';']);
        let mut text = Joined::with_capacity(self.text().len());
        for item in self.iter().filter(|item| item.name != without) {
            if ambiguous(&item) {
                return None;
            }
            text.piece(&[item.name, "=", item.value]);
        }
        Some(text.0)
    }
}

/// One parameter of a text that was changed.
enum Changed<'p> {
    Kept(Param<'p>),
    Set(&'p Setting<'p>),
}

/// Names and decoded values in a form other than the one they were sent in.
fn write(mut items: Vec<(&str, &str)>, form: QueryForm) -> String {
    if form == QueryForm::Sorted {
        items.sort_by_key(|(name, _)| *name);
    }
    let length = items.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
    let mut text = Joined::with_capacity(length + length / 2);
    for (name, value) in items {
        match form {
            QueryForm::Encoded | QueryForm::Decoded => text.piece(&[name, "=", value]),
            QueryForm::Component => {
                text.piece(&[name, "="]);
                push_encoded(&mut text.0, value, Bare::COMPONENT);
            }
            QueryForm::Sorted => {
                text.piece(&[]);
                push_encoded(&mut text.0, name, Bare::ESCAPED);
                text.0.push('=');
                push_encoded(&mut text.0, value, Bare::ESCAPED);
            }
        }
    }
    text.0
}

/// Pieces with `&` between them.
struct Joined(String);

impl Joined {
    fn with_capacity(length: usize) -> Joined {
        Joined(String::with_capacity(length))
    }

    fn piece(&mut self, parts: &[&str]) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        parts.iter().for_each(|part| self.0.push_str(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Allowed, Part, Refusal};

    fn parse(text: &str) -> Result<Params, Refusal> {
        Params::parse(text, Part::Query, Allowed::default())
    }

    #[test]
    fn a_parameter_is_replaced_where_it_stands_and_inserted_in_front_otherwise() {
        let params = parse("b=1&timestamp=2&signature=x&c=%2f").unwrap();
        let set = |last| [Setting { name: "timestamp", value: "9:9".to_owned(), last }];
        assert_eq!(params.with(&set(false), &["signature"]), "b=1&timestamp=9%3A9&c=%2f");
        assert_eq!(parse("b=1").unwrap().with(&set(false), &[]), "timestamp=9%3A9&b=1");
        assert_eq!(parse("b=1").unwrap().with(&set(true), &[]), "b=1&timestamp=9%3A9");
        assert_eq!(parse("").unwrap().with(&set(true), &[]), "timestamp=9%3A9");
    }

    #[test]
    fn a_query_is_written_in_each_form() {
        let params = parse("b=%c3%a9+x&a%5B%5D=(1)").unwrap();
        assert_eq!(params.written(QueryForm::Encoded, &[]), "b=%c3%a9+x&a%5B%5D=(1)");
        assert_eq!(params.written(QueryForm::Decoded, &[]), "b=é x&a[]=(1)");
        assert_eq!(params.written(QueryForm::Component, &[]), "b=%C3%A9%20x&a[]=(1)");
        assert_eq!(params.written(QueryForm::Sorted, &[]), "a%5B%5D=%281%29&b=%C3%A9%20x");
    }

    #[test]
    fn a_text_that_is_taken_as_it_is_would_be_written_the_same() {
        let forms = [QueryForm::Decoded, QueryForm::Component, QueryForm::Sorted];
        for text in [
            "a=1&b=2",
            "b=2&a=1",
            "a=1&a=0",
            "a=x,y",
            "a[]=1",
            "a=(1)&b=x:y",
            "a=b=c",
            "a=%31",
            "a=1+2",
            "a=",
        ] {
            let repeated = ["a".to_owned()];
            let params =
                Params::parse(text, Part::Query, Allowed { repeated: &repeated, equals: true }).unwrap();
            for form in forms {
                let anew = write(params.iter().map(|item| (item.name, item.value)).collect(), form);
                assert_eq!(params.written(form, &[]), anew, "{text} {form:?}");
                assert_eq!(params.written_with(form, &[], &[]), anew, "{text} {form:?}");
            }
        }
    }

    #[test]
    fn the_decoded_text_is_only_given_if_it_means_the_same() {
        assert_eq!(parse("a=b%20c%2Fd").unwrap().decoded("signature").as_deref(), Some("a=b c/d"));
        for text in ["a=b%26c", "a=b%3Dc", "a=b%2526c", "a=b%2Bc", "a=b%3Bc"] {
            assert_eq!(parse(text).unwrap().decoded("signature"), None, "{text}");
        }
    }
}
