//! The command line program.

use std::process::ExitCode;

use dwell::heap::Heap;

/// Where the system has no more memory, the run fails as it does where a disk is full.
#[global_allocator]
static HEAP: Heap = Heap;

fn main() -> ExitCode {
    dwell::cli::main()
}
