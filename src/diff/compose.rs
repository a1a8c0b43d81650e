//! How two diffs become one, and how a diff becomes its way back.
//!
//! Both need the object before: an append after a patch of one array has no single op without it.

use super::ObjectDiff;
use super::compute::StringAppend;
use crate::value::Object;

impl ObjectDiff {
    /// One diff that does to `before` what `first` and then `then` do, or `None` when they cancel
    /// out.
    ///
    /// ```
    /// use roomsync::{Object, ObjectDiff, StringAppend};
    ///
    /// let before: Object = r#"{"x":1}"#.parse()?;
    /// let there: ObjectDiff = r#"{"x":["put",2]}"#.parse()?;
    /// let back = there.invert(&before).unwrap();
    /// assert_eq!(ObjectDiff::squash(&before, &there, &back), None);
    /// # Ok::<(), roomsync::JsonError>(())
    /// ```
    #[must_use]
    pub fn squash(before: &Object, first: &Self, then: &Self) -> Option<Self> {
        let mut after = before.clone();
        first.apply(&mut after);
        then.apply(&mut after);
        Self::between(before, &after, StringAppend::Allowed)
    }

    /// What turns `before` with this diff applied back into `before`, or `None` when the diff has
    /// no effect there.
    #[must_use]
    pub fn invert(&self, before: &Object) -> Option<Self> {
        let mut after = before.clone();
        self.apply(&mut after);
        Self::between(&after, before, StringAppend::Allowed)
    }
}
