//! Which user we are, and which user the server runs as. PostgreSQL refuses to run as root, and knows its peers by
//! name, so both names are needed; they come from `id`, which asks every source the system has.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::Error;

/// The user of this process and the user of the server.
pub(super) struct Account {
    /// Our own name: what PostgreSQL sees at the other end of the socket.
    pub(super) name: String,
    /// Who owns the files and runs the server.
    pub(super) server: Owner,
    /// Set when the server runs as somebody else, because we are root.
    switch: bool,
}

/// A user by name and numbers.
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    pub(super) fn of_this_process() -> Result<Account, Error> {
        let uid = effective_uid();
        let name = ask(&["-un"]).ok_or(Error::NoAccount { uid })?;
        let switch = uid == 0;
        let server = if switch {
            owner("postgres").ok_or(Error::NoPostgresAccount)?
        } else {
            owner(&name).ok_or(Error::NoAccount { uid })?
        };
        Ok(Account { name, server, switch })
    }

    /// Whether the server runs as somebody else.
    pub(super) fn switches(&self) -> bool {
        self.switch
    }

    /// A server program, to be run as the server's user with nothing of our environment.
    pub(super) fn command(&self, program: &std::path::Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin").current_dir("/");
        if self.switch {
            command.gid(self.server.gid).uid(self.server.uid);
        }
        command
    }
}

fn owner(name: &str) -> Option<Owner> {
    let uid = ask(&["-u", name])?.parse().ok()?;
    let gid = ask(&["-g", name])?.parse().ok()?;
    Some(Owner { name: name.to_owned(), uid, gid })
}

fn ask(arguments: &[&str]) -> Option<String> {
    let output = Command::new("/usr/bin/id").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[expect(unsafe_code, reason = "no safe wrapper in std")]
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid has no arguments and cannot fail.
    unsafe { libc::geteuid() }
}
