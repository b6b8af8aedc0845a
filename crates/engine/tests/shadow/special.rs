//! Random values, mostly those at which operators change what they do.

/// A generator of random numbers.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// The bits of a value, mostly of a special one.
    pub fn bits(&mut self, ty: &str) -> u128 {
        match ty {
            "i32" => (self.integer() as u32).into(),
            "i64" => self.integer().into(),
            "f32" => self.single().into(),
            "f64" => self.double().into(),
            _ => match self.below(4) {
                0 => (0..4).fold(0, |bits, _| bits << 32 | u128::from(self.single())),
                1 => (0..2).fold(0, |bits, _| bits << 64 | u128::from(self.double())),
                2 => (0..2).fold(0, |bits, _| bits << 64 | u128::from(self.integer())),
                _ => (0..16).fold(0, |bits, _| bits << 8 | u128::from(self.pick(&BYTES))),
            },
        }
    }

    fn integer(&mut self) -> u64 {
        match self.below(4) {
            0 => self.next(),
            1 => self.next() >> self.below(64),
            2 => (self.below(65) as u64).wrapping_sub(32),
            _ => {
                let power = 1u64.wrapping_shl(self.next() as u32);
                self.pick(&[power, power.wrapping_sub(1), power.wrapping_neg()])
            }
        }
    }

    fn single(&mut self) -> u32 {
        match self.below(4) {
            0 => self.next() as u32,
            1 => (self.integer() as i64 as f32).to_bits(),
            2 => 0x7f80_0000 | self.next() as u32 & 0x807f_ffff,
            _ => self.pick(&SINGLES) | self.next() as u32 & 1 << 31,
        }
    }

    fn double(&mut self) -> u64 {
        match self.below(5) {
            0 => self.next(),
            1 => (self.integer() as i64 as f64).to_bits(),
            2 => 0x7ff0_0000_0000_0000 | self.next() & 0x800f_ffff_ffff_ffff,
            3 => f64::from(f32::from_bits(self.single())).to_bits(),
            _ => self.pick(&DOUBLES) | self.next() & 1 << 63,
        }
    }
}

const BYTES: [u8; 9] = [0, 1, 2, 15, 16, 0x7f, 0x80, 0x81, 0xff];

/// Zero, one, halves, infinity, NaNs, the least and greatest, the bounds of integers.
const SINGLES: [u32; 16] = [
    0,
    0x3f80_0000,
    0x3f00_0000,
    0x3fc0_0000,
    0x4020_0000,
    0x7f80_0000,
    0x7fc0_0000,
    0x7f80_0001,
    1,
    0x007f_ffff,
    0x0080_0000,
    0x7f7f_ffff,
    0x4f00_0000,
    0x4eff_ffff,
    0x5f00_0000,
    0x5f80_0000,
];

const DOUBLES: [u64; 16] = [
    0,
    0x3ff0_0000_0000_0000,
    0x3fe0_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0x4004_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    1,
    0x0010_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x41df_ffff_ffc0_0000,
    0x41e0_0000_0000_0000,
    0x41ef_ffff_ffe0_0000,
    0x43e0_0000_0000_0000,
    0x43f0_0000_0000_0000,
];
