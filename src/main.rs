//! The smtp-preflight command.

fn main() {}
