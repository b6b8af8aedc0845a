//! The unsafe part.
#![allow(unsafe_code)]
