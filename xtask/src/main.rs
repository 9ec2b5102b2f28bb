//! Development tasks: check, test, tools, oracle, bench.

fn main() {}
