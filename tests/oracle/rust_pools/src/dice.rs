//! Random numbers from a seed (SplitMix64).

pub const MS: u64 = 1_000_000;
pub const S: u64 = 1_000 * MS;

pub struct Dice {
    state: u64,
    /// Times are multiples of it.
    grain: u64,
}

impl Dice {
    pub fn new(kind: &str, seed: u64, grain: u64) -> Dice {
        let name = kind.bytes().fold(0_u64, |name, byte| name.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte));
        let mut dice = Dice { state: seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ name, grain };
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to 1, without 1.
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A whole number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.uniform() * end as f64) as u64
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// A time between two, log-uniform.
    pub fn span(&mut self, low: u64, high: u64) -> u64 {
        let exact = low as f64 * (high as f64 / low as f64).powf(self.uniform());
        (exact as u64).next_multiple_of(self.grain)
    }

    /// A time before `end`.
    pub fn time(&mut self, end: u64) -> u64 {
        self.below(end / self.grain) * self.grain
    }
}
