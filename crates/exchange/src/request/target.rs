//! The raw request target: a path that every parser reads alike, and the text of the query.
//!
//! Grammar of the path: `(/[A-Za-z0-9_:~.,-]+)+/?`, no segment of dots alone, at most 512 bytes. There is no
//! percent sign in it, so there is nothing to decode, normalise or join. A comma is for public calls alone.

use super::{Part, Refusal};
use crate::Class;

const MAX_PATH: usize = 512;

/// Splits a target into path and query text (without `?`; empty if there is none).
pub(super) fn split(target: &str) -> Result<(&str, &str), Refusal> {
    let refuse = |reason| Refusal::new(Part::Target, reason);
    let (path, query) = match target.split_once('?') {
        Some((_, "")) => return Err(refuse("an empty query")),
        Some(parts) => parts,
        None => (target, ""),
    };
    check(path).map_err(refuse)?;
    Ok((path, query))
}

/// A comma makes a list of one segment (Bitfinex: `/v2/conf/a,b`). Where it could reach a second order or account it is
/// refused, also if nothing is listed there.
pub(super) fn check_list(path: &str, class: Option<Class>) -> Result<(), Refusal> {
    match path.contains(',') && class != Some(Class::Public) {
        true => Err(Refusal::new(Part::Target, "only the path of a public call may hold a comma")),
        false => Ok(()),
    }
}

fn check(path: &str) -> Result<(), &'static str> {
    if path.len() > MAX_PATH {
        return Err("longer than 512 bytes");
    }
    let path = path.strip_prefix('/').ok_or("must start with /")?;
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').try_for_each(|segment| match segment {
        "" => Err("an empty segment"),
        _ if segment.bytes().all(|b| b == b'.') => Err("a dot segment"),
        _ if segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:~.,-".contains(&b)) => Ok(()),
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
    fn a_path_of_513_bytes_is_refused() {
        let path = format!("/{}", "a".repeat(511));
        assert!(split(&path).is_ok());
        assert!(split(&format!("{path}a")).is_err());
    }
}
