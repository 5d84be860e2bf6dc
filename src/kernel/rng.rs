//! Chance: named ChaCha streams, one for each owner and purpose, and a request's own dice.
//!
//! A stream is found by what it is for ("client/bookings/arrivals"), never by when it was made, so a new part moves
//! nobody else's draws. Position `n` of a stream can be reached without drawing what lies before it, so request 4711
//! has the same dice whatever happened to the requests before it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What all chance of one replication grows from.
#[derive(Clone, Copy, Debug)]
pub struct Seed {
    key: [u8; 32],
    /// What comes before all names, hashed.
    owner: u64,
}

/// One stream of random 64-bit words.
#[derive(Clone)]
pub struct Stream {
    words: ChaCha8Rng,
    position: u64,
}

impl Seed {
    /// The seed of replication `replication` of an experiment with master seed `master`.
    pub fn new(master: u64, replication: u64) -> Seed {
        let mut state = mix(0x706f_6f6c_6361_7374 ^ master) ^ replication.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut key = [0; 32];
        for chunk in key.chunks_exact_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&mix(state).to_le_bytes());
        }
        Seed { key, owner: FNV_BASIS }
    }

    /// The seed of one owner, whose streams are called "owner/…" although the owner does not know its own name.
    pub fn of(&self, owner: &str) -> Seed {
        Seed { owner: fnv(fnv(self.owner, owner), "/"), ..*self }
    }

    /// A seed of its own for whatever is called `name`: all its streams are others than those of this one.
    pub fn descendant(&self, name: &str) -> Seed {
        let mut words = self.stream(name);
        let mut key = [0; 32];
        for chunk in key.chunks_exact_mut(8) {
            chunk.copy_from_slice(&words.word().to_le_bytes());
        }
        Seed { key, owner: FNV_BASIS }
    }

    /// The stream that belongs to `name` ("owner/instance/purpose").
    pub fn stream(&self, name: &str) -> Stream {
        let mut words = ChaCha8Rng::from_seed(self.key);
        words.set_stream(mix(fnv(self.owner, name)));
        Stream { words, position: 0 }
    }
}

impl Stream {
    /// The next 64 random bits.
    #[inline]
    pub fn word(&mut self) -> u64 {
        self.position += 1;
        self.words.next_u64()
    }

    /// The next number in (0, 1): never 0, never 1, a multiple of 2⁻⁵³ and exact in a double.
    pub fn uniform(&mut self) -> f64 {
        ((self.word() >> 12).cast_signed() as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
    }

    /// From here on its words are those that its name has with `seed`. The position stays.
    pub fn reseed(&mut self, seed: &Seed) {
        let name = self.words.get_stream();
        self.words = ChaCha8Rng::from_seed(seed.key);
        self.words.set_stream(name);
        self.words.set_word_pos(u128::from(self.position) * 2);
    }

    /// Moves to word `position`; free when the stream is there already.
    pub fn seek(&mut self, position: u64) {
        if self.position != position {
            self.position = position;
            self.words.set_word_pos(u128::from(position) * 2);
        }
    }
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, fixed for ever, since every published result depends on it; a finaliser follows.
fn fnv(so_far: u64, name: &str) -> u64 {
    name.bytes().fold(so_far, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64's finaliser.
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_can_be_reached_without_what_lies_before_it() {
        let seed = Seed::new(1, 0);
        let mut walked = seed.stream("client/api/demands");
        let all: Vec<u64> = (0..1000).map(|_| walked.word()).collect();
        let mut jumped = seed.stream("client/api/demands");
        for position in [999, 0, 31, 32, 500, 501] {
            jumped.seek(position);
            assert_eq!(jumped.word(), all[position as usize], "word {position}");
        }
    }

    #[test]
    fn streams_of_other_names_seeds_and_replications_are_others() {
        let first = |master, replication, name: &str| Seed::new(master, replication).stream(name).word();
        let words = [first(1, 0, "a"), first(1, 0, "b"), first(1, 1, "a"), first(2, 0, "a"), first(0, 0, "a"), first(u64::MAX, 0, "a")];
        for (i, word) in words.iter().enumerate() {
            assert!(!words[..i].contains(word));
        }
    }

    #[test]
    fn an_owner_finds_its_streams_by_their_purpose() {
        let seed = Seed::new(1, 0);
        assert_eq!(seed.of("pool/api/2").stream("lifetimes").word(), seed.stream("pool/api/2/lifetimes").word());
    }

    #[test]
    fn a_reseeded_stream_goes_on_as_if_it_had_always_had_that_seed() {
        let (before, after) = (Seed::new(1, 0), Seed::new(1, 0).descendant("fork/7"));
        let mut stream = before.stream("a");
        assert!((0..5).all(|_| stream.word() > 0));
        stream.reseed(&after);
        let mut other = after.stream("a");
        other.seek(5);
        assert_eq!(stream.word(), other.word());
        assert_ne!(after.stream("a").word(), before.stream("a").word());
        assert_ne!(after.stream("a").word(), before.descendant("fork/8").stream("a").word());
    }

    #[test]
    fn uniforms_lie_strictly_between_zero_and_one() {
        let mut dice = Seed::new(3, 0).stream("test");
        let mean = (0..10_000).map(|_| dice.uniform()).inspect(|u| assert!(*u > 0.0 && *u < 1.0)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.012, "four standard errors around one half, found {mean}");
    }
}
