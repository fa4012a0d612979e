//! The recordings and findings of the fuzzer (`tests/fuzz`), through the same functions, in every ordinary test run.

#![allow(clippy::unwrap_used)]

#[path = "fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

#[test]
fn every_recording_passes_through_its_parser() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    for (name, target) in targets::ALL {
        let mut tried = 0;
        for entry in fs::read_dir(seeds.join(name)).unwrap_or_else(|error| panic!("seeds of {name}: {error}")) {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            println!("{}", path.display());
            target(&bytes);
            // A recording that is cut off anywhere is what a truncated read returns.
            for end in (0..bytes.len()).step_by(bytes.len() / 64 + 1) {
                target(&bytes[..end]);
            }
            tried += 1;
        }
        assert!(tried > 0, "{name} has no seeds");
    }
}
