//! Names for numbers: ports by the services file, addresses by reverse look-up.

pub mod hosts;
pub mod services;
