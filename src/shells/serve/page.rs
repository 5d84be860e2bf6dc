//! The page itself: the report's script draws, and the page's own moves the sliders.

use crate::answers::report::html;

/// In a scope of its own: the report's script may have the same names.
const SCRIPT: &str = concat!("(() => {\n", include_str!("serve.js"), "})();\n");
const STYLE: &str = include_str!("serve.css");

/// All of it; what it shows it asks for.
pub(super) fn html() -> String {
    let content = "<form id=\"controls\" autocomplete=\"off\"></form>\n<main id=\"report\"></main>";
    html::page("poolcast serve", content, STYLE, &[html::SCRIPT, SCRIPT], "connect-src 'self'")
}
