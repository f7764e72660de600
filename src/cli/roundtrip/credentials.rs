//! Who we are to the relay: from a file, the environment or a prompt, never from the command line, where every user
//! of the machine can read it.
//!
//! Failure: one sentence, without the credentials.

use std::io::IsTerminal;

use super::args::{AuthArg, RoundtripArgs};
use crate::cli::output::say;
use crate::cli::plan::PlanFault;
use crate::observe::send::{Login, Mechanism};

/// A file of credentials longer than this is something else.
const MAX: u64 = 4096;

/// Name and password, where any were given.
pub(super) fn login(args: &RoundtripArgs) -> Result<Option<Login>, PlanFault> {
    let mechanism = args.auth.map(|a| match a {
        AuthArg::Plain => Mechanism::Plain,
        AuthArg::Login => Mechanism::Login,
        AuthArg::CramMd5 => Mechanism::CramMd5,
    });
    let found = match (&args.credentials, &args.auth_user) {
        (Some(_), _) => from_file(args)?,
        (None, Some(user)) => Some((user.clone(), password(user)?)),
        (None, None) => {
            let of = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
            match (of("SMTP_PREFLIGHT_USER"), of("SMTP_PREFLIGHT_PASSWORD")) {
                (Some(user), Some(password)) => Some((user, password)),
                (None, None) => None,
                _ => {
                    return Err(PlanFault(
                        "of SMTP_PREFLIGHT_USER and SMTP_PREFLIGHT_PASSWORD one is set; set both, or neither".into(),
                    ));
                }
            }
        }
    };
    if found.is_none() && mechanism.is_some() {
        return Err(PlanFault("--auth needs credentials: give --credentials FILE or --auth-user NAME".into()));
    }
    Ok(found.map(|(user, password)| Login { user, password, mechanism }))
}

fn from_file(args: &RoundtripArgs) -> Result<Option<(String, String)>, PlanFault> {
    let Some(file) = &args.credentials else { return Ok(None) };
    let fault = |e: &dyn std::fmt::Display| {
        PlanFault(format!(
            "--credentials {}: {e}; give a file with the user on its first line and the password on its second",
            file.display()
        ))
    };
    let about = std::fs::metadata(file).map_err(|e| fault(&e))?;
    if about.is_file() && about.len() > MAX {
        return Err(fault(&"it is too long"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if about.is_file() && about.permissions().mode() & 0o077 != 0 && !args.quiet {
            say(&format!("--credentials {}: others on this machine can read it; chmod 600", file.display()));
        }
    }
    let text = std::fs::read_to_string(file).map_err(|e| fault(&e))?;
    let mut lines = text.lines();
    match (lines.next(), lines.next(), lines.find(|l| !l.is_empty())) {
        (Some(user), Some(password), None) if !user.is_empty() && !password.is_empty() => {
            Ok(Some((user.to_owned(), password.to_owned())))
        }
        _ => Err(fault(&"it has not these two lines")),
    }
}

fn password(user: &str) -> Result<String, PlanFault> {
    if !std::io::stdin().is_terminal() {
        return Err(PlanFault(format!(
            "--auth-user {user}: there is no terminal to ask for the password; give --credentials FILE"
        )));
    }
    let prompt = format!("Password of {} at the relay: ", crate::report::clean_bounded(user, 80));
    let read = rpassword::prompt_password(prompt);
    read.map_err(|e| PlanFault(format!("--auth-user {user}: the password cannot be read: {e}")))
}
