//! Certificates for the servers, self-signed, made for each test.

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

use crate::world::World;

/// Writes `/world/NAME.pem` (certificate and key), readable for the owner; valid from 2020 to the end of `until`.
pub(crate) fn write(world: &World, name: &str, until: i32, owner: u32) -> String {
    let mut params = CertificateParams::new(vec![name.to_owned(), "*.mail.example.net".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 12, 31);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let file = format!("{name}.pem");
    world.write(&file, &format!("{}{}", key.serialize_pem(), certificate.pem()));
    world.give(&file, owner);
    format!("/world/{file}")
}
