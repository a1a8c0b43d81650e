//! A file to which lines are added: what a process leaves behind when it dies in the middle of a write.
//!
//! What was synced stays. Of what was written since any part may be there, so the last line may be
//! torn; whoever reads the file afterwards takes whole lines only, and cuts the rest off.

/// A file of lines.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    bytes: Vec<u8>,
    /// So many of them are durable for sure.
    synced: usize,
}

/// What became of what was not synced when a process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// So many whole lines of it are there.
    pub kept: usize,
    /// Whether a part of one more was there, and is thrown away.
    pub has_torn: bool,
}

impl Journal {
    /// A file that has only this line, durably.
    #[must_use]
    pub fn of(line: &str) -> Self {
        let mut journal = Self::default();
        journal.write(line);
        journal.sync();
        journal
    }

    /// Writes a line, which is not durable yet.
    pub fn write(&mut self, line: &str) {
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.push(b'\n');
    }

    /// All that was written is durable.
    pub const fn sync(&mut self) {
        self.synced = self.bytes.len();
    }

    /// The process dies, with so many eighths of what is not synced on the disk. What is torn of it
    /// is cut off.
    pub fn crash(&mut self, eighths: u16) -> Torn {
        let unsynced = self.bytes.len() - self.synced;
        let written = self.synced + unsynced * usize::from(eighths.min(8)) / 8;
        self.bytes.truncate(written);
        let whole = self.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.bytes.truncate(whole);
        let kept = self.bytes[self.synced..].iter().filter(|byte| **byte == b'\n').count();
        self.sync();
        Torn { kept, has_torn: whole < written }
    }

    /// The lines that were written.
    ///
    /// # Panics
    ///
    /// When it is not text, which no line is that was written.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        core::str::from_utf8(&self.bytes).expect("lines of text").lines()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_was_not_synced_may_be_torn_and_nothing_else() {
        let mut journal = Journal::of("first");
        journal.write("s\u{e9}cond");
        journal.write("third");
        let mut seen = std::collections::BTreeSet::new();
        for eighths in 0..=9 {
            let mut torn = journal.clone();
            let Torn { kept, has_torn } = torn.crash(eighths);
            let lines: Vec<&str> = torn.lines().collect();
            assert_eq!(lines, ["first", "s\u{e9}cond", "third"][..1 + kept]);
            seen.insert((kept, has_torn));
            torn.write("later");
            assert_eq!(torn.lines().last(), Some("later"));
        }
        assert_eq!(seen, [(0, false), (0, true), (1, false), (1, true), (2, false)].into());
        journal.sync();
        assert_eq!(journal.crash(0), Torn { kept: 0, has_torn: false });
        assert_eq!(journal.lines().count(), 3);
    }
}
