//! Endpoint patterns: `METHOD /path/glob`.
//!
//! `*` as the method is any method. In the path `*` stands for a piece of one segment and may have text
//! around it (`/sapi/v*/x`), `**` stands last and for one or more whole segments. A trailing slash is part
//! of the path: it matches only where the pattern has one.

use serde::Deserialize;

use crate::Method;

/// One pattern of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern {
    method: Option<Method>,
    /// The path up to its first glob. Most patterns are told apart by it, so it is compared first.
    start: String,
    /// All segments if there is a glob, none if `start` is the whole path.
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Exact(String),
    Glob { prefix: String, suffix: String },
    Rest,
}

/// How letters compare. Exchanges' own routers may ignore case, so classes are looked up both ways.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Exact,
    Ignored,
}

impl TryFrom<String> for Pattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Pattern, &'static str> {
        Pattern::parse(&text)
    }
}

impl Pattern {
    /// Reads `METHOD /path/glob`; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Pattern, &'static str> {
        let (method, path) = text.split_once(' ').ok_or("a pattern is METHOD, one space, and a path")?;
        let method = match method {
            "*" => None,
            name => Some(Method::parse(name).ok_or("unknown method")?),
        };
        let start = path.split('*').next().unwrap_or_default().to_owned();
        let inner = path.strip_prefix('/').ok_or("the path must start with /")?;
        let segments: Vec<_> = inner.split('/').map(Segment::parse).collect::<Result<_, _>>()?;
        let rest = segments.iter().position(|segment| *segment == Segment::Rest);
        match rest {
            Some(at) if at + 1 != segments.len() => Err("** may only stand last"),
            Some(0) => Err("** alone would match everything"),
            _ if start == path => Ok(Pattern { method, start, segments: Vec::new() }),
            _ => Ok(Pattern { method, start, segments }),
        }
    }

    /// Method and path of an endpoint it covers; `None` if it covers any method or the rest of a path.
    pub(crate) fn sample(&self) -> Option<(Method, String)> {
        let method = self.method?;
        if self.segments.is_empty() {
            return Some((method, self.start.clone()));
        }
        let mut path = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Exact(text) => path.push_str(&format!("/{text}")),
                Segment::Glob { prefix, suffix } => path.push_str(&format!("/{prefix}x{suffix}")),
                Segment::Rest => return None,
            }
        }
        Some((method, path))
    }

    /// The path it is for, if that is one.
    pub(super) fn plain_path(&self) -> Option<&str> {
        self.segments.is_empty().then_some(self.start.as_str())
    }

    /// Whether it is a path and all that stands behind it: there is no glob but `**`.
    fn is_tail(&self) -> bool {
        let depth = self.start.bytes().filter(|b| *b == b'/').count();
        self.segments.len() == depth && self.segments.last() == Some(&Segment::Rest)
    }

    /// Its segments.
    pub(super) fn path(&self) -> Vec<Segment> {
        let plain = self.start.split('/').skip(1).map(|text| Segment::Exact(text.to_owned()));
        if self.segments.is_empty() { plain.collect() } else { self.segments.clone() }
    }

    /// Whether it is for this method.
    pub(super) fn takes(&self, method: Method) -> bool {
        self.method.is_none_or(|own| own == method)
    }

    /// Whether this pattern covers `method` and `path` (which starts with `/`).
    pub(crate) fn matches(&self, method: Method, path: &str, case: Case) -> bool {
        if !self.takes(method) {
            return false;
        }
        if self.segments.is_empty() {
            return case.same(&self.start, path);
        }
        if !path.get(..self.start.len()).is_some_and(|start| case.same(&self.start, start)) {
            return false;
        }
        if self.is_tail() {
            return is_whole(&path[self.start.len()..]);
        }
        let mut segments = path.split('/').skip(1);
        for own in &self.segments {
            if *own == Segment::Rest {
                let mut rest = segments.peekable();
                return rest.peek().is_some() && rest.all(|segment| !segment.is_empty());
            }
            match segments.next() {
                Some(segment) if own.matches(segment, case) => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

/// Whether a path, without the slash in front, has no empty segment.
pub(super) fn is_whole(path: &str) -> bool {
    path.as_bytes().split(|b| *b == b'/').all(|segment| !segment.is_empty())
}

impl Case {
    fn same(self, a: &str, b: &str) -> bool {
        match self {
            Case::Exact => a == b,
            Case::Ignored => a.eq_ignore_ascii_case(b),
        }
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Segment, &'static str> {
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:~.-".contains(&b));
        match text.split_once('*') {
            None if plain(text) => Ok(Segment::Exact(text.to_owned())),
            Some(("", "*")) => Ok(Segment::Rest),
            Some((prefix, suffix)) if plain(prefix) && plain(suffix) => {
                Ok(Segment::Glob { prefix: prefix.to_owned(), suffix: suffix.to_owned() })
            }
            _ => Err("a path segment holds letters, digits and _:~.- and at most one *"),
        }
    }

    pub(super) fn matches(&self, segment: &str, case: Case) -> bool {
        match self {
            Segment::Exact(text) => case.same(text, segment),
            Segment::Glob { prefix, suffix } => {
                segment.len() > prefix.len() + suffix.len()
                    && segment.is_char_boundary(prefix.len())
                    && segment.is_char_boundary(segment.len() - suffix.len())
                    && case.same(prefix, &segment[..prefix.len()])
                    && case.same(suffix, &segment[segment.len() - suffix.len()..])
            }
            Segment::Rest => !segment.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, method: &str, path: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(Method::parse(method).unwrap(), path, Case::Exact)
    }

    #[test]
    fn a_star_is_a_piece_of_one_segment() {
        assert!(matches("GET /sapi/v*/x", "GET", "/sapi/v12/x"));
        assert!(!matches("GET /sapi/v*/x", "GET", "/sapi/v/x"), "a glob needs at least one character");
        assert!(!matches("GET /sapi/v*/x", "GET", "/sapi/v1/y/x"));
        assert!(matches("POST /sapi/v1/*-staking/x", "POST", "/sapi/v1/eth-staking/x"));
    }

    #[test]
    fn two_stars_are_one_or_more_segments_but_never_an_empty_one() {
        assert!(matches("GET /a/**", "GET", "/a/b"));
        assert!(matches("GET /a/**", "GET", "/a/b/c"));
        assert!(!matches("GET /a/**", "GET", "/a"));
        assert!(!matches("GET /a/**", "GET", "/a/"));
        assert!(!matches("GET /a/**", "GET", "/a/b/"));
    }

    #[test]
    fn a_trailing_slash_is_part_of_the_path() {
        assert!(matches("POST /api/v2/balance/", "POST", "/api/v2/balance/"));
        assert!(!matches("POST /api/v2/balance/", "POST", "/api/v2/balance"));
        assert!(!matches("POST /api/v2/balance", "POST", "/api/v2/balance/"));
    }

    #[test]
    fn the_method_counts_unless_it_is_a_star() {
        assert!(!matches("GET /a", "POST", "/a"));
        assert!(matches("* /a", "DELETE", "/a"));
    }

    #[test]
    fn a_pattern_that_means_nothing_or_everything_is_refused() {
        for text in [
            "GET/a",
            "GET a",
            "get /a",
            "GET  /a",
            "GET /a/**/b",
            "* /**",
            "GET /a/b**",
            "GET /a?b",
            "GET /%61",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
