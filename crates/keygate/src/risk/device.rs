//! What a program shows of itself: the family of its user agent and its language. Kept as a MAC, so that a record tells two
//! devices apart and says nothing about either.

use seal::{Key, mac};

/// The same for every version of a program. A program that shows nothing is a device as well.
pub fn fingerprint(key: &Key, agent: Option<&str>, language: Option<&str>) -> String {
    let family = agent.map(family).unwrap_or_default();
    let language = language.map(first_language).unwrap_or_default();
    let shown = format!("device\0{family}\0{language}");
    mac::fingerprint(key, shown.as_bytes())
}

/// `python-requests/2.32.3` -> `python-requests`; browsers by the name that only they carry.
fn family(agent: &str) -> String {
    let agent = agent.to_ascii_lowercase();
    let browser = || BROWSERS.into_iter().find(|name| agent.contains(name));
    match agent.starts_with("mozilla/") {
        true => browser().unwrap_or("mozilla").to_owned(),
        false => agent.split(['/', ' ', ';', '(']).next().unwrap_or_default().to_owned(),
    }
}

/// `de-DE,de;q=0.9` -> `de-de`
fn first_language(accepted: &str) -> String {
    accepted.split([',', ';']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The most particular first: Edge says that it is Chrome, and Chrome that it is Safari.
const BROWSERS: [&str; 6] = ["edg/", "opr/", "firefox/", "chromium/", "chrome/", "safari/"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_no_other_device_and_another_program_is_one() {
        let key = seal::random::key();
        let of = |agent: Option<&str>, language: Option<&str>| fingerprint(&key, agent, language);
        let old = of(Some("python-requests/2.31.0"), None);
        assert_eq!(old, of(Some("python-requests/2.32.3"), None));
        let firefox = |version| format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}) Firefox/{version}");
        assert_eq!(of(Some(&firefox(120)), Some("de,en")), of(Some(&firefox(131)), Some("de;q=0.8")));
        let others = [
            of(None, None),
            of(Some("ccxt/4"), None),
            of(Some("python-requests/2.31.0"), Some("fr")),
            of(Some("Mozilla/5.0 AppleWebKit/537.36 Chrome/130.0 Safari/537.36"), None),
            of(Some("Mozilla/5.0 AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0"), None),
            fingerprint(&seal::random::key(), Some("python-requests/2.31.0"), None),
        ];
        for other in &others {
            assert_ne!(&old, other);
        }
        assert_eq!(old.len(), 16);
        assert!(!old.contains("python"));
    }
}
