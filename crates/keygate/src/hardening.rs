//! Memory hygiene of the process: freed memory is wiped, no core dumps, no debugger of the same
//! user, no panic payloads in logs. One of the few places with `unsafe`.
//!
//! The allocator reaches the heap of Rust code only: not registers, kernel buffers, nor what C code
//! allocates for itself (the cryptography library wipes its own). Stacks are wiped where a parser,
//! which works through a text in vectors, has just seen a secret: see [`wipe_stack`].

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::env;
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{self, PanicHookInfo};

use seal::SecretText;

/// The system allocator, wiping each block before it gives it back. Growing a buffer goes through
/// allocate, copy and free (the default `realloc`), so abandoned blocks are wiped as well.
pub struct WipingAllocator;

// SAFETY: every call is passed on to `System` with the caller's own arguments, so its guarantees
// hold; wiping writes only inside a block that is still allocated.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`. Fresh pages come zeroed, which saves writing large blocks twice.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller owns `block`, which has `layout.size()` writable bytes until the line
        // after. `explicit_bzero` is a write that the compiler may not drop.
        unsafe {
            libc::explicit_bzero(block.cast(), layout.size());
            System.dealloc(block, layout);
        }
    }
}

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

/// Call first in `main`, before any secret is read and before other threads start. An error means
/// that the process is not protected and must not go on.
pub fn harden() -> io::Result<()> {
    forbid_core_dumps()?;
    forbid_debuggers()?;
    panic::set_hook(Box::new(report_panic));
    Ok(())
}

/// Overwrites what the functions that the caller has called before left on the stack, as far as they went down.
#[inline(never)]
pub fn wipe_stack() {
    let mut room = MaybeUninit::<[u8; 64 * 1024]>::uninit();
    // SAFETY: the pointer is to a live local of this size, which may hold any bytes.
    unsafe { libc::explicit_bzero(room.as_mut_ptr().cast(), size_of_val(&room)) };
}

/// Takes the wanted variables out of the environment. Their values are overwritten where the kernel put them when
/// the program started: `/proc/<pid>/environ` shows those very bytes, whatever becomes of the variables.
///
/// # Safety
/// No other thread may exist, as it could be reading the environment.
pub unsafe fn take_variables(wanted: impl Fn(&str) -> bool) -> Vec<(String, SecretText)> {
    let mut taken = Vec::new();
    // SAFETY: `environ` is null or a list that ends with null, of texts that end with zero. They are writable, and
    // nobody else looks at them now. Only values are overwritten, so that the names are still found below.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            taken.extend(take_value(*entry, &wanted));
            entry = entry.add(1);
        }
        taken.iter().for_each(|(name, _)| env::remove_var(name));
    }
    taken
}

/// # Safety
/// `entry` is a text that ends with zero, writable and used by nobody else.
unsafe fn take_value(
    entry: *mut libc::c_char,
    wanted: &impl Fn(&str) -> bool,
) -> Option<(String, SecretText)> {
    // SAFETY: the caller's promise. The borrowed text is not used after the bytes behind it have changed.
    unsafe {
        let text = CStr::from_ptr(entry).to_bytes();
        let equals = text.iter().position(|byte| *byte == b'=')?;
        let name = std::str::from_utf8(&text[..equals]).ok().filter(|name| wanted(name))?.to_owned();
        let value = String::from_utf8_lossy(&text[equals + 1..]).into_owned();
        let length = text.len() - equals - 1;
        libc::explicit_bzero(entry.add(equals + 1).cast(), length);
        Some((name, value.into()))
    }
}

unsafe extern "C" {
    static environ: *const *mut libc::c_char;
}

fn forbid_core_dumps() -> io::Result<()> {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live local for the length of the call.
    succeeded(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) })
}

/// Also makes `/proc/<pid>` belong to root, so that processes of the same user can read neither
/// memory nor environment.
fn forbid_debuggers() -> io::Result<()> {
    let no: libc::c_ulong = 0;
    // SAFETY: PR_SET_DUMPABLE takes one integer and touches no memory of ours.
    succeeded(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, no, no, no, no) })
}

fn succeeded(status: libc::c_int) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Says where, never what: a panic message may quote the value that caused it.
fn report_panic(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let place = info.location().map(|place| (place.file(), place.line()));
    let (file, line) = place.unwrap_or(("unknown", 0));
    tracing::error!(file, line, thread = thread.name(), "a thread panicked");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn freed_memory_is_wiped() {
        assert!(canary_survives(&System), "the control must find what is not wiped");
        assert!(!canary_survives(&WipingAllocator));
    }

    /// Writes to a block, frees it, takes it again and looks.
    fn canary_survives(allocator: &impl GlobalAlloc) -> bool {
        let layout = Layout::from_size_align(4096, 16).unwrap();
        let canary = *b"canary-5f2b7e";
        // SAFETY: the layout is not empty; each block is used inside its size and freed once. The
        // second block is read by volatile loads only.
        unsafe {
            let block = allocator.alloc(layout);
            block.add(1024).cast::<[u8; 13]>().write_volatile(canary);
            allocator.dealloc(block, layout);
            let again = allocator.alloc(layout);
            assert_eq!(again, block, "the system allocator reuses the last block of this size");
            let found = again.add(1024).cast::<[u8; 13]>().read_volatile() == canary;
            allocator.dealloc(again, layout);
            found
        }
    }

    #[test]
    fn a_hardened_process_cannot_be_dumped() {
        harden().unwrap();
        let mut limit = libc::rlimit { rlim_cur: 1, rlim_max: 1 };
        // SAFETY: the pointer is to a live local; PR_GET_DUMPABLE takes no arguments.
        let dumpable = unsafe {
            assert_eq!(libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit), 0);
            libc::prctl(libc::PR_GET_DUMPABLE)
        };
        assert_eq!((dumpable, limit.rlim_cur, limit.rlim_max), (0, 0, 0));
    }

    #[test]
    fn a_panic_is_reported_without_its_message() {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            harden().unwrap();
            let caught = panic::catch_unwind(|| panic!("the key is {}", "hunter2"));
            assert!(caught.is_err());
        });
        let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(written.contains("hardening.rs"), "{written}");
        assert!(!written.contains("hunter2"), "{written}");
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }
}
