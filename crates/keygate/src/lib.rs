//! placeholder

pub mod cluster;
pub mod db;
