//! roomsync beside its peers: the same workloads, in the same run.

pub mod crdt;
pub mod memory;
pub mod ours;
pub mod plan;
pub mod plot;
pub mod report;
pub mod request;
pub mod shapes;
pub mod sockets;
pub mod stats;
pub mod stock;
pub mod wire;
