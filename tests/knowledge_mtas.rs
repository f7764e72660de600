//! Which mail server greets: greetings as the servers' own sources and documentation have them.

use smtp_preflight::knowledge::mtas::{By, Greeting, recognise};

struct Case {
    slug: Option<&'static str>,
    by: By,
    banner: &'static [&'static str],
    ehlo: &'static [&'static str],
}

const fn case(slug: &'static str, by: By, banner: &'static [&'static str], ehlo: &'static [&'static str]) -> Case {
    Case { slug: Some(slug), by, banner, ehlo }
}

const fn none(banner: &'static [&'static str], ehlo: &'static [&'static str]) -> Case {
    Case { slug: None, by: By::Banner, banner, ehlo }
}

const CASES: &[Case] = &[
    case("postfix", By::Banner, &["mail.example.net ESMTP Postfix (Debian/GNU)"], &["mail.example.net", "PIPELINING"]),
    case(
        "postfix",
        By::Extensions,
        &["mail.example.net ESMTP"],
        &[
            "mail.example.net",
            "PIPELINING",
            "SIZE 10240000",
            "VRFY",
            "ETRN",
            "STARTTLS",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "DSN",
            "SMTPUTF8",
            "CHUNKING",
        ],
    ),
    case("mailcow", By::Banner, &["mail.example.net ESMTP Postcow"], &[]),
    case(
        "mail-in-a-box",
        By::Banner,
        &["box.example.net ESMTP Hi, I'm a Mail-in-a-Box (Ubuntu/Postfix; see https://mailinabox.email/)"],
        &[],
    ),
    case("proxmox-mail-gateway", By::Banner, &["gate.example.net ESMTP Proxmox"], &[]),
    case("exim", By::Banner, &["mail.example.net ESMTP Exim 4.98 Tue, 24 Nov 2026 16:00:00 +0000"], &[]),
    case(
        "exim",
        By::EhloWording,
        &["mail.example.net ESMTP"],
        &["mail.example.net Hello probe.example.org [192.0.2.7]", "SIZE 52428800", "HELP"],
    ),
    case("exim", By::Extension, &["mail.example.net"], &["mail.example.net", "PIPECONNECT"]),
    case(
        "cpanel",
        By::Banner,
        &[
            "server.example.net ESMTP Exim 4.98 #2 Tue, 24 Nov 2026 16:00:00 +0000 ",
            "We do not authorize the use of this system to transport unsolicited, ",
            "and/or bulk e-mail.",
        ],
        &[],
    ),
    case("opensmtpd", By::Banner, &["mail.example.net ESMTP OpenSMTPD"], &[]),
    case(
        "sendmail",
        By::Banner,
        &["mail.example.net ESMTP Sendmail 8.17.1/8.17.1; Tue, 24 Nov 2026 16:00:00 GMT"],
        &[],
    ),
    case(
        "sendmail",
        By::EhloWording,
        &["mail.example.net ESMTP"],
        &["mail.example.net Hello probe.example.org [192.0.2.7], pleased to meet you"],
    ),
    case(
        "exchange",
        By::Banner,
        &["EX01.corp.example Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 16:00:00 +0000"],
        &[],
    ),
    case(
        "exchange",
        By::Extension,
        &["mail.example.net"],
        &["mail.example.net Hello [192.0.2.7]", "SIZE 37748736", "X-ANONYMOUSTLS", "X-EXPS NTLM"],
    ),
    case(
        "exchange-online",
        By::Banner,
        &[
            "DB5EUR01FT012.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 16:00:00 +0000",
        ],
        &[],
    ),
    case("haraka", By::Banner, &["mail.example.net ESMTP Haraka/3.1.1 ready (1F8C2A)"], &[]),
    case(
        "haraka",
        By::EhloWording,
        &["mail.example.net ESMTP hello"],
        &["mail.example.net Hello probe.example.org [192.0.2.7], Haraka is at your service."],
    ),
    case("stalwart", By::Banner, &["mail.example.net Stalwart ESMTP at your service"], &[]),
    case("stalwart", By::EhloWording, &["mail.example.net ESMTP"], &["mail.example.net you had me at EHLO"]),
    case("kumomta", By::Banner, &["mta.example.net Welcome to KumoMTA!"], &[]),
    case(
        "kumomta",
        By::EhloWording,
        &["mta.example.net hi"],
        &["mta.example.net Aloha probe.example.org", "PIPELINING"],
    ),
    case("powermta", By::Banner, &["mta.example.net (PowerMTA(TM) v4.5r8) ESMTP service ready"], &[]),
    case(
        "powermta",
        By::EhloWording,
        &["mta.example.net ESMTP service ready"],
        &["mta.example.net says hello", "XACK"],
    ),
    case(
        "postal",
        By::Banner,
        &["postal.example.net ESMTP Postal/AB12CD"],
        &["My capabilities are", "AUTH CRAM-MD5 PLAIN LOGIN"],
    ),
    case("mox", By::Banner, &["mail.example.net ESMTP mox"], &[]),
    case("maddy", By::Banner, &["mx.example.net ESMTP Service Ready"], &["Hello probe.example.org"]),
    case(
        "windows-smtp",
        By::Banner,
        &["web01 Microsoft ESMTP MAIL Service, Version: 10.0.17763.1 ready at  Tue, 24 Nov 2026 16:00:00 +0000"],
        &[
            "web01 Hello [192.0.2.7]",
            "TURN",
            "SIZE 2097152",
            "ETRN",
            "DSN",
            "8bitmime",
            "BINARYMIME",
            "CHUNKING",
            "VRFY",
            "OK",
        ],
    ),
    // Exchange 2003 sends by that service, and has no Send connectors.
    case(
        "windows-smtp",
        By::Banner,
        &[
            "ex.example.net Microsoft ESMTP MAIL Service, Version: 6.0.3790.4675 ready at Tue, 24 Nov 2026 16:00:00 +0000",
        ],
        &["ex.example.net Hello [192.0.2.7]", "TURN", "X-EXPS GSSAPI NTLM LOGIN", "XEXCH50"],
    ),
    case(
        "mdaemon",
        By::Banner,
        &["mail.example.net ESMTP MDaemon 24.0.0; Tue, 24 Nov 2026 16:00:00 +0000"],
        &["mail.example.net Hello probe.example.org [192.0.2.7], pleased to meet you", "ETRN", "8BITMIME", "SIZE"],
    ),
    case(
        "domino",
        By::Banner,
        &["mail.example.net ESMTP Service (HCL Domino Release 12.0.2) ready at Tue, 24 Nov 2026 16:00:00 +0000"],
        &["mail.example.net Hello probe.example.org ([192.0.2.7]), pleased to meet you", "HELP", "8BITMIME"],
    ),
    case(
        "kerio-connect",
        By::Banner,
        &["mail.example.net Kerio Connect 10.0.0 ESMTP ready"],
        &["mail.example.net", "AUTH PLAIN", "ETRN", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "SIZE"],
    ),
    // Products without an entry, by their name and by their version alone.
    none(
        &["mail.example.net -- Server ESMTP (Oracle Communications Messaging Server 8.1)"],
        &["mail.example.net", "8BITMIME", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "ETRN", "DELIVERBY"],
    ),
    none(
        &["mail.example.net ESMTP Unheard-Of Mailer 7.2.1; Tue, 24 Nov 2026 16:00:00 +0000"],
        &["mail.example.net Hello probe.example.org [192.0.2.7], pleased to meet you", "DELIVERBY"],
    ),
    none(
        &["mail.example.net Axigen ESMTP ready"],
        &["mail.example.net", "PIPELINING", "ETRN", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN"],
    ),
    case("hmailserver", By::Extensions, &["WIN-MAIL ESMTP"], &["WIN-MAIL", "SIZE 20480000", "AUTH LOGIN", "HELP"]),
    case("chasquid", By::Banner, &["mail.example.net ESMTP chasquid"], &[]),
    none(&["mail.example.net ESMTP"], &["mail.example.net", "PIPELINING", "8BITMIME"]),
    none(&["********************"], &[]),
    none(&[], &[]),
    // A provider's own server whose words only look like another's.
    none(&["gmx.example (mxgmx101) Nemesis ESMTP Service ready"], &[]),
];

#[test]
fn greetings_are_recognised() {
    for case in CASES {
        let banner: Vec<String> = case.banner.iter().map(|line| (*line).to_owned()).collect();
        let extensions: Vec<String> = case.ehlo.iter().skip(1).map(|line| (*line).to_owned()).collect();
        let found = recognise(&Greeting { banner: &banner, ehlo: case.ehlo.first().copied(), extensions: &extensions });
        assert_eq!(found.map(|f| f.mta.slug.as_str()), case.slug, "{banner:?} {:?}", case.ehlo);
        if let Some(found) = found {
            // A guess from keywords is none, nor are words that others use too.
            let shared = [("maddy", By::Banner), ("sendmail", By::EhloWording), ("sendmail", By::Extension)];
            let certain = case.by != By::Extensions && !shared.contains(&(found.mta.slug.as_str(), case.by));
            assert_eq!((found.by, found.certain), (case.by, certain), "{banner:?} {:?}", case.ehlo);
        }
    }
}

#[test]
fn what_cannot_be_told_apart_is_said() {
    let banner = ["mail.example.net ESMTP Postfix".to_owned()];
    let found = recognise(&Greeting { banner: &banner, ..Greeting::default() }).expect("Postfix is known");
    for product in ["zimbra", "iredmail", "plesk"] {
        assert!(found.mta.also.iter().any(|also| also == product), "{product} greets as plain Postfix");
    }
}

#[test]
fn debians_exim_is_told_apart_with_the_name_filled_in() {
    let exim = smtp_preflight::knowledge::mtas::by_slug("exim").expect("an entry");
    let name = smtp_preflight::name::HostName::parse("mail.example.net").expect("a name");
    let lines = ["REMOTE_SMTP_HELO_DATA = mail.example.net", "MAIN_HARDCODE_PRIMARY_HOSTNAME = mail.example.net"];
    assert_eq!(exim.debian_for(&name), lines);
    assert!(exim.place.contains("/etc/exim4/conf.d/main/") && exim.place.contains("exim4.conf.localmacros"));
}

#[test]
fn a_server_that_follows_its_ptr_is_told_to_look_at_it_before_a_table_is_written() {
    let cpanel = smtp_preflight::knowledge::mtas::by_slug("cpanel").expect("an entry");
    let look = cpanel.by_ptr.as_deref().expect("as shipped, cPanel says the PTR");
    assert!(look.contains("Rebuild Reverse DNS Cache and Update Mail HELO"), "{look}");
    // The two switches exclude each other: the table's alone would do nothing.
    let switches = cpanel.directive.as_deref().expect("a setting");
    let off =
        switches.find("Use the reverse DNS entry for the mail HELO/EHLO if available\" off").expect("switched off");
    let on = switches.find("Reference /etc/mailhelo for custom outgoing SMTP HELO\" on").expect("switched on");
    assert!(off < on, "{switches}");
}

#[test]
fn what_shares_one_sign_is_named_beside_that_sign_alone() {
    let also = |banner: &str, ehlo: &str| {
        let banner = [banner.to_owned()];
        let found = recognise(&Greeting { banner: &banner, ehlo: Some(ehlo), extensions: &[] }).expect("Sendmail");
        (found.certain, found.also().len())
    };
    let ehlo = "mail.example.net Hello probe.example.org [192.0.2.7], pleased to meet you";
    assert_eq!(also("mail.example.net ESMTP Sendmail 8.17.1; Tue", ehlo), (true, 0));
    let (certain, others) = also("mail.example.net ESMTP", ehlo);
    assert!(!certain && others >= 3, "{others}");
}

#[test]
fn plesk_is_given_the_name_before_the_mode_that_says_it() {
    let plesk = smtp_preflight::knowledge::mtas::by_slug("plesk").expect("an entry");
    let name = smtp_preflight::name::HostName::parse("mail.example.net").expect("a name");
    assert_eq!(plesk.example_for(&name), ["mail.example.net"]);
    assert!(
        plesk.place.contains("Server Settings")
            && plesk.directive.as_deref().unwrap_or_default().contains("Full hostname")
    );
    assert!(plesk.apply.as_deref().unwrap_or_default().contains("Outgoing mail mode"));
}

#[test]
fn an_example_stands_where_the_file_wants_it() {
    let entry = |slug| smtp_preflight::knowledge::mtas::by_slug(slug).expect("an entry");
    let name = smtp_preflight::name::HostName::parse("mail.example.net").expect("a name");
    // In Postal's YAML the key is one of the section `dns`.
    assert_eq!(entry("postal").example_for(&name), ["dns:", "  helo_hostname: mail.example.net"]);
    assert!(entry("exim").notes.iter().any(|note| note.contains("remote_smtp and remote_smtp_smarthost")));
}
