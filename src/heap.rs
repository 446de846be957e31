//! The program's heap: the system's allocator, with a plain end where the system has no more memory.
//!
//! Rust ends a process whose allocation fails with a signal and, in a library, with a stack trace; what to do instead
//! cannot be set in stable Rust. A global allocator can: it says in one line what happened and ends the process with the
//! code of a failed run. That leaves nothing half-done: it is one of the moments at which a process may be killed, and
//! locks, events on disk and files on their way into the tables are safe there.

// An allocator cannot be had without, nor can memory that is free be given back to the system.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator; it ends the process where the system refuses memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap;

/// Whether the line about memory is a JSON object.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// Has the line about memory be a JSON object, as other lines of the log are.
pub fn log_as_json() {
    AS_JSON.store(true, Ordering::Relaxed);
}

// SAFETY: all of it is the system's allocator; a null pointer is returned to nobody, and nothing unwinds.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to the trait's contract, which is the system allocator's.
        let memory = unsafe { System.alloc(layout) };
        if memory.is_null() {
            refused(layout.size());
        }
        memory
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if memory.is_null() {
            refused(layout.size());
        }
        memory
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let memory = unsafe { System.realloc(memory, layout, size) };
        if memory.is_null() {
            refused(size);
        }
        memory
    }
}

/// Says that so many bytes were refused, and ends the process: without memory, so without anything that might take some.
#[cold]
#[inline(never)]
fn refused(bytes: usize) -> ! {
    let (before, between, after) = match AS_JSON.load(Ordering::Relaxed) {
        true => ("{\"level\":\"ERROR\",\"message\":\"", SAID, "\"}\n"),
        false => ("error: ", SAID, "\n"),
    };
    let mut digits = [0; 20];
    let line = [before.as_bytes(), between.0, decimal(bytes, &mut digits), between.1, after.as_bytes()];
    for part in line {
        // SAFETY: the bytes are there for as many as are said. Whether they could be written changes nothing.
        let _ = unsafe { libc::write(libc::STDERR_FILENO, part.as_ptr().cast(), part.len()) };
    }
    // SAFETY: it takes any code. What would run at exit might ask for memory.
    unsafe { libc::_exit(1) }
}

/// What is said of a refusal, before and after the number of bytes.
const SAID: (&[u8], &[u8]) = (
    b"the system refuses memory (",
    b" bytes more): give the process more (look at ulimit -v, or the limit of its container), or have dwell take less, with \
      --memory-limit or fewer --threads; the tables are as they were",
);

/// A number in decimal.
fn decimal(number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut rest = number;
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 || first == 0 {
            break;
        }
    }
    &digits[first..]
}

/// Gives memory that is free back to the system, where the allocator can be told to.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes any number, and locks what it has to.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_memory() {
        let text = |number| String::from_utf8(decimal(number, &mut [0; 20]).to_vec()).expect("digits");
        assert_eq!([0, 7, 1 << 20, usize::MAX].map(text), [0, 7, 1 << 20, usize::MAX].map(|number| number.to_string()));
    }
}
