//! A manual clock moves as told; the system's clock shows a plausible time and never goes back.

use super::*;

#[test]
fn manual_clock_moves_only_when_told() {
    let clock = ManualClock::at(1_000);
    clock.advance(Duration::from_nanos(5));
    assert_eq!(
        (clock.now_unix_ns(), clock.monotonic()),
        (1_005, Duration::from_nanos(5))
    );
    clock.set_unix_ns(7);
    assert_eq!(
        (clock.now_unix_ns(), clock.monotonic()),
        (7, Duration::from_nanos(5))
    );
}

#[test]
fn system_clock_is_after_2020_and_monotonic() {
    let clock = SystemClock::new();
    assert!(clock.now_unix_ns() > 1_577_836_800_000_000_000);
    let earlier = clock.monotonic();
    assert!(clock.monotonic() >= earlier);
}
