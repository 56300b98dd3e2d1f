//! The binary: arguments in, exit code out.

/// Batches are freed by other threads than those that made them, which this allocator does without waiting.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tallyhouse::cli::main()
}
