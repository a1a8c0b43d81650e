//! Why a value and a type of the application's do not fit each other.

use crate::error::display;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// What a type of the application's cannot be read from, or written as. Says where and why.
///
/// The text may quote what stands in the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    path: String,
    message: String,
}

impl ValueError {
    /// Where in the value it is, like `props.points[3].x`; empty for the value itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { path: String::new(), message: message.to_string() }
    }

    /// The error, seen from the object that holds the value at `key`.
    pub(super) fn in_field(mut self, key: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{key}{separator}{}", self.path);
        self
    }

    /// The error, seen from the array that holds the value at `index`.
    pub(super) fn in_item(mut self, index: usize) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("[{index}]{separator}{}", self.path);
        self
    }
}

display!(ValueError, self, f => match self.path.is_empty() {
    true => f.write_str(&self.message),
    false => write!(f, "at `{}`: {}", self.path, self.message),
});

impl serde::ser::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl serde::de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}
