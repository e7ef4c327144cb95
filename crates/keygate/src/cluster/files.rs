//! The directories and files of a cluster: who owns them, who may enter, what a dead predecessor left behind.

use std::ffi::{CStr, OsStr};
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use super::account::Account;
use super::{Error, Kind, SUPERUSER};

/// `sockaddr_un` holds 108 bytes with the terminating zero.
const LONGEST_SOCKET: usize = 107;
const SOCKET: &str = ".s.PGSQL.5432";
const TEMPORARY: &str = "keygate-scratch-";

/// The data directory, made if it is missing, as an absolute path that the server's user can traverse.
pub(super) fn data_directory(data: &Path, account: &Account) -> Result<PathBuf, Error> {
    if !data.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o711).create(data).map_err(Error::io("create", data))?;
    }
    let data = data.canonicalize().map_err(Error::io("find", data))?;
    if account.switches() {
        open_to_traversal(&data)?;
        check_traversal(&data, account)?;
    }
    Ok(data)
}

/// A fresh directory that only the server and we can enter. Leftovers of processes that are gone are swept away.
pub(super) fn temporary_directory() -> Result<PathBuf, Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let parent = fast_directory();
    sweep(&parent);
    let name = format!("{TEMPORARY}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let directory = parent.join(name);
    fs::DirBuilder::new().mode(0o700).create(&directory).map_err(Error::io("create", &directory))?;
    Ok(directory)
}

/// Where throw-away files go: into memory if there is room, as a cluster is 1,500 files to copy and remove.
pub(super) fn fast_directory() -> PathBuf {
    const ROOM: u64 = 1 << 30;
    if free_bytes(c"/dev/shm") >= ROOM { PathBuf::from("/dev/shm") } else { std::env::temp_dir() }
}

/// Make `directory` the server's own, closed to everybody else, or say whose it is.
pub(super) fn owned_directory(directory: &Path, account: &Account) -> Result<(), Error> {
    if directory.as_os_str().len() + 1 + SOCKET.len() > LONGEST_SOCKET {
        return Err(Error::PathTooLong { directory: directory.to_owned() });
    }
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => give(directory, account)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::io("create", directory)(error)),
    }
    let empty = fs::read_dir(directory).map_err(Error::io("read", directory))?.next().is_none();
    if empty {
        give(directory, account)?;
    }
    check_owner(directory, account)
}

/// Files of somebody else are neither served nor copied: they could hold any configuration.
pub(super) fn check_owner(directory: &Path, account: &Account) -> Result<(), Error> {
    let owner = fs::symlink_metadata(directory).map_err(Error::io("read", directory))?.uid();
    if owner != account.server.uid {
        let expected = format!("{} (uid {})", account.server.name, account.server.uid);
        return Err(Error::NotOurs { directory: directory.to_owned(), owner, expected });
    }
    Ok(())
}

/// Keep every other service out until the returned file is closed, which the kernel does for a killed one too.
pub(super) fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("service.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { directory: directory.to_owned(), pid: None }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}

/// The major version that made the cluster, or none if there is none yet.
pub(super) fn existing_major(cluster: &Path) -> Result<Option<u32>, Error> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", &path)(error)),
    }
}

/// Wait for a predecessor that is still shutting down, and remove what a dead one left. PostgreSQL does this too,
/// but takes any live process with the old number for its predecessor, which after a reboot or in a container is
/// wrong as often as not. A server is ours only if it works in our directory.
pub(super) fn settle_predecessor(directory: &Path, cluster: &Path) -> Result<(), Error> {
    let pid_file = cluster.join("postmaster.pid");
    let Some(pid) = first_line(&pid_file).and_then(|line| line.parse().ok()) else { return Ok(()) };
    for _ in 0..100 {
        if !works_in(pid, cluster) {
            discard(&pid_file)?;
            discard(&directory.join(format!("{SOCKET}.lock")))?;
            return discard(&directory.join(SOCKET));
        }
        sleep(Duration::from_millis(100));
    }
    Err(Error::InUse { directory: directory.to_owned(), pid: Some(pid) })
}

/// End the processes of a server that is gone itself: asked first, and soon made to.
pub(super) fn end_orphans(cluster: &Path) {
    for signal in [libc::SIGQUIT, libc::SIGKILL] {
        for _ in 0..50 {
            let orphans = workers(cluster);
            if orphans.is_empty() {
                return;
            }
            orphans.into_iter().for_each(|pid| send(pid, signal));
            sleep(Duration::from_millis(10));
        }
    }
}

fn workers(cluster: &Path) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|process| process.file_name().to_str()?.parse().ok());
    pids.filter(|pid| works_in(*pid, cluster)).collect()
}

#[expect(unsafe_code, reason = "no safe wrapper in std")]
fn send(pid: u32, signal: libc::c_int) {
    // SAFETY: plain numbers. The process worked in our directory a moment ago.
    unsafe { libc::kill(pid.cast_signed(), signal) };
}

/// Who may log in. Written at each start, so that a renamed user or a new role needs no hand work.
pub(super) fn write_access_rules(cluster: &Path, account: &Account, kind: &Kind<'_>) -> Result<(), Error> {
    let (hba, ident) = match kind {
        Kind::ThrowAway => ("local all all trust\n", String::new()),
        Kind::Durable { logins } => ("local all all peer map=keygate\n", identities(account, logins)),
    };
    overwrite(&cluster.join("pg_hba.conf"), hba)?;
    overwrite(&cluster.join("pg_ident.conf"), &ident)
}

/// Hand a new file or directory to the server's user.
pub(super) fn give(path: &Path, account: &Account) -> Result<(), Error> {
    if !account.switches() {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(account.server.uid), Some(account.server.gid))
        .map_err(Error::io("hand over", path))
}

/// Remove a throw-away directory. Failing leaves rubbish in the temporary directory for the next sweep, no more.
pub(super) fn remove(directory: &Path) {
    if let Err(error) = fs::remove_dir_all(directory)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, directory = %directory.display(), "could not remove a throw-away database");
    }
}

/// The first line of a file, if there is one.
pub(super) fn first_line(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()?.lines().next().map(|line| line.trim().to_owned())
}

/// PostgreSQL 15 takes one system user and one role per line.
fn identities(account: &Account, logins: &[&str]) -> String {
    let mut text = format!("keygate \"{}\" {SUPERUSER}\n", account.name);
    for login in logins {
        text.push_str(&format!("keygate \"{}\" {login}\n", account.name));
    }
    if account.switches() {
        text.push_str(&format!("keygate \"{}\" {SUPERUSER}\n", account.server.name));
    }
    text
}

/// Others may pass through, not look around: what lies below has its own modes.
fn open_to_traversal(data: &Path) -> Result<(), Error> {
    let mode = fs::metadata(data).map_err(Error::io("read", data))?.mode();
    fs::set_permissions(data, Permissions::from_mode(mode & 0o7777 | 0o111)).map_err(Error::io("open", data))
}

fn check_traversal(data: &Path, account: &Account) -> Result<(), Error> {
    for directory in data.ancestors() {
        let found = fs::metadata(directory).map_err(Error::io("read", directory))?;
        let bit = match () {
            () if found.uid() == account.server.uid => 0o100,
            () if found.gid() == account.server.gid => 0o010,
            () => 0o001,
        };
        if found.mode() & bit == 0 {
            return Err(Error::NotTraversable { directory: directory.to_owned() });
        }
    }
    Ok(())
}

fn works_in(pid: u32, cluster: &Path) -> bool {
    let Ok(place) = fs::read_link(format!("/proc/{pid}/cwd")) else { return false };
    cluster.canonicalize().is_ok_and(|cluster| cluster == place)
}

fn overwrite(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io("write", path))
}

fn discard(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

#[expect(unsafe_code, reason = "no safe wrapper in std")]
pub(super) fn free_bytes(path: &CStr) -> u64 {
    // SAFETY: statvfs is plain numbers, for which all zeros is a value; both pointers live through the call.
    let (status, found) = unsafe {
        let mut found: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &raw mut found), found)
    };
    if status == 0 { found.f_bavail.saturating_mul(found.f_frsize) } else { 0 }
}

fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if is_abandoned(&entry.file_name().to_string_lossy()) {
            // somebody else's rubbish, or a race with another sweeper: either way not our concern
            let _: io::Result<()> = fs::remove_dir_all(entry.path());
        }
    }
}

/// Remove what was saved under another name beside `path` and has not been used for an hour: one for each schema
/// there ever was would fill the memory.
pub(super) fn sweep_saved(path: &Path) {
    const UNUSED: Duration = Duration::from_secs(3600);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else {
        return;
    };
    let family = &name[..name.rfind('-').map_or(0, |end| end + 1)];
    let Ok(entries) = fs::read_dir(parent) else { return };
    for lock in entries.flatten().map(|entry| entry.path()) {
        let named = lock.file_stem().and_then(OsStr::to_str).is_some_and(|stem| stem.starts_with(family));
        let used = fs::metadata(&lock).and_then(|found| found.modified());
        let unused = used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > UNUSED));
        if named && unused && lock.extension() == Some(OsStr::new("lock")) {
            remove(&lock.with_extension(""));
            // in use by another sweeper, or of another user
            let _: io::Result<()> = fs::remove_file(lock);
        }
    }
}

fn is_abandoned(name: &str) -> bool {
    let pid = name.strip_prefix(TEMPORARY).and_then(|rest| rest.split('-').next()).unwrap_or_default();
    pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()
}
