//! What time is to the machines: a number that the driver passes in.

use core::time::Duration;

/// A point in time: microseconds since an epoch that the driver picks, for example its own start.
///
/// The machines never read a clock. All arithmetic saturates, so no time that a driver passes can
/// overflow or panic.
///
/// ```
/// use core::time::Duration;
/// use roomsync::Instant;
///
/// let later = Instant::from_millis(5).saturating_add(Duration::from_secs(1));
/// assert_eq!(later.as_micros(), 1_005_000);
/// assert_eq!(Instant::ZERO.saturating_since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The driver's epoch.
    pub const ZERO: Self = Self(0);
    /// The last representable point, some 584,000 years after the epoch.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The point `millis` milliseconds after the epoch, or [`Instant::MAX`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded up: a timer in milliseconds that sleeps until
    /// here never wakes early.
    #[must_use]
    pub const fn as_millis_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// This point plus `duration`, or [`Instant::MAX`].
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// The time from `earlier` to here, or zero when `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}
