//! Data that ships with the program: each entry with its source and date.

pub mod receivers;
