//! What a string is: shared text that knows its UTF-16 length and grows in place.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use smol_str::SmolStr;

/// The most bytes of a text that is copied when it grows. A longer one grows in place, for which it
/// takes two allocations instead of one.
const SHORT: usize = 64;

/// A string value. Cloning is cheap; appending to an unshared one costs the suffix.
///
/// ```
/// use roomsync::Text;
///
/// let mut text = Text::from("ink 🖋");
/// assert_eq!(text.utf16_len(), 6);
/// text.push_str("!");
/// assert_eq!(&*text, "ink 🖋!");
/// ```
#[derive(Clone)]
pub struct Text(Repr);

/// Canonical by length: up to `SHORT` bytes are `Short`, more are `Long`.
#[derive(Clone)]
enum Repr {
    Short(SmolStr),
    Long(Arc<Long>),
}

struct Long {
    text: String,
    utf16_len: usize,
}

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Short(short) => short,
            Repr::Long(long) => &long.text,
        }
    }

    /// The length in UTF-16 code units: what JavaScript calls its length.
    #[must_use]
    pub fn utf16_len(&self) -> usize {
        match &self.0 {
            Repr::Short(short) => utf16_len(short),
            Repr::Long(long) => long.utf16_len,
        }
    }

    /// Appends `suffix`, in place when nobody else holds the text.
    pub fn push_str(&mut self, suffix: &str) {
        if suffix.is_empty() {
            return;
        }
        if let Repr::Long(long) = &mut self.0
            && let Some(Long { text, utf16_len: units }) = Arc::get_mut(long)
        {
            text.push_str(suffix);
            *units += utf16_len(suffix);
            return;
        }
        let mut text = String::with_capacity(self.as_str().len() + suffix.len());
        text.push_str(self.as_str());
        text.push_str(suffix);
        let units = self.utf16_len() + utf16_len(suffix);
        self.0 = if text.len() <= SHORT {
            Repr::Short(SmolStr::from(text))
        } else {
            Repr::Long(Arc::new(Long { text, utf16_len: units }))
        };
    }

    /// Cuts the text back to its first `bytes` bytes, in place when nobody else holds it. Bytes that
    /// are no boundary of a character change nothing.
    pub(crate) fn truncate(&mut self, bytes: usize) {
        let Some(tail) = self.as_str().get(bytes..) else { return };
        let cut = utf16_len(tail);
        if bytes > SHORT
            && let Repr::Long(long) = &mut self.0
            && let Some(Long { text, utf16_len: units }) = Arc::get_mut(long)
        {
            text.truncate(bytes);
            *units -= cut;
        } else if let Some(head) = self.as_str().get(..bytes) {
            *self = Self::from(head);
        }
    }

    /// A clone of a text that stands in no allocation.
    #[inline]
    pub(super) fn clone_inline(&self) -> Option<Self> {
        match &self.0 {
            Repr::Short(short) if !short.is_heap_allocated() => {
                Some(Self(Repr::Short(short.clone())))
            }
            Repr::Short(_) | Repr::Long(_) => None,
        }
    }

    /// Whether both are equal, as far as that can be told without a look at a long text.
    #[inline]
    pub(super) fn is_evidently(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Short(a), Repr::Short(b)) => a == b,
            (Repr::Long(a), Repr::Long(b)) => Arc::ptr_eq(a, b),
            (Repr::Short(_), Repr::Long(_)) | (Repr::Long(_), Repr::Short(_)) => false,
        }
    }

    /// Whether both are one allocation, so that they are equal without a look at the text.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Long(a), Repr::Long(b)) => Arc::ptr_eq(a, b),
            (Repr::Short(a), Repr::Short(b)) => core::ptr::eq(a.as_str(), b.as_str()),
            (Repr::Short(_), Repr::Long(_)) | (Repr::Long(_), Repr::Short(_)) => false,
        }
    }
}

/// The length of `text` in UTF-16 code units.
pub(crate) fn utf16_len(text: &str) -> usize {
    // One unit for each first byte of a character, one more for those beyond the basic plane.
    text.bytes().map(|byte| usize::from(byte & 0xC0 != 0x80) + usize::from(byte >= 0xF0)).sum()
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if text.len() <= SHORT {
            Self(Repr::Short(SmolStr::new(text)))
        } else {
            Self::from(String::from(text))
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        if text.len() <= SHORT {
            Self(Repr::Short(SmolStr::new(&text)))
        } else {
            let utf16_len = utf16_len(&text);
            Self(Repr::Long(Arc::new(Long { text, utf16_len })))
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Short(a), Repr::Short(b)) => a == b,
            (Repr::Long(a), Repr::Long(b)) => Arc::ptr_eq(a, b) || a.text == b.text,
            (Repr::Short(_), Repr::Long(_)) | (Repr::Long(_), Repr::Short(_)) => false,
        }
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_utf16_code_units() {
        for text in ["", "a", "é", "€", "🖋", "a🖋b", "日本語テキスト日本語テキスト", "\u{FFFD}"]
        {
            let units = text.encode_utf16().count();
            assert_eq!(Text::from(text).utf16_len(), units, "{text}");
            let mut grown = Text::from("");
            for character in text.chars() {
                grown.push_str(character.encode_utf8(&mut [0; 4]));
            }
            assert_eq!((&grown, grown.utf16_len()), (&Text::from(text), units));
        }
    }

    #[test]
    fn a_shared_text_does_not_see_an_append() {
        let before =
            Text::from("a text that is too long to be copied whenever it becomes longer by a word");
        let mut after = before.clone();
        after.push_str("!");
        assert!(!before.ends_with('!'));
        assert!(after.ends_with('!'));
    }

    #[test]
    fn an_unshared_long_text_grows_in_place() {
        let mut text =
            Text::from("a text that is too long to be copied whenever it becomes longer by a word");
        text.push_str(&"x".repeat(1000));
        text.push_str("it now has room to spare");
        let before = text.as_ptr();
        text.push_str("y");
        assert_eq!(text.as_ptr(), before);
    }

    #[test]
    fn the_short_form_holds_64_bytes() {
        let short = "x".repeat(64);
        assert!(matches!(Text::from(&*short).0, Repr::Short(_)));
        let mut text = Text::from(short);
        text.push_str("y");
        assert!(matches!(text.0, Repr::Long(_)));
    }
}
