//! Rules on how the outside sees this machine (`check --self`).

use super::{Code, Finding, finding};
use crate::judge::own::OwnAddress;
use crate::judge::view::View;

pub(super) fn own(view: &View<'_>, found: &mut Vec<Finding>) {
    let Some(own) = view.evidence.own.as_ref().map(OwnAddress::of) else { return };
    let told: Vec<_> = own.services.iter().filter_map(|s| Some((s, s.address?))).collect();
    if told.iter().any(|(_, ip)| Some(*ip) != own.outside) {
        let said: Vec<String> = told.iter().map(|(s, ip)| format!("{} says {ip}", s.service)).collect();
        let judged = own.outside.map(|ip| format!(" Judged here: {ip}.")).unwrap_or_default();
        found.push(finding(Code::SelfAddressDisagrees, format!("{}.{judged}", said.join(", "))));
    }
    if let (Some(local), Some(outside), Some(true)) = (own.local, own.outside, own.nat) {
        let detail = format!("This machine has {local}, the outside sees {outside}.");
        found.push(finding(Code::SelfBehindNat, detail));
    }
}
