//! The binary: arguments in, exit code out.

/// Batches are freed by other threads than those that made them, which this allocator does without waiting.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    refuse_huge_pages();
    tallyhouse::cli::main()
}

/// Asks the kernel for pages of the usual size: it clears a huge one whole, and short queries over batches that come and go touch
/// little of each. Where it has no such setting, nothing is lost but time.
fn refuse_huge_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
