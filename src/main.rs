//! The program `plainsight`.

fn main() {}
