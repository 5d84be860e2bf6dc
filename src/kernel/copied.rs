//! `copied!`: things behind `Box<dyn …>` that are copied with all their state.

/// Makes `Box<dyn Trait>` a thing that can be cloned. `Trait` names `Copied` as its supertrait; whoever implements `Trait`
/// derives `Clone`, and has no more to do.
#[macro_export]
macro_rules! copied {
    ($Trait:ident as $Copied:ident) => {
        /// Can be copied behind its box.
        pub trait $Copied {
            /// A copy with all its state.
            fn copied(&self) -> Box<dyn $Trait>;
        }

        impl<T: $Trait + Clone + 'static> $Copied for T {
            fn copied(&self) -> Box<dyn $Trait> {
                Box::new(self.clone())
            }
        }

        impl Clone for Box<dyn $Trait> {
            fn clone(&self) -> Box<dyn $Trait> {
                (**self).copied()
            }
        }
    };
}
