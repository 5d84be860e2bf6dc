//! An event as two machine words, which is how it waits on the agenda.
//!
//! An event of the enum is written field by field and would be copied as a whole: the processor stalls on a copy of what it
//! has only just written in pieces. Two words stay in registers, and go to memory and back each in one piece.

use crate::kernel::ids::Id;
use crate::protocol::event::{StreamId, WorkerId};

/// An event, packed: its kind in the lowest byte, its fields above that and in the second word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed(u64, u64);

impl Packed {
    /// Nothing yet of an event of this kind.
    #[inline(always)]
    pub(super) fn of(kind: u64) -> Packed {
        Packed(kind, 0)
    }

    /// Its kind.
    #[inline(always)]
    pub(super) fn kind(self) -> u64 {
        self.0 & 0xff
    }
}

/// What an event may carry. `halves` counts the fields of half a word before this one: they stand in the upper half of the
/// first word and then in the second, which a field of a whole word has for itself.
pub(super) trait Field: Copy {
    fn pack(self, to: &mut Packed, halves: &mut u32);
    fn unpack(from: Packed, halves: &mut u32) -> Self;
}

impl Field for u64 {
    #[inline(always)]
    fn pack(self, to: &mut Packed, halves: &mut u32) {
        debug_assert!(*halves < 2 && to.1 == 0, "an event has room for one whole word");
        to.1 = self;
    }
    #[inline(always)]
    fn unpack(from: Packed, _: &mut u32) -> u64 {
        from.1
    }
}

impl<T> Field for Id<T> {
    #[inline(always)]
    fn pack(self, to: &mut Packed, halves: &mut u32) {
        self.to_bits().pack(to, halves);
    }
    #[inline(always)]
    fn unpack(from: Packed, halves: &mut u32) -> Id<T> {
        Id::from_bits(u64::unpack(from, halves))
    }
}

impl Field for u32 {
    #[inline(always)]
    fn pack(self, to: &mut Packed, halves: &mut u32) {
        match *halves {
            0 => to.0 |= u64::from(self) << 32,
            1 => to.1 |= u64::from(self),
            _ => to.1 |= u64::from(self) << 32,
        }
        *halves += 1;
    }
    #[inline(always)]
    fn unpack(from: Packed, halves: &mut u32) -> u32 {
        *halves += 1;
        match *halves {
            1 => (from.0 >> 32) as u32,
            2 => from.1 as u32,
            _ => (from.1 >> 32) as u32,
        }
    }
}

macro_rules! packed_as_u32 {
    ($($Id:ident),*) => { $(
        impl Field for $Id {
            #[inline(always)]
            fn pack(self, to: &mut Packed, halves: &mut u32) {
                self.0.pack(to, halves);
            }
            #[inline(always)]
            fn unpack(from: Packed, halves: &mut u32) -> $Id {
                $Id(u32::unpack(from, halves))
            }
        }
    )* };
}
packed_as_u32!(StreamId, WorkerId);

/// Declares the enum of events, as it is written, and how each is packed.
macro_rules! packed {
    ($(#[$of:meta])* pub enum $Event:ident {
        $( $(#[$doc:meta])* $Kind:ident { $($field:ident: $Type:ty),* } ),* $(,)?
    }) => {
        $(#[$of])*
        pub enum $Event { $( $(#[$doc])* $Kind { $($field: $Type),* } ),* }

        #[allow(non_upper_case_globals)]
        mod kinds {
            enum Kind { $($Kind),* }
            $( pub const $Kind: u64 = Kind::$Kind as u64; )*
        }

        impl From<$Event> for Packed {
            #[inline(always)]
            fn from(event: $Event) -> Packed {
                let mut halves = 0;
                match event {
                    $( $Event::$Kind { $($field),* } => {
                        let mut packed = Packed::of(kinds::$Kind);
                        $( $field.pack(&mut packed, &mut halves); )*
                        packed
                    } )*
                }
            }
        }

        impl From<Packed> for $Event {
            #[inline(always)]
            fn from(packed: Packed) -> $Event {
                let mut halves = 0;
                match packed.kind() {
                    $( kinds::$Kind => $Event::$Kind { $($field: Field::unpack(packed, &mut halves)),* }, )*
                    kind => unreachable!("no event of kind {kind} was ever packed"),
                }
            }
        }
    };
}
pub(super) use packed;
