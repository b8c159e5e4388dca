//! Migrations over two layers in memory.

mod controls;
mod crash;
mod histories;
mod others;
mod plans;
mod world;
