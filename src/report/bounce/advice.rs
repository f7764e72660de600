//! What to do about a bounce: the check's own remedy where it is known, else what fits the case.

use super::words::{long, receiver, short};
use crate::bounce::{Bounce, Cause, Identity, Side as Written};
use crate::desk::{Entry, Standing};
use crate::judge::{Check, Remedy, Side};

/// One thing to do.
#[derive(Default)]
pub(super) struct Step {
    pub(super) action: String,
    /// Who can do it; empty where it is the reader.
    pub(super) who: String,
    /// The same in a letter, which names no option of this program.
    pub(super) in_letter: Option<String>,
    /// Zone lines to publish.
    pub(super) publish: Vec<String>,
    /// Zone lines that go.
    pub(super) withdraw: Vec<String>,
    /// Settings, panel paths.
    pub(super) how: Vec<String>,
    /// Those of them that are commands or settings.
    pub(super) verbatim: Vec<String>,
    /// A command of this program, for the desk.
    pub(super) command: Option<String>,
    /// Changes nothing: it only looks whether the others worked.
    pub(super) checks_again: bool,
}

impl Step {
    /// All that is to be copied, in its order.
    pub(super) fn lines(&self) -> Vec<String> {
        let gone = self.withdraw.iter().map(|l| format!("remove: {l}"));
        self.publish.iter().cloned().chain(gone).chain(self.how.iter().chain(&self.command).cloned()).collect()
    }
}

fn step(action: impl Into<String>) -> Step {
    Step { action: action.into(), ..Step::default() }
}

/// The steps, in order.
pub(super) fn steps(entry: &Entry) -> Vec<Step> {
    let bounce = &entry.bounce;
    if bounce.unreadable.is_some() || bounce.skipped.is_some() {
        return Vec::new();
    }
    match (entry.since.as_ref().map(|s| s.standing), &entry.check) {
        (None, _) => other_cause(bounce),
        (Some(Standing::StillBroken), Some(check)) => repair(bounce, check),
        (Some(Standing::FixedSince), _) => vec![step(format!(
            "Send the message again. If it is refused again, wait until the old answer has left {}'s cache.",
            receiver_in_sentence(bounce)
        ))],
        (Some(Standing::NotVisible), _) => not_visible(bounce),
        (Some(Standing::NotChecked), _) => leg_advice(bounce),
        (Some(Standing::CouldNotTell), Some(_)) => {
            let later = "We look again; you need to do nothing before that. Nothing is known to be wrong yet.";
            vec![Step {
                in_letter: Some(later.into()),
                ..step(
                    "Try again later, or ask another resolver with --resolver; nothing is known to be wrong before that.",
                )
            }]
        }
        (Some(_), None) => unstated(entry),
    }
}

fn receiver_in_sentence(bounce: &Bounce) -> String {
    if bounce.receiver.is_some() { receiver(bounce) } else { "the receiver".into() }
}

/// From the check: its remedy, else the fix of its heaviest finding.
fn repair(bounce: &Bounce, check: &Check) -> Vec<Step> {
    if let Some(remedy) = &check.remedy {
        let mut steps = from_remedy(remedy);
        let own = bounce.writer.host.as_ref().filter(|_| bounce.writer.side == Written::Sender);
        if let (None, Some(own), Some(first)) = (&remedy.name, own, steps.first_mut()) {
            let hint = format!("The bounce calls the server {}; where it says that in EHLO, take it.", long(own));
            first.action = format!("{} {hint}", first.action);
        }
        return steps;
    }
    let finding = check.findings.iter().max_by_key(|f| f.severity);
    let fix = finding.map(|f| &f.fix).filter(|f| !f.steps.is_empty());
    let Some(fix) = fix else { return leg_advice(bounce) };
    let mut steps: Vec<Step> = fix.steps.iter().map(|s| step(long(s))).collect();
    if let Some(last) = steps.last_mut() {
        last.who = long(&fix.who);
        last.publish = fix.records.iter().map(|r| long(r)).collect();
    }
    steps
}

fn from_remedy(remedy: &Remedy) -> Vec<Step> {
    let all = |lines: &[String]| lines.iter().map(|l| long(l)).collect::<Vec<_>>();
    let steps = remedy.steps.iter().map(|s| {
        let checks_again = s.side == Side::Recheck;
        Step {
            who: if checks_again { String::new() } else { long(&s.who) },
            publish: all(&s.publish),
            withdraw: all(&s.withdraw),
            how: all(&s.how),
            verbatim: all(&s.verbatim),
            checks_again,
            ..step(long(&s.action))
        }
    });
    steps.collect()
}

fn command(line: String) -> Step {
    Step { command: Some(line), checks_again: true, ..step("Check it again when it is done.") }
}

/// Without a check: what the leg asks for.
fn leg_advice(bounce: &Bounce) -> Vec<Step> {
    let ip = bounce.sending_ip.ip.map(|ip| ip.to_string());
    let address = ip.as_deref().unwrap_or("the sending address");
    let who = "holder of the reverse zone, usually the hosting provider of the address";
    let ptr = |action: String| Step { who: who.into(), ..step(action) };
    let mut steps = match bounce.identity {
        Some(Identity::PtrMissing) => vec![ptr(format!(
            "Have a PTR record set for {address} that names the mail server, and let that name's A or AAAA record lead back to it."
        ))],
        Some(Identity::PtrUnconfirmed) => vec![Step {
            who: "holder of the name's zone, or of the reverse zone".into(),
            ..step(format!(
                "Let the PTR name's A or AAAA record hold {address}, or have the PTR changed to a name that does."
            ))
        }],
        Some(Identity::PtrGeneric) => {
            vec![ptr(format!(
                "Have the PTR of {address} changed from the provider's pattern to the mail server's own name."
            ))]
        }
        Some(Identity::EhloBad) => vec![ehlo_step(bounce)],
        Some(Identity::Unspecified) | None => vec![step(format!(
            "Make PTR, its A or AAAA record and the EHLO name of {address} agree: one full name for all three."
        ))],
    };
    if let Some(ip) = ip {
        let ehlo = bounce.ehlo.as_deref().map(|e| format!(" --ehlo {}", shell(e))).unwrap_or_default();
        steps.push(command(format!("smtp-preflight check --ip {ip}{ehlo} --no-connect")));
    }
    steps
}

/// A word for a shell: a host name as it is, anything else left for the reader to fill in.
fn shell(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if plain { name.to_owned() } else { "NAME".into() }
}

fn ehlo_step(bounce: &Bounce) -> Step {
    let now = bounce.ehlo.as_deref().map(|e| format!(" instead of {}", short(e))).unwrap_or_default();
    Step {
        who: "administrator of the sending server".into(),
        ..step(format!(
            "Make the server say its full host name in EHLO when it sends{now}. The name needs an A or AAAA record \
             with the sending address; best is the PTR name."
        ))
    }
}

fn not_visible(bounce: &Bounce) -> Vec<Step> {
    let mut steps = Vec::new();
    if bounce.identity == Some(Identity::EhloBad) || bounce.identity == Some(Identity::Unspecified) {
        steps.push(ehlo_step(bounce));
    }
    steps.push(step(format!(
        "Send the message again; if it is refused again, ask {} what it saw, and quote the reply.",
        receiver_in_sentence(bounce)
    )));
    steps
}

fn unstated(entry: &Entry) -> Vec<Step> {
    let bounce = &entry.bounce;
    let mut steps = leg_advice(bounce);
    let ehlo = bounce.ehlo.as_deref().map(|e| format!(" --ehlo {}", shell(e))).unwrap_or_default();
    let address = entry.guessed_ips.first().map_or_else(|| "ADDRESS".to_owned(), ToString::to_string);
    steps.push(Step {
        who: "administrator of the sending server".into(),
        command: Some(format!("smtp-preflight check --ip {address}{ehlo} --no-connect")),
        in_letter: Some(
            "Tell us the address from which the server sends; its log has it, and so have the Received lines of a \
             message that arrived."
                .into(),
        ),
        ..step(
            "Find the address from which the server sends (its log, or the Received lines of a message that \
             arrived), and check that.",
        )
    });
    steps
}

fn other_cause(bounce: &Bounce) -> Vec<Step> {
    if bounce.complaint {
        return vec![step(
            "Take the recipient off the list that the message was sent to, and see how the address came onto it.",
        )];
    }
    if bounce.untold() {
        return untold(bounce);
    }
    let text = match bounce.cause {
        Cause::Reputation => {
            "Look the address and the domain up at the list that the reply names, end what brought them there, and ask for removal."
        }
        Cause::Authentication => {
            "Compare the domain's SPF, DKIM and DMARC records with the address that sent the message."
        }
        Cause::Content => "Change or shrink the message, or send its attachment another way.",
        Cause::Rate => "Wait, then send more slowly.",
        Cause::Recipient => "Check the recipient's address, and ask the recipient by another way.",
        Cause::Policy => "Read the rule in the reply; whether the sender may send there is for the receiver to say.",
        Cause::Transport => "Send again later; if it stays so, check that the receiver's MX hosts resolve and answer.",
        Cause::SenderIdentity | Cause::Unknown => return Vec::new(),
    };
    vec![step(text)]
}

/// Where no reason is told: the identity is looked at first, since everybody can see it.
fn untold(bounce: &Bounce) -> Vec<Step> {
    let ip = bounce.sending_ip.ip.map_or_else(|| "ADDRESS".into(), |ip| ip.to_string());
    let ehlo = bounce.ehlo.as_deref().map_or_else(|| "NAME".into(), shell);
    let who = receiver_in_sentence(bounce);
    vec![
        Step {
            command: Some(format!("smtp-preflight check --ip {ip} --ehlo {ehlo} --no-connect")),
            in_letter: Some(
                "See that the sending address has a PTR record, that its name leads back to the address, and that the \
                 server says this name in EHLO."
                    .into(),
            ),
            ..step("See whether PTR and EHLO name of the sending address are in order.")
        },
        step(format!("Where they are, ask {who} for the reason, and quote the reply.")),
    ]
}
