//! The README's example is the program of that name.

#[test]
fn the_readme_shows_the_example_in_memory() {
    let readme = include_str!("../README.md");
    let example = include_str!("../examples/in_memory.rs");
    let program = example.find("use roomsync::").map(|start| &example[start..]).unwrap();
    assert!(readme.contains(program), "copy examples/in_memory.rs into the README");
}
