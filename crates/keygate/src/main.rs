//! The one binary: server and command line.

use std::process::ExitCode;

use keygate::{cli, config, hardening};

fn main() -> ExitCode {
    if let Err(error) = hardening::harden() {
        cli::say(&format!("keygate: the process cannot be protected against dumps: {error}\n"));
        return ExitCode::FAILURE;
    }
    cli::main(take_secrets())
}

/// A variable stays readable in `/proc` for as long as the process lives.
#[expect(unsafe_code, reason = "the environment can be changed only while there are no threads")]
fn take_secrets() -> Vec<(String, seal::SecretText)> {
    // SAFETY: called by `main` before anything starts a thread.
    unsafe { hardening::take_variables(config::is_secret) }
}
