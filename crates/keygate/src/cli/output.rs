//! Writing: data to standard output, words to standard error. A reader that closes the pipe has read
//! enough, which is success.

use std::io::{self, Write};

/// Data, to standard output.
pub fn out(text: &str) {
    let mut stdout = anstream::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

/// Words for a person, to standard error.
pub fn say(text: &str) {
    let mut stderr = anstream::stderr().lock();
    // Nobody is left to tell when standard error is closed.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
