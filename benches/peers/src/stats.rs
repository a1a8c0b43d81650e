//! Pairs of measurements, and what is said of them.

/// One pair after the other: ours, theirs.
#[derive(Clone, Debug, Default)]
pub struct Pairs(Vec<(f64, f64)>);

/// The middle, and the ends.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Pairs {
    pub fn push(&mut self, ours: f64, theirs: f64) {
        self.0.push((ours, theirs));
    }

    pub fn ours(&self) -> Spread {
        Spread::of(self.0.iter().map(|(ours, _)| *ours))
    }

    pub fn theirs(&self) -> Spread {
        Spread::of(self.0.iter().map(|(_, theirs)| *theirs))
    }

    /// Theirs to ours, pair by pair: the noise of the machine hits both of a pair.
    pub fn theirs_to_ours(&self) -> Spread {
        Spread::of(self.0.iter().map(|(ours, theirs)| theirs / ours))
    }

    pub fn ours_to_theirs(&self) -> Spread {
        Spread::of(self.0.iter().map(|(ours, theirs)| ours / theirs))
    }
}

impl Spread {
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self { median: at(values.len() / 2), least: at(0), most: at(last) }
    }
}
