//! Counts what is allocated: unlike times, these figures are the same on every machine.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::Relaxed};

/// The system's allocator, counting while it is asked to: counting costs as much as allocating.
struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
/// Since counting began; what was there before may be freed meanwhile.
static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

impl Counting {
    fn took(bytes: usize) {
        if ON.load(Relaxed) {
            CALLS.fetch_add(1, Relaxed);
            BYTES.fetch_add(bytes, Relaxed);
            let live = LIVE.fetch_add(bytes.cast_signed(), Relaxed) + bytes.cast_signed();
            PEAK.fetch_max(live, Relaxed);
        }
    }

    fn gave(bytes: usize) {
        if ON.load(Relaxed) {
            LIVE.fetch_sub(bytes.cast_signed(), Relaxed);
        }
    }
}

// SAFETY: every call is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::took(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::gave(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::gave(layout.size());
        Self::took(size);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What some work allocated.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allocated {
    /// Calls of the allocator.
    pub(crate) calls: usize,
    /// Bytes in all.
    pub(crate) bytes: usize,
    /// Most bytes at one time, above what was there before.
    pub(crate) peak: usize,
}

/// Does the work and says what it allocated.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    for count in [&CALLS, &BYTES] {
        count.store(0, Relaxed);
    }
    for count in [&LIVE, &PEAK] {
        count.store(0, Relaxed);
    }
    ON.store(true, Relaxed);
    let result = work();
    ON.store(false, Relaxed);
    let allocated = Allocated {
        calls: CALLS.load(Relaxed),
        bytes: BYTES.load(Relaxed),
        peak: PEAK.load(Relaxed).max(0).cast_unsigned(),
    };
    (result, allocated)
}
