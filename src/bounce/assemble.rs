//! The bounce put together from a letter's parts.

use super::cause::{self, Said};
use super::dsn::Fields;
use super::letter::Letter;
use super::refusal::{Refusal, refusals};
use super::reply::{Reply, clean, clip};
use super::{Bounce, Cause, Kind, Side, Stage, remote, sender, unreadable, writer};

/// Puts a letter's parts together.
pub(super) fn assemble(letter: &Letter) -> Bounce {
    let refusals = refusals(letter);
    let delivered = !letter.groups.is_empty()
        && letter.groups.iter().any(Fields::delivered)
        && !letter.groups.iter().any(|g| g.get("action").is_some() && !g.delivered());
    let bounce = letter.is_bounce() || !refusals.is_empty() && letter.is_text();
    let mut out = unreadable("");
    out.unreadable = None;
    out.kind = match () {
        () if letter.is_text() => Kind::Text,
        () if !letter.groups.is_empty() => Kind::Dsn,
        () => Kind::Message,
    };
    out.bounce = bounce || !refusals.is_empty() && !letter.is_auto_reply();
    out.complaint = letter.feedback;
    out.forwarded = letter.forwarded;
    out.truncated = letter.truncated;

    let said: Vec<&Said> = refusals.iter().map(|r| &r.said).collect();
    let report = letter.feedback || letter.is_auto_reply() || delivered;
    let judged = out.bounce || letter.is_text() || letter.is_robot();
    if judged && !report {
        let words = own_words(letter);
        let decision = cause::decide(&said, &words, letter.is_text());
        out.cause = decision.cause;
        out.identity = decision.identity;
        out.possible = decision.possible;
        out.matched = decision.matched;
        out.receiver = decision.receiver;
        out.software = decision.software;
        out.bounce |= out.cause != Cause::Unknown;
        let chosen = decision.reply.or(if refusals.is_empty() { None } else { Some(0) });
        if let Some(refusal) = chosen.and_then(|at| refusals.get(at)) {
            // A local failure has no code of its own (X-Unix; 73): the reply made of it is shown.
            let coded =
                refusals.iter().find(|r| r.said.reply.code.is_some()).filter(|_| refusal.said.reply.text.len() < 4);
            out.reply = Some(shown(coded.unwrap_or(refusal)));
            out.stage = refusal.said.stage;
            out.receiver_host = refusal.remote.host.as_deref().map(clean);
            out.recipient = refusal.recipient.as_deref().map(clean);
        }
    } else if let Some(refusal) = refusals.first() {
        out.reply = Some(shown(refusal));
    }
    if out.recipient.is_none() {
        out.recipient = letter
            .groups
            .iter()
            .find_map(Fields::recipient)
            .or_else(|| letter.header.get("x-failed-recipients"))
            .map(clean);
    }
    out.writer = writer::writer(letter, &refusals);
    if out.receiver_host.is_none() && out.writer.side == Side::Receiver {
        out.receiver_host.clone_from(&out.writer.host);
    }
    let known = out.receiver_host.as_deref().and_then(remote::receiver).map(str::to_owned);
    let identity = out.cause == Cause::SenderIdentity;
    out.receiver = known
        .or_else(|| out.receiver_host.clone())
        .or_else(|| out.receiver.take().filter(|_| identity))
        .or_else(|| out.software.clone());
    // This receiver answers "Unknown user" behind DATA when the recipient's own filter refuses; a user
    // that it does not know it refuses at RCPT TO.
    if out.receiver.as_deref() == Some("NTT DOCOMO") && out.stage == Some(Stage::Data) && out.cause == Cause::Recipient
    {
        out.cause = Cause::Policy;
    }
    sender::address(letter, &refusals, &mut out);
    out
}

/// The writer's own words: not the subject of the user's message, which notices repeat. Domino puts the
/// refusal into its own subject.
fn own_words(letter: &Letter) -> String {
    const SUBJECT: [&str; 10] =
        ["subject:", "betreff:", "objet:", "asunto:", "assunto:", "oggetto:", "onderwerp:", "temat:", "件名:", "тема:"];
    let subject = letter.subject.trim();
    let own = subject.to_ascii_lowercase().starts_with("delivery failure:") || letter.is_text();
    let mut words = String::from(if own { subject } else { "" });
    for line in letter.prose.lines() {
        let begin = clip(line.trim_start(), 24).to_lowercase();
        if !SUBJECT.iter().any(|s| begin.starts_with(s)) {
            words.push('\n');
            words.push_str(line);
        }
    }
    words
}

fn shown(refusal: &Refusal) -> Reply {
    let mut reply = refusal.said.reply.clone();
    if reply.enhanced.is_none() {
        reply.enhanced.clone_from(&refusal.said.status);
        reply.enhanced_of_report = reply.enhanced.is_some();
    }
    reply
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_reports_status_is_told_from_the_replys_code() {
        let text = |diagnostic: &str| {
            let text = format!(
                "From: MAILER-DAEMON@a.example\nTo: u@a.example\nSubject: failure\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; b@c.example\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; {diagnostic}\n\n--b--\n"
            );
            super::super::read(text.as_bytes()).reply.map(|r| (r.enhanced.unwrap_or_default(), r.enhanced_of_report))
        };
        assert_eq!(text("550 no PTR"), Some(("5.7.1".into(), true)));
        assert_eq!(text("550 5.7.25 no PTR"), Some(("5.7.25".into(), false)));
    }

    #[test]
    fn the_users_subject_is_not_the_bounces_word() {
        let bounce = super::super::read(
            b"From: MAILER-DAEMON@a.example\nTo: u@a.example\nSubject: Undeliverable: Re: no PTR record found\n\nYour message\n\n  Subject: Re: no PTR record found\n\nwas not delivered.\n",
        );
        assert_ne!(bounce.cause, super::Cause::SenderIdentity);
    }
}
