//! Scripts that broke an invariant once.

use roomsync_proptests::report::{Report, run_twice};
use roomsync_proptests::script::Script;
use std::path::Path;

#[test]
fn what_was_mended_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let name = file.display().to_string();
        let text = std::fs::read_to_string(&file).unwrap();
        let script: Script = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(failure) = run_twice(&script).failure {
            let file = Some(name.as_str());
            panic!("\n{}", Report { seed: None, script: &script, failure: &failure, file });
        }
        count += 1;
    }
    assert!(count > 0, "there are no scripts");
}
