//! Plants bugs in copies of the library, one after the other, and sees whether each is found.

use roomsync_proptests::planted::{
    Engine, Found, Plant, broken_line, plants, row, rows, with_rows,
};
use roomsync_proptests::progress::Progress;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::thread;
use std::time::Duration;

const USAGE: &str = "\
usage: planted [--check | --only NAME...]

Builds the simulator with each of the bugs in proptests/planted/, lets it search a fixed number of
scripts, and writes what found them into docs/testing.md. Fails when one is not found.
       --check        only see whether the patches apply and the table names them
       --only NAME    only these";

/// The scripts that a bug has to be found in: those of the seeds from 0 on.
const SCRIPTS: u64 = 4_000;

/// No search takes so long, unless a machine does not come back.
const LONGEST: Duration = Duration::from_secs(900);

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        [] => plant_all(&[]),
        ["--only", ref names @ ..] if !names.is_empty() => plant_all(names),
        ["--check"] => check(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn all_plants() -> Result<Vec<Plant>> {
    Ok(plants(&Path::new(ROOT).join("proptests/planted"))?)
}

/// Whether all patches apply, and the table names all of them and no other.
fn check() -> Result<bool> {
    let plants = all_plants()?;
    let mut is_good = true;
    for Plant { name, file, .. } in &plants {
        let applied = git(Path::new(ROOT), &["apply", "--check"]).arg(file).output()?;
        if !applied.status.success() {
            is_good = false;
            println!("{name} does not apply\n{}", text_of(&applied));
        }
    }
    let rows = rows(&fs::read_to_string(book())?);
    if !rows.keys().eq(plants.iter().map(|plant| &plant.name)) {
        is_good = false;
        println!("the table in docs/testing.md is of other bugs");
    }
    println!(
        "{} planted bugs, {}",
        plants.len(),
        if is_good { "all apply" } else { "not all good" }
    );
    Ok(is_good)
}

fn book() -> PathBuf {
    Path::new(ROOT).join("docs/testing.md")
}

/// Plants these bugs, or all.
fn plant_all(only: &[&str]) -> Result<bool> {
    let mut plants = all_plants()?;
    if let Some(unknown) = only.iter().find(|name| plants.iter().all(|it| it.name != **name)) {
        return Err(format!("there is no bug {unknown}").into());
    }
    plants.retain(|it| only.is_empty() || only.contains(&it.name.as_str()));
    let garden = Garden::new()?;
    let mut progress = Progress::new();
    progress.show_now(0.0, "nothing planted");
    let (by, after) = garden.look(&Engine::Sim)?;
    if let Some(by) = by {
        progress.clear();
        println!("with nothing planted {by} is broken, after {after}");
        return Ok(false);
    }
    let mut found = BTreeMap::new();
    for (index, plant) in plants.iter().enumerate() {
        let name = &plant.name;
        progress.show_now(index as f64 / plants.len() as f64, name);
        let begin = progress.elapsed();
        let looked = garden.look_for(plant);
        let seconds = (progress.elapsed() - begin).as_secs_f64();
        progress.clear();
        match looked {
            Ok((Some(by), after)) => {
                println!("{name}: {by}, after {after}, {seconds:.1} s");
                found.insert(name.as_str(), row(plant, &Found { by, after, seconds }));
            }
            Ok((None, after)) => println!("{name} IS NOT FOUND, after {after}, {seconds:.1} s"),
            Err(error) => println!("{name} CANNOT BE LOOKED FOR: {error}"),
        }
    }
    println!(
        "{} of {} bugs found, in {} s",
        found.len(),
        plants.len(),
        progress.elapsed().as_secs()
    );
    let all = all_plants()?;
    let all: Vec<&str> = all.iter().map(|plant| plant.name.as_str()).collect();
    let text = with_rows(&fs::read_to_string(book())?, &all, &found);
    fs::write(book(), text.ok_or("docs/testing.md has no place for the table")?)?;
    Ok(found.len() == plants.len())
}

/// A copy of the sources, in which bugs are planted.
struct Garden {
    tree: PathBuf,
    target: PathBuf,
    /// What the last program printed.
    log: PathBuf,
}

impl Garden {
    /// Copies whatever git knows of or would add, as it is now.
    fn new() -> Result<Self> {
        let whole = Path::new(ROOT).join("target/planted");
        let (tree, target) = (whole.join("tree"), whole.join("target"));
        let garden = Self { tree, target, log: whole.join("said.txt") };
        let listed = git(Path::new(ROOT), &["ls-files", "-zco", "--exclude-standard"]).output()?;
        if !listed.status.success() {
            return Err(text_of(&listed).into());
        }
        if garden.tree.exists() {
            fs::remove_dir_all(&garden.tree)?;
        }
        for name in String::from_utf8(listed.stdout)?.split('\0').filter(|name| !name.is_empty()) {
            let (from, to) = (Path::new(ROOT).join(name), garden.tree.join(name));
            // One that is deleted and not committed so is not there.
            if from.is_file() {
                fs::create_dir_all(to.parent().ok_or("a file at the root of all")?)?;
                fs::copy(from, to)?;
            }
        }
        Ok(garden)
    }

    /// Plants a bug, looks for it, and takes it out.
    fn look_for(&self, plant: &Plant) -> Result<(Option<String>, String)> {
        self.patch(plant, &["apply"])?;
        let looked = self.look(&plant.engine);
        self.patch(plant, &["apply", "--reverse"])?;
        looked
    }

    fn patch(&self, plant: &Plant, how: &[&str]) -> Result<()> {
        // Not as a part of the repository that it lies in, which would make other paths of these.
        let mut git = git(&self.tree, how);
        let ceiling = self.tree.canonicalize()?;
        let ceiling = ceiling.parent().ok_or("a tree at the root of all")?;
        let done = git.env("GIT_CEILING_DIRECTORIES", ceiling).arg(plant.file.canonicalize()?);
        let done = done.output()?;
        if done.status.success() {
            return Ok(());
        }
        Err(format!("{} does not apply: {}", plant.name, text_of(&done)).into())
    }

    /// Builds what there is and looks for a bug. Says by what it was found, and after how much.
    fn look(&self, engine: &Engine) -> Result<(Option<String>, String)> {
        match engine {
            Engine::Sim => {
                self.build(&["build", "--release", "-p", "roomsync-proptests", "--bins"])?;
                let seeds = format!("0..{SCRIPTS}");
                let out = self.tree.join("found");
                let mut sim = self.built("sim");
                sim.args(["--seeds", &seeds, "--unshrunk", "--out"]).arg(out);
                let said = said(sim, &self.log)?;
                Ok(match broken_line(&said) {
                    Some((oracle, seed, inputs)) => {
                        (Some(oracle), format!("{} scripts, {inputs} inputs", seed + 1))
                    }
                    None => {
                        let never = said.lines().find(|line| line.starts_with("never met"));
                        (never.map(str::to_owned), format!("{SCRIPTS} scripts"))
                    }
                })
            }
            Engine::Explore(words) => {
                self.build(&["build", "--release", "-p", "roomsync-proptests", "--bins"])?;
                let mut explore = self.built("explore");
                explore.args(words);
                let said = said(explore, &self.log)?;
                let broken = said.lines().find_map(|line| line.split_once(" is broken: "));
                let states = said.lines().find_map(|line| line.split_once(" states"));
                let states = states.map_or("no", |(states, _)| states);
                Ok((broken.map(|(oracle, _)| oracle.to_owned()), format!("{states} states")))
            }
            Engine::Test(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.build(&[&["test", "--release", "--no-run"], &words[..]].concat())?;
                let mut test = self.cargo(&["test", "--release"]);
                test.args(words).env("PROPTEST_RNG_SEED", "1");
                let said = said(test, &self.log)?;
                let failed = said
                    .lines()
                    .find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
                Ok((failed.map(|test| format!("`{test}`")), "its tests".to_owned()))
            }
        }
    }

    fn cargo(&self, words: &[&str]) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // All trees are one and the same to cargo, and little differs from one to the next.
        cargo.args(words).current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target);
        cargo.env("CARGO_INCREMENTAL", "1");
        cargo
    }

    fn build(&self, words: &[&str]) -> Result<()> {
        let built = self.cargo(words).output()?;
        if built.status.success() { Ok(()) } else { Err(text_of(&built).into()) }
    }

    fn built(&self, program: &str) -> Command {
        let mut command = Command::new(self.target.join("release").join(program));
        command.current_dir(&self.tree);
        command
    }
}

/// Runs a program that looks for something, and gives all that it prints.
fn said(mut command: Command, log: &Path) -> Result<String> {
    let file = fs::File::create(log)?;
    let mut child = command.stdout(file.try_clone()?).stderr(file).spawn()?;
    let waited = Progress::new();
    while child.try_wait()?.is_none() {
        if waited.elapsed() > LONGEST {
            child.kill()?;
            child.wait()?;
            return Err("it does not come to an end".into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(String::from_utf8_lossy(&fs::read(log)?).into_owned())
}

fn git(at: &Path, words: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(at).args(words);
    git
}

fn text_of(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stderr) + &text(&output.stdout)
}
