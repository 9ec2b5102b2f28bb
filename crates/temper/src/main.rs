//! The temper command.

fn main() {}
