//! `kinds!`: what an experiment file may name in one place of its grammar.

/// One kind as `poolcast models` and the messages list it.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// The word in the file.
    pub name: &'static str,
    /// How a file writes it: a working example in RON.
    pub example: &'static str,
}

/// Every kind shows how a file writes it. Conformance tests run over all examples.
pub trait Example {
    /// A working example in RON.
    const EXAMPLE: &'static str;
}

/// Declares a family of kinds: the enum that a file's words are read into, the list of what can be written there, and
/// `kind()`, the behaviour behind the word. A new kind is one file and two lines: `mod x;` and its row here. Kinds
/// without parameters stand in the `unit` rows.
#[macro_export]
macro_rules! kinds {
    ($(#[$doc:meta])* pub enum $Spec:ident : $Kind:ident { $($Name:ident($ty:ty)),* $(,)? } unit { $($Unit:ident($umod:ident :: $uty:ident)),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[allow(missing_docs)]
        pub enum $Spec { $($Name($ty),)* $($Unit,)* }

        impl $Spec {
            /// Every kind that can be written here, with an example.
            pub const KINDS: &'static [$crate::kernel::registry::Listed] = &[
                $($crate::kernel::registry::Listed { name: stringify!($Name), example: <$ty as $crate::kernel::registry::Example>::EXAMPLE },)*
                $($crate::kernel::registry::Listed { name: stringify!($Unit), example: <$umod::$uty as $crate::kernel::registry::Example>::EXAMPLE },)*
            ];

            /// The behaviour behind the word.
            pub fn kind(&self) -> &dyn $Kind {
                match self { $($Spec::$Name(kind) => kind,)* $($Spec::$Unit => &$umod::$uty,)* }
            }

            /// The word in the file.
            pub fn name(&self) -> &'static str {
                match self { $($Spec::$Name(_) => stringify!($Name),)* $($Spec::$Unit => stringify!($Unit),)* }
            }
        }

        $(impl From<$ty> for $Spec { fn from(kind: $ty) -> $Spec { $Spec::$Name(kind) } })*
    };
}
