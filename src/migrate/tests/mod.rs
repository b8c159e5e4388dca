//! Migrations over two layers in memory.

mod controls;
mod crash;
mod histories;
mod plans;
mod world;
