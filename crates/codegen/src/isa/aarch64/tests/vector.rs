//! The vector tables.
