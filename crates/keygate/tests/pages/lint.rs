//! What every page must be: well-formed, and usable by keyboard and screen reader.

use crate::visitor::{Answer, SECRET};

/// A whole answer: what stands in it, and the headers around it.
pub fn answer(answer: &Answer) {
    check(&answer.path, &answer.text);
    for (name, value) in HEADERS {
        assert_eq!(answer.headers[name].to_str().unwrap(), value, "{}: {name}", answer.path);
    }
    assert!(!answer.text.contains(SECRET) || answer.path.starts_with("/connections/new"), "{}", answer.path);
}

/// Panics with the first thing that is wrong.
pub fn check(path: &str, page: &str) {
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\" data-theme="), "{path}: no language");
    assert_eq!(page.matches("<h1").count(), 1, "{path}: one h1");
    assert!(
        page.contains("class=\"skip\" href=\"#main\"") && page.contains("<main id=\"main\""),
        "{path}: skip link"
    );
    for inline in [" style=", " onclick=", " onload=", "<style", "javascript:"] {
        assert!(!page.contains(inline), "{path}: {inline} is inline");
    }
    assert!(page.split("<script").skip(1).all(|rest| rest.starts_with(" src=")), "{path}: inline script");
    let tags = tags(page);
    balanced(path, &tags);
    fields_have_labels(path, page, &tags);
    ids_are_unique(path, &tags);
}

fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect()
}

fn balanced(path: &str, tags: &[&str]) {
    let mut open: Vec<&str> = Vec::new();
    for tag in tags.iter().filter(|tag| !tag.starts_with('!') && !tag.ends_with('/')) {
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{path}: </{name}> closes another element"),
            None if EMPTY.contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{path}: {open:?} stay open");
}

/// By `for`, or by standing inside its label.
fn fields_have_labels(path: &str, page: &str, tags: &[&str]) {
    let mut inside = false;
    for tag in tags {
        match tag.split_whitespace().next().unwrap() {
            "label" => inside = true,
            "/label" => inside = false,
            "input" | "select" | "textarea" if attribute(tag, "type") != Some("hidden") && !inside => {
                let id = attribute(tag, "id").unwrap_or_else(|| panic!("{path}: {tag} has no id"));
                assert!(page.contains(&format!("<label for=\"{id}\"")), "{path}: {id} has no label");
            }
            _ => {}
        }
    }
}

fn ids_are_unique(path: &str, tags: &[&str]) {
    let mut ids: Vec<&str> = tags.iter().filter_map(|tag| attribute(tag, "id")).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{path}: an id twice in {ids:?}");
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

const EMPTY: [&str; 5] = ["br", "input", "link", "meta", "hr"];

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", CSP),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-type", "text/html; charset=utf-8"),
];

#[test]
#[should_panic(expected = "has no label")]
fn field_without_label_is_found() {
    fields_have_labels("/", "<input id=\"a\">", &["input id=\"a\""]);
}

#[test]
#[should_panic(expected = "closes another element")]
fn crossed_tags_are_found() {
    balanced("/", &["p", "b", "/p", "/b"]);
}
