//! The server programs installed on this machine.

use std::path::{Path, PathBuf};

use super::Error;

/// Older servers lack what the schema uses (unique nulls not distinct, security_invoker).
const OLDEST_MAJOR: u32 = 15;

/// A directory with `initdb` and `postgres` of one major version.
#[derive(Debug, PartialEq)]
pub(super) struct Binaries {
    major: u32,
    directory: PathBuf,
}

impl Binaries {
    /// The newest supported version installed.
    pub(super) fn newest() -> Result<Binaries, Error> {
        installed(Path::new("/")).into_iter().max_by_key(|found| found.major).ok_or(Error::NotInstalled)
    }

    /// The version that made `cluster`: another one cannot read its files.
    pub(super) fn of_major(major: u32, cluster: &Path) -> Result<Binaries, Error> {
        installed(Path::new("/"))
            .into_iter()
            .find(|found| found.major == major)
            .ok_or_else(|| Error::OtherMajor { major, directory: cluster.to_owned() })
    }

    pub(super) fn major(&self) -> u32 {
        self.major
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Debian keeps versions side by side in `/usr/lib/postgresql/<major>/bin`, Red Hat in `/usr/pgsql-<major>/bin`.
fn installed(root: &Path) -> Vec<Binaries> {
    let debian = children(&root.join("usr/lib/postgresql")).into_iter();
    let red_hat = children(&root.join("usr"))
        .into_iter()
        .filter_map(|(name, path)| Some((name.strip_prefix("pgsql-")?.to_owned(), path)));
    debian
        .chain(red_hat)
        .filter_map(|(major, path)| {
            Some(Binaries { major: major.parse().ok()?, directory: path.join("bin") })
        })
        .filter(|found| found.major >= OLDEST_MAJOR)
        .filter(|found| found.program("initdb").is_file() && found.program("postgres").is_file())
        .collect()
}

fn children(directory: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(root: &Path, directory: &str) {
        let bin = root.join(directory).join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        for program in ["initdb", "postgres"] {
            std::fs::write(bin.join(program), "").unwrap();
        }
    }

    #[test]
    fn only_complete_and_supported_versions_count() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "usr/lib/postgresql/9.6");
        install(root.path(), "usr/lib/postgresql/14");
        install(root.path(), "usr/lib/postgresql/15");
        install(root.path(), "usr/pgsql-17");
        std::fs::create_dir_all(root.path().join("usr/lib/postgresql/18/bin")).unwrap();
        let mut majors: Vec<u32> = installed(root.path()).iter().map(|found| found.major).collect();
        majors.sort_unstable();
        assert_eq!(majors, [15, 17]);
    }

    #[test]
    fn nothing_installed_names_the_package() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(installed(root.path()), []);
        assert!(Error::NotInstalled.to_string().contains("apt-get install postgresql"));
    }

    #[test]
    fn data_of_a_missing_major_names_its_package() {
        let error = Binaries::of_major(99, Path::new("/var/lib/keygate/postgres/data")).unwrap_err();
        assert!(error.to_string().contains("apt-get install postgresql-99"), "{error}");
    }
}
