//! The receivers asked for, and what the observing side has to ask the DNS for their sake.
//!
//! Observing forms no opinion and knows no rule: here is where the rules' questions are handed to it.

use crate::judge::receivers::{MAX_ASKED, MAX_NAMES, Selection, questions};
use crate::observe::{Extent, Further};

/// What these receivers' rules need beyond the agreement; nothing where none is asked for. One identity that was
/// given, not met, is asked for to its last PTR name.
pub(super) fn further(selection: &Selection, alone: bool) -> Option<Further> {
    if *selection == Selection::None {
        return None;
    }
    let selection = selection.clone();
    let most = if alone { MAX_NAMES } else { MAX_ASKED };
    Some(Further::new(move |evidence| questions(evidence, &selection, most)))
}

/// Where nobody's rules are asked for, the four steps do, and more where these do not agree.
pub(super) fn extent(selection: &Selection) -> Extent {
    if *selection == Selection::None { Extent::Needed } else { Extent::All }
}
