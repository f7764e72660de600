//! A world of one zone, and the check of the one address in it.

use smtp_preflight::evidence::Evidence;
use smtp_preflight::judge::{Check, judge};
use smtp_preflight::lab::{Lab, Scenario};

/// 198.51.100.25 says `ehlo` in this zone.
pub(crate) async fn check(ehlo: &str, zone: &str) -> Check {
    check_where(ehlo, zone, "").await
}

/// 198.51.100.25 says `ehlo` in this zone, where the A of `failing` is answered with SERVFAIL.
pub(crate) async fn check_where(ehlo: &str, zone: &str, failing: &str) -> Check {
    judge(&seen(ehlo, zone, failing).await)
}

/// What was seen of that.
pub(crate) async fn seen(ehlo: &str, zone: &str, failing: &str) -> Evidence {
    let fault = match failing {
        "" => String::new(),
        name => format!("[[dns.fault]]\nname = '{name}.'\ntype = 'A'\nfault = 'servfail'\n"),
    };
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['198.51.100.25']\nehlo = '{ehlo}'\n[[dns]]\nzone = '''\n\
         $ORIGIN example.net.\n{zone}\n'''\n{fault}\
         [[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\n\
         iprev = 'pass'\nfindings = []\n"
    );
    let scenario = Scenario::parse("remedy", &text).unwrap();
    let lab = Lab::start(&scenario).await.unwrap();
    lab.observe(&scenario).await.unwrap().remove(0)
}

pub(crate) const PTR: &str = "$ORIGIN 100.51.198.in-addr.arpa.\n25 PTR";
