//! At a terminal: what is missing is asked for, and what is secret is not shown while it is typed.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use crate::home::{Home, PASSWORD};

/// A person at a terminal, which `script` makes.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    fn run(home: &Home, words: &str) -> Terminal {
        let keygate = home.command(&[]);
        let mut command = Command::new("/usr/bin/script");
        let line = format!("{} {words}", keygate.get_program().display());
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env_clear();
        command.envs(keygate.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("SHELL", "/bin/sh").current_dir(home.dir.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Terminal { child, keys, screen, shown: String::new() }
    }

    /// Types a line once this is asked. Nobody types in the microseconds before the echo is off.
    fn answer(&mut self, asked: &str, typed: &str) {
        let begin = self.shown.len();
        while !self.shown[begin..].contains(asked) {
            let mut bytes = [0; 256];
            let read = self.screen.read(&mut bytes).unwrap();
            assert!(read > 0, "'{asked}' was not asked: {}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        std::thread::sleep(Duration::from_secs(1));
        self.keys.write_all(format!("{typed}\r").as_bytes()).unwrap();
    }

    /// Its exit code and everything that was on the screen.
    fn end(mut self) -> (i32, String) {
        let mut rest = Vec::new();
        self.screen.read_to_end(&mut rest).unwrap();
        self.shown.push_str(&String::from_utf8_lossy(&rest));
        (self.child.wait().unwrap().code().unwrap_or(-1), self.shown)
    }
}

#[test]
fn setup_and_login_ask_at_a_terminal_and_show_no_secret() {
    let home = Home::new();
    let server = home.serve(&[]);
    let link = server.setup_link();
    let mut setup = Terminal::run(&home, "setup");
    setup.answer("Setup link: ", &link);
    setup.answer("E-mail: ", "owner@example.org");
    setup.answer("Name: ", "Olga Owner");
    setup.answer("Password: ", PASSWORD);
    let (code, shown) = setup.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Olga Owner") && shown.contains("you are signed in"), "{shown}");
    assert!(!shown.contains(&link) && !shown.contains(PASSWORD), "{shown}");
    assert_eq!(home.json("whoami")["name"], "Olga Owner");

    home.run("logout").ok();
    let mut login = Terminal::run(&home, "login");
    login.answer("E-mail: ", "owner@example.org");
    login.answer("Password: ", "three other words");
    let (code, shown) = login.end();
    assert_eq!(code, 3, "{shown}");
    assert!(!shown.contains("three other words"), "{shown}");
}

#[test]
fn a_question_is_answered_with_a_word_and_anything_else_does_nothing() {
    let home = Home::new();
    let _server = home.with_bot();
    let mut refused = Terminal::run(&home, "connection delete Primary");
    refused.answer("the name 'Primary', to go on: ", "Prim");
    let (code, shown) = refused.end();
    assert_eq!(code, 2, "{shown}");
    assert_eq!(home.json("connection list")[0]["status"], "active");
    let mut agreed = Terminal::run(&home, "connection delete Primary");
    agreed.answer("the name 'Primary', to go on: ", "Primary");
    let (code, shown) = agreed.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(home.json("connection list")[0]["status"], "deleted");
}

#[test]
fn without_input_nothing_is_asked_even_at_a_terminal() {
    let home = Home::new();
    let _server = home.serve(&[]);
    let (code, shown) = Terminal::run(&home, "login --no-input").end();
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("needed and not given: E-mail") && shown.contains("--email"), "{shown}");
}
