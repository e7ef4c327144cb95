//! A signed request as bytes: what was signed, byte for byte, with the host and the length in front.

use exchange::{Method, Signed};

/// The whole request, or `None` if something in it would not be read as it was meant.
pub fn bytes(signed: &Signed) -> Option<Vec<u8>> {
    let Signed { method, origin, target, headers, body } = signed;
    let (_, host) = origin.split_once("://")?;
    let readable = target.starts_with('/')
        && each(target, |byte| byte.is_ascii_graphic() && byte != b'#')
        && headers.iter().all(|(name, value)| is_token(name) && is_text(value));
    if !readable {
        return None;
    }
    let room = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
    let mut out = Vec::with_capacity(target.len() + host.len() + room + body.len() + 112);
    for part in [method.as_str(), " ", target, " HTTP/1.1\r\nhost: ", host, "\r\n", UNPACKED] {
        out.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    if !body.is_empty() || matches!(method, Method::Post | Method::Put | Method::Patch) {
        out.extend_from_slice(b"content-length: ");
        out.extend_from_slice(body.len().to_string().as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    Some(out)
}

/// Without it an exchange may pack its answer as it likes (RFC 9110, section 12.5.3).
const UNPACKED: &str = "accept-encoding: identity\r\n";

/// RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    const NO_TOKEN: &[u8] = b"\"(),/:;<=>?@[\\]{}";
    !name.is_empty() && each(name, |byte| byte.is_ascii_graphic() && !NO_TOKEN.contains(&byte))
}

fn is_text(value: &str) -> bool {
    each(value, |byte| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t')
}

/// Looks at all of them whatever it finds: nearly always there is nothing to find, and so the compiler takes many at once.
fn each(text: &str, holds: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & holds(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(method: Method, target: &str, header: (&str, &str), body: &str) -> Signed {
        Signed {
            method,
            origin: "https://api.example.com".into(),
            target: target.to_owned(),
            headers: vec![(header.0.into(), header.1.to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn every_byte_of_what_was_signed_stands_on_the_wire_once() {
        let wire = |signed| String::from_utf8(bytes(&signed).unwrap()).unwrap();
        assert_eq!(
            wire(signed(Method::Get, "/a?b=%2F&c=[1]", ("key", "k"), "")),
            "GET /a?b=%2F&c=[1] HTTP/1.1\r\nhost: api.example.com\r\naccept-encoding: identity\r\nkey: k\r\n\r\n"
        );
        assert_eq!(
            wire(signed(Method::Post, "/a", ("key", "k"), "x=1")),
            "POST /a HTTP/1.1\r\nhost: api.example.com\r\naccept-encoding: identity\r\nkey: k\r\ncontent-length: 3\r\n\r\nx=1"
        );
        assert!(wire(signed(Method::Post, "/a", ("key", "k"), "")).contains("\r\ncontent-length: 0\r\n"));
    }

    #[test]
    fn what_would_be_read_as_something_else_is_not_sent() {
        for (target, name, value) in [
            ("/a b", "key", "k"),
            ("/a\r\nx: y", "key", "k"),
            ("/a#b", "key", "k"),
            ("a", "key", "k"),
            ("/a", "key", "k\r\nhost: other"),
            ("/a", "key", "k\u{e9}"),
            ("/a", "ke y", "k"),
            ("/a", "key:", "k"),
            ("/a", "", "k"),
        ] {
            let refused = bytes(&signed(Method::Get, target, (name, value), ""));
            assert!(refused.is_none(), "{target:?} {name:?} {value:?}");
        }
    }
}
