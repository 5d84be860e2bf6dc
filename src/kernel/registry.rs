//! `kinds!`: what an experiment file may name in one place of its grammar.

/// One kind as `poolcast models` and the messages list it.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// The word in the file.
    pub name: &'static str,
    /// How a file writes it: a working example in RON.
    pub example: &'static str,
    /// What it is, and what it does here where that is not the same.
    pub explained: Field,
    /// Its own parameters, with the defaults that they have.
    pub parameters: &'static [Field],
}

/// A word of an experiment file, as `poolcast explain` tells of it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As the file writes it.
    pub name: &'static str,
    /// Its value if it is left out; empty where that is not allowed, or makes no sense.
    pub default: &'static str,
    /// In the real system, or what it is.
    pub real: &'static str,
    /// What it does here, where that is not the same.
    pub here: &'static str,
}

/// A word, its default, what it is, and what it does here if that is not the same.
pub const fn field(name: &'static str, default: &'static str, real: &'static str, here: &'static str) -> Field {
    Field { name, default, real, here }
}

/// Every kind shows how a file writes it, and says what it is. Conformance tests run over all examples.
pub trait Example {
    /// A working example in RON.
    const EXAMPLE: &'static str;
    /// What it is, in a sentence.
    const WHAT: &'static str;
    /// What it does here, where that is not the same.
    const HERE: &'static str = "";
    /// Its own parameters; what `rate`, `mean` and the like are need not be said again.
    const PARAMETERS: &'static [Field] = &[];
}

/// A kind under the word that a file names it by.
pub const fn listed<Kind: Example>(name: &'static str) -> Listed {
    Listed { name, example: Kind::EXAMPLE, explained: field(name, "", Kind::WHAT, Kind::HERE), parameters: Kind::PARAMETERS }
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
                $($crate::kernel::registry::listed::<$ty>(stringify!($Name)),)*
                $($crate::kernel::registry::listed::<$umod::$uty>(stringify!($Unit)),)*
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
