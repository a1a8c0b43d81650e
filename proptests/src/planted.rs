//! Bugs that are planted on purpose, to see whether they are found: each a patch of the library, with
//! some lines above it that say what the bug is.
//!
//! ```text
//! A push that the room has taken already takes effect again.
//! engine: explore --edits 1 --cuts 1
//!
//! diff --git a/src/room/push.rs b/src/room/push.rs
//! ```
//!
//! Without an `engine` it is the simulator that has to find it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A bug to be planted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plant {
    /// What the patch is called.
    pub name: String,
    /// What the bug is, in a sentence.
    pub what: String,
    /// What looks for it.
    pub engine: Engine,
    /// Where the patch is.
    pub file: PathBuf,
}

/// What looks for a bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The simulator, from the first seed on.
    Sim,
    /// The search of a small world, with these arguments.
    Explore(Vec<String>),
    /// Tests, as these arguments of `cargo test` name them.
    Test(Vec<String>),
}

/// How a bug was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The invariant that was broken, or the test that failed.
    pub by: String,
    /// How much was looked at until then.
    pub after: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// All bugs of a folder, in order of their names.
///
/// # Errors
///
/// When a file cannot be read, or does not say what its bug is.
pub fn plants(folder: &Path) -> Result<Vec<Plant>, String> {
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut plants = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(said)? {
        let file = entry.map_err(said)?.path();
        if file.extension().is_some_and(|extension| extension == "patch") {
            let text = std::fs::read_to_string(&file).map_err(said)?;
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let head = head_of(&text).ok_or_else(|| format!("{name}: does not say what it is"))?;
            plants.push(Plant { name, what: head.0, engine: head.1, file });
        }
    }
    plants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(plants)
}

/// What stands above the diff: what the bug is, and what looks for it.
fn head_of(patch: &str) -> Option<(String, Engine)> {
    let lines = patch.lines().take_while(|line| !line.starts_with("diff "));
    let (engines, words): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with("engine:"));
    let what = words.join(" ").trim().to_owned();
    let engine = match engines[..] {
        [] => Engine::Sim,
        [line] => engine_of(line)?,
        _ => return None,
    };
    (!what.is_empty()).then_some((what, engine))
}

fn engine_of(line: &str) -> Option<Engine> {
    let mut words = line.split_whitespace().skip(1);
    let engine = match words.next()? {
        "explore" => Engine::Explore,
        "test" => Engine::Test,
        _ => return None,
    };
    Some(engine(words.map(str::to_owned).collect()))
}

/// What the simulator says when it has found something: the invariant, the seed and the inputs.
#[must_use]
pub fn broken_line(output: &str) -> Option<(String, u64, u64)> {
    output.lines().find_map(|line| {
        let (seed, rest) = line.strip_prefix("seed ")?.split_once(": ")?;
        let (oracle, inputs) = rest.split_once(" is broken after ")?;
        let inputs = inputs.strip_suffix(" inputs")?.parse().ok()?;
        Some((oracle.to_owned(), seed.parse().ok()?, inputs))
    })
}

/// The row of the table that tells how a bug was found.
#[must_use]
pub fn row(Plant { name, what, .. }: &Plant, Found { by, after, seconds }: &Found) -> String {
    format!("| {name} | {what} | {by} | {after} | {seconds:.1} |\n")
}

const BEGIN: &str = "<!-- planted: begin -->\n";
const END: &str = "<!-- planted: end -->\n";
const HEAD: &str = "| bug | what it is | found by | after | s |\n| --- | --- | --- | --- | --- |\n";

/// The text with these rows in its table, by the names of their bugs. Those that it has and that stand
/// among `names` it keeps. `None` when it has no table.
#[must_use]
pub fn with_rows(text: &str, names: &[&str], new: &BTreeMap<&str, String>) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let old = rows(text);
    let rows = names.iter().filter_map(|name| new.get(name).or_else(|| old.get(*name)).cloned());
    Some(format!("{before}{BEGIN}{HEAD}{}{END}{after}", rows.collect::<String>()))
}

/// The rows of the table in the text, by the names of their bugs.
#[must_use]
pub fn rows(text: &str) -> BTreeMap<String, String> {
    let table = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    let rows = table.map_or("", |(table, _)| table).lines().skip(2);
    let named = rows.filter_map(|row| Some((row.split('|').nth(1)?.trim(), row)));
    named.map(|(name, row)| (name.to_owned(), format!("{row}\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_what_it_is_and_what_finds_it() {
        let head = |text: &str| head_of(text);
        let bug = "Flushes are\nlost.".to_owned();
        let as_text = bug.replace('\n', " ");
        assert_eq!(head(&format!("{bug}\n\ndiff --git a")), Some((as_text.clone(), Engine::Sim)));
        let explore = Engine::Explore(vec!["--edits".into(), "2".into()]);
        assert_eq!(
            head(&format!("{bug}\nengine: explore --edits 2\ndiff --git a")),
            Some((as_text, explore))
        );
        for wrong in
            ["diff --git a", "Lost.\nengine: guess\ndiff --git a", "engine: test x\ndiff --git a"]
        {
            assert_eq!(head(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_row_takes_the_place_of_another_and_those_of_other_bugs_stay() {
        let plant = Plant {
            name: "lost".into(),
            what: "Lost.".into(),
            engine: Engine::Sim,
            file: PathBuf::new(),
        };
        let found = Found { by: "I9 timers".into(), after: "1 script".into(), seconds: 0.25 };
        let row = row(&plant, &found);
        assert_eq!(row, "| lost | Lost. | I9 timers | 1 script | 0.2 |\n");
        let text = format!("a\n{BEGIN}{HEAD}| lost | old |\n| other | x |\n| gone | y |\n{END}b\n");
        let new = BTreeMap::from([("lost", row.clone())]);
        let text = with_rows(&text, &["early", "lost", "other"], &new).unwrap();
        assert_eq!(text, format!("a\n{BEGIN}{HEAD}{row}| other | x |\n{END}b\n"));
        assert_eq!(rows(&text).into_keys().collect::<Vec<_>>(), ["lost", "other"]);
        assert_eq!(with_rows("a\n", &[], &new), None);
    }

    #[test]
    fn what_the_simulator_says_is_understood() {
        let said = "[##] 3%\nseed 12: I3 convergence is broken after 345 inputs\nmore";
        assert_eq!(broken_line(said), Some(("I3 convergence".into(), 12, 345)));
        assert_eq!(broken_line("300 runs, 0 found"), None);
    }
}
