//! Finding the pattern of an endpoint: a tree of path segments instead of one pattern after the other.
//!
//! Letters compare in any case on the way down, since a class is looked up both ways. What is found is the same as
//! in the list: the first pattern that covers method and path.

use std::collections::BTreeMap;

use super::pattern::{Case, Pattern, Segment, is_whole};
use crate::{Method, request::MAX_PATH};

/// Patterns in their order of precedence, each with what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints<T> {
    list: Vec<(Pattern, T)>,
    root: Node,
}

/// The patterns that go on from here, by their numbers in the list.
#[derive(Clone, Debug, Default)]
struct Node {
    /// By the next segment, in lower case.
    plain: BTreeMap<Box<str>, Node>,
    globs: Vec<(Segment, Node)>,
    /// Those that end here.
    ends: Vec<usize>,
    /// Those that take all the rest.
    rests: Vec<usize>,
}

impl<T: Copy + PartialEq> Endpoints<T> {
    /// From patterns in their order of precedence.
    pub(crate) fn new(list: Vec<(Pattern, T)>) -> Endpoints<T> {
        let mut root = Node::default();
        for (number, (pattern, _)) in list.iter().enumerate() {
            root.add(&pattern.path(), number);
        }
        Endpoints { list, root }
    }

    /// The paths of the patterns without a glob.
    pub(crate) fn plain_paths(&self) -> impl Iterator<Item = &str> {
        self.list.iter().filter_map(|(pattern, _)| pattern.plain_path())
    }

    /// What the first pattern for an endpoint stands for.
    pub(crate) fn get(&self, method: Method, path: &str) -> Option<T> {
        self.first(method, path).0
    }

    /// The same, if it does not depend on the case of the path's letters.
    pub(crate) fn get_in_any_case(&self, method: Method, path: &str) -> Option<T> {
        let (exact, any) = self.first(method, path);
        exact.filter(|_| exact == any)
    }

    /// What stands first for the path as it is, and for the path in any case.
    fn first(&self, method: Method, path: &str) -> (Option<T>, Option<T>) {
        if self.list.is_empty() {
            return (None, None);
        }
        let mut lower = [0; MAX_PATH];
        let Some(lower) = lower.get_mut(..path.len()) else { return (None, None) };
        lower.copy_from_slice(path.as_bytes());
        lower.make_ascii_lowercase();
        let (mut exact, mut any) = (usize::MAX, usize::MAX);
        let path_in_lower = std::str::from_utf8(lower).ok().and_then(|path| path.strip_prefix('/'));
        self.root.find(path_in_lower, &mut |number| {
            let Some((pattern, _)) = self.list.get(number).filter(|_| number < exact) else { return };
            if pattern.takes(method) {
                any = any.min(number);
                if pattern.matches(method, path, Case::Exact) {
                    exact = number;
                }
            }
        });
        let value = |number| self.list.get(number).map(|(_, value): &(Pattern, T)| *value);
        (value(exact), value(any))
    }
}

impl Node {
    fn add(&mut self, path: &[Segment], number: usize) {
        match path.split_first() {
            None => self.ends.push(number),
            Some((Segment::Rest, _)) => self.rests.push(number),
            Some((Segment::Exact(text), path)) => {
                let text = text.to_ascii_lowercase().into_boxed_str();
                self.plain.entry(text).or_default().add(path, number);
            }
            Some((glob, path)) => match self.globs.iter_mut().find(|(own, _)| own == glob) {
                Some((_, node)) => node.add(path, number),
                None => {
                    let mut node = Node::default();
                    node.add(path, number);
                    self.globs.push((glob.clone(), node));
                }
            },
        }
    }

    /// Gives the numbers of all patterns for a path in lower case; `None` where it is at its end.
    fn find(&self, path: Option<&str>, found: &mut impl FnMut(usize)) {
        let Some(path) = path else { return self.ends.iter().copied().for_each(found) };
        if !self.rests.is_empty() && is_whole(path) {
            self.rests.iter().copied().for_each(&mut *found);
        }
        let slash = path.bytes().position(|b| b == b'/');
        let (segment, path) = slash.map_or((path, None), |at| (&path[..at], Some(&path[at + 1..])));
        if let Some(node) = self.plain.get(segment) {
            node.find(path, found);
        }
        for (glob, node) in &self.globs {
            if glob.matches(segment, Case::Ignored) {
                node.find(path, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::{Class, Exchanges};

    const METHODS: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Delete, Method::Patch];

    /// One pattern after the other: what the tree has to agree with.
    fn listed<T: Copy>(endpoints: &Endpoints<T>, method: Method, path: &str, case: Case) -> Option<T> {
        let fitting = endpoints.list.iter().find(|(pattern, _)| pattern.matches(method, path, case));
        fitting.map(|(_, value)| *value)
    }

    fn agrees<T: Copy + PartialEq>(endpoints: &Endpoints<T>, method: Method, path: &str) -> bool {
        let exact = listed(endpoints, method, path, Case::Exact);
        let any = listed(endpoints, method, path, Case::Ignored);
        let same = exact.filter(|_| exact == any);
        endpoints.get(method, path) == exact && endpoints.get_in_any_case(method, path) == same
    }

    /// Every endpoint of the tables, by exchange.
    static TABLES: LazyLock<Vec<(Endpoints<Class>, Vec<String>)>> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges");
        let of = |id: &str| fs::read_to_string(folder.join(id).join("endpoints.txt")).unwrap();
        let exchanges = Exchanges::builtin();
        let paths = |table: String| {
            let paths = table.lines().map(|line| line.split_whitespace().nth(2).unwrap().to_owned());
            paths.collect()
        };
        exchanges.iter().map(|own| (own.patterns.classes.clone(), paths(of(own.id())))).collect()
    });

    #[test]
    fn every_endpoint_has_the_class_of_the_first_pattern_in_the_list() {
        let mut count = 0;
        for (endpoints, paths) in TABLES.iter() {
            for path in paths {
                let others =
                    [path.to_ascii_uppercase(), format!("{path}/"), format!("{path}/x"), format!("{path}x")];
                for path in others.iter().chain([path]) {
                    assert!(METHODS.iter().all(|method| agrees(endpoints, *method, path)), "{path}");
                }
                count += 1;
            }
        }
        assert!(count > 4_800, "{count}");
    }

    proptest! {
        /// Segments of real paths, put together anew.
        #[test]
        fn any_path_has_the_class_of_the_first_pattern_in_the_list(
            at in any::<prop::sample::Index>(),
            picks in prop::collection::vec((any::<prop::sample::Index>(), 0..6), 1..6),
        ) {
            let (endpoints, paths) = &TABLES[at.index(TABLES.len())];
            let mut path = String::new();
            for (depth, (pick, kind)) in picks.iter().enumerate() {
                let real = &paths[pick.index(paths.len())];
                let segment = real.split('/').nth(depth + 1).unwrap_or("x").to_owned();
                path.push('/');
                path.push_str(&match kind {
                    0 => segment.to_ascii_uppercase(),
                    1 => format!("{segment}1"),
                    2 => segment.chars().skip(1).collect(),
                    _ => segment,
                });
            }
            for method in METHODS {
                prop_assert!(agrees(endpoints, method, &path), "{path}");
            }
        }
    }

    #[test]
    fn precedence_is_the_order_of_the_list() {
        let list = [("* /a/**", 0), ("GET /a/*", 1), ("GET /a/b", 2), ("POST /A/c", 3), ("POST /a/C", 4)];
        let list = list.map(|(pattern, value)| (Pattern::parse(pattern).unwrap(), value));
        let late = Endpoints::new(list[1..].to_vec());
        assert_eq!(Endpoints::new(list.to_vec()).get(Method::Get, "/a/b"), Some(0));
        assert_eq!(late.get(Method::Get, "/a/b"), Some(1));
        assert_eq!(late.get(Method::Post, "/a/C"), Some(4));
        assert_eq!(late.get_in_any_case(Method::Post, "/a/C"), None, "in any case it is the one before");
        assert_eq!(late.get(Method::Get, "/a"), None);
        assert_eq!(late.get(Method::Get, ""), None);
        assert_eq!(late.get(Method::Get, &format!("/a/{}", "b".repeat(600))), None);
    }
}
