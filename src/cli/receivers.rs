//! The receivers asked for, and what the observing side has to ask the DNS for their sake.
//!
//! Observing forms no opinion and knows no rule: here is where the rules' questions are handed to it.

use crate::judge::receivers::{MAX_ASKED, Selection, questions};
use crate::observe::Further;

/// What these receivers' rules need beyond the agreement; nothing where none is asked for.
pub(super) fn further(selection: &Selection) -> Option<Further> {
    if *selection == Selection::None {
        return None;
    }
    let selection = selection.clone();
    Some(Further::new(move |evidence| questions(evidence, &selection, MAX_ASKED)))
}
