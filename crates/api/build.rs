//! A rebuilt web UI has other file names, so the list of embedded files must be made anew.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
