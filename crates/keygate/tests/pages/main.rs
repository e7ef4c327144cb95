//! The pages as people use them: without script over HTTP, and with it in a browser.

mod browser;
mod lint;
mod visitor;
mod walk;
