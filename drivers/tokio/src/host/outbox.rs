//! What a room wants done and may not do yet: nothing that follows a commit happens before the
//! commit is durable, and all happens in order.

use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct Outbox<T> {
    waiting: VecDeque<Entry<T>>,
    /// All commits up to this number are durable.
    durable: u64,
}

#[derive(Debug)]
enum Entry<T> {
    Commit(u64),
    Effect(T),
}

impl<T> Outbox<T> {
    pub(super) const fn new() -> Self {
        Self { waiting: VecDeque::new(), durable: 0 }
    }

    /// What comes after waits for this commit.
    pub(super) fn push_commit(&mut self, number: u64) {
        self.waiting.push_back(Entry::Commit(number));
    }

    pub(super) fn push(&mut self, effect: T) {
        self.waiting.push_back(Entry::Effect(effect));
    }

    pub(super) fn set_durable(&mut self, number: u64) {
        self.durable = number;
    }

    /// The next effect that may happen.
    pub(super) fn pop(&mut self) -> Option<T> {
        loop {
            match self.waiting.pop_front()? {
                Entry::Commit(number) if number > self.durable => {
                    self.waiting.push_front(Entry::Commit(number));
                    return None;
                }
                Entry::Commit(_) => {}
                Entry::Effect(effect) => return Some(effect),
            }
        }
    }

    /// Commits and effects that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_wait_for_the_commits_before_them_and_for_no_others() {
        let mut outbox = Outbox::new();
        outbox.push('a');
        outbox.push_commit(1);
        outbox.push('b');
        outbox.push_commit(2);
        outbox.push('c');
        assert_eq!((outbox.pop(), outbox.pop(), outbox.len()), (Some('a'), None, 4));
        outbox.set_durable(1);
        assert_eq!((outbox.pop(), outbox.pop(), outbox.len()), (Some('b'), None, 2));
        outbox.set_durable(2);
        assert_eq!((outbox.pop(), outbox.pop(), outbox.len()), (Some('c'), None, 0));
    }
}
