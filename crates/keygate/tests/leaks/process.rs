//! No other process of the same user looks into the server, and it leaves no core.

use std::{
    fs,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use keygate::cluster;

use crate::spawned_keygate::Service;

/// What `nobody` is everywhere. As root the server runs as this user here: root may look into everything.
const NOBODY: u32 = 65534;

#[test]
fn another_process_of_the_same_user_cannot_look_into_the_server() {
    let mut service = Service::unborn("http://127.0.0.1:1");
    service.uid = cluster::is_root().then_some(NOBODY);
    service.start();
    let uid = service.uid.unwrap_or_else(cluster::own_uid);
    let mut control = Command::new("sleep").arg("60").uid(uid).gid(uid).spawn().unwrap();
    let found = ["mem", "environ", "maps", "fd/0"]
        .map(|file| (file, opens(uid, control.id(), file), opens(uid, service.pid(), file)));
    control.kill().unwrap();
    control.wait().unwrap();
    for (file, of_control, of_server) in found {
        assert!(of_control, "{file}: the control does not find what is open");
        assert!(!of_server, "{file} can be opened");
    }
}

#[test]
fn the_server_may_write_no_core() {
    let mut service = Service::unborn("http://127.0.0.1:1");
    service.start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", service.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "soft and hard: {core}");
}

/// Whether a process of this user can open a file of that process.
fn opens(uid: u32, pid: u32, file: &str) -> bool {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec < /proc/{pid}/{file}")).uid(uid).gid(uid);
    command.stderr(Stdio::null()).status().unwrap().success()
}
