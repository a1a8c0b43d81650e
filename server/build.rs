//! A file that is new in `page/` is embedded with the next build.

fn main() {
    println!("cargo::rerun-if-changed=page");
}
