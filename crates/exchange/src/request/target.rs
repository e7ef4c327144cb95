//! The raw request target: a path that every parser reads alike, and the text of the query.
//!
//! Grammar of the path: `(/[A-Za-z0-9_:~.,-]+)+/?`, no segment of dots alone, at most 500 bytes. There is no
//! percent sign in it, so there is nothing to decode, normalise or join. A comma is for public calls alone.

use super::{Part, Refusal, bare::Bare};
use crate::Class;

/// The longest path. Records have no room for more, and what cannot be put on record is not signed.
pub(crate) const MAX_PATH: usize = 500;

/// Splits a target into path and query text (without `?`; empty if there is none).
pub(super) fn split(target: &str) -> Result<(&str, &str), Refusal> {
    let refuse = |reason| Refusal::new(Part::Target, reason);
    let mark = target.bytes().position(|b| b == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(mark);
    if query == "?" {
        return Err(refuse("an empty query"));
    }
    check(path.as_bytes()).map_err(refuse)?;
    Ok((path, query.strip_prefix('?').unwrap_or_default()))
}

/// A comma makes a list of one segment (Bitfinex: `/v2/conf/a,b`). Where it could reach a second order or account it is
/// refused, also if nothing is listed there.
pub(super) fn check_list(path: &str, class: Option<Class>) -> Result<(), Refusal> {
    match class != Some(Class::Public) && path.as_bytes().contains(&b',') {
        true => Err(Refusal::new(Part::Target, "only the path of a public call may hold a comma")),
        false => Ok(()),
    }
}

fn check(path: &[u8]) -> Result<(), &'static str> {
    if path.len() > MAX_PATH {
        return Err("the path is longer than 500 bytes");
    }
    let path = path.strip_prefix(b"/").ok_or("must start with /")?;
    let path = path.strip_suffix(b"/").unwrap_or(path);
    path.split(|b| *b == b'/').try_for_each(|segment| match segment {
        [] => Err("an empty segment"),
        _ if segment.iter().all(|b| *b == b'.') => Err("a dot segment"),
        _ if Bare::PATH.is_all(segment) => Ok(()),
        _ => Err("only letters, digits and _:~.,- may stand in a path"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_and_its_query_are_split() {
        assert_eq!(split("/api/v3/order?a=1&b=?").unwrap(), ("/api/v3/order", "a=1&b=?"));
        assert_eq!(split("/api/v2/balance/").unwrap(), ("/api/v2/balance/", ""));
    }

    #[test]
    fn a_path_of_501_bytes_is_refused() {
        let path = format!("/{}", "a".repeat(499));
        assert!(split(&path).is_ok());
        assert!(split(&format!("{path}a")).is_err());
    }
}
