//! The documented rules and the tests that hold them name each other rightly.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A rule of a document: what it is called, and the tests under it.
#[derive(Debug, PartialEq)]
struct Rule {
    name: String,
    tests: Vec<(String, String)>,
}

/// The rules of `text`: items that begin with a bold name, like `- **DIFF-1** …`. Whatever stands
/// in code quotes as `file::test` below one is a test of it.
fn rules(text: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for line in text.lines() {
        if let Some((name, _)) = line.strip_prefix("- **").and_then(|rest| rest.split_once("**")) {
            rules.push(Rule { name: name.into(), tests: Vec::new() });
        } else if line.starts_with('#') {
            continue;
        }
        let Some(rule) = rules.last_mut() else { continue };
        let quoted = line.split('`').skip(1).step_by(2);
        let tests = quoted
            .filter(|quoted| quoted.contains('/'))
            .filter_map(|quoted| quoted.split_once("::"));
        rule.tests.extend(tests.map(|(file, test)| (file.into(), test.into())));
    }
    rules
}

/// Whether `source` has a test of that name.
fn has_test(source: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let lines: Vec<&str> = source.lines().collect();
    lines.iter().enumerate().any(|(at, line)| {
        line.trim_start().trim_start_matches("async ").starts_with(&function)
            && lines[..at]
                .iter()
                .rev()
                .take_while(|line| !line.trim().is_empty())
                .any(|line| line.contains("#[test]") || line.contains("#[tokio::test"))
    })
}

/// What is wrong with the rules of a document.
fn faults(text: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for rule in rules(text) {
        if !names.insert(rule.name.clone()) {
            faults.push(format!("{} stands twice", rule.name));
        }
        if rule.tests.is_empty() {
            faults.push(format!("{} names no test", rule.name));
        }
        for (file, test) in &rule.tests {
            match read(file) {
                None => faults.push(format!("{}: there is no {file}", rule.name)),
                // Programs in other languages name their scenarios as they like.
                Some(source) if !file.ends_with(".rs") && source.contains(test.as_str()) => {}
                Some(source) if has_test(&source, test) => {}
                Some(_) => faults.push(format!("{}: {file} has no test {test}", rule.name)),
            }
        }
    }
    faults
}

#[test]
fn every_rule_of_the_protocol_names_tests_that_exist() {
    let text = fs::read_to_string(Path::new(ROOT).join("docs/protocol.md")).unwrap();
    assert!(rules(&text).len() >= 40, "the rules are found");
    let found = faults(&text, |file| fs::read_to_string(Path::new(ROOT).join(file)).ok());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_fault_of_a_document_is_found() {
    let source = "#[test]\nfn good() {}\n\nfn helper() {}\n";
    let read = |file: &str| (file == "src/a.rs").then(|| source.to_string());
    let of = |text: &str| faults(text, read);
    assert_eq!(of("# Rules\n- **A-1** Text\n  - `src/a.rs::good`\n"), [""; 0]);
    assert_eq!(
        of("- **A-1** Text `like::this`\n- **A-2** Text `src/a.rs::good`\n"),
        ["A-1 names no test"]
    );
    assert_eq!(
        of("- **A-1** `src/a.rs::good`\n- **A-1** `src/a.rs::good`\n"),
        ["A-1 stands twice"]
    );
    assert_eq!(of("- **A-1** `src/b.rs::good`\n"), ["A-1: there is no src/b.rs"]);
    assert_eq!(of("- **A-1** `src/a.rs::bad`\n"), ["A-1: src/a.rs has no test bad"]);
    assert_eq!(of("- **A-1** `src/a.rs::helper`\n"), ["A-1: src/a.rs has no test helper"]);
}
