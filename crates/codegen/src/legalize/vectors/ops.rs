//! Operations on vectors in operations on pairs.
//!
//! What treats all bits alike works on halves, sums and shifts too, with the lanes'
//! borders kept apart; the rest goes lane by lane.

use super::lanes::{Lanes, repeated, tops};
use super::{Pair, Split};
use sidetrack_ir::types::{F32, F32X4, F64, F64X2, I8X16, I16X8, I32X4, I64};
use sidetrack_ir::{Endianness, Extra, FloatCC, Inst, IntCC, MemFlags, Opcode, Type, Value};

impl Split {
    /// Emits what an operation on vectors does, and notes its result.
    pub(super) fn operation(&mut self, inst: Inst) {
        let data = self.func.dfg.insts[inst].clone();
        let args: Vec<Value> = self.func.dfg.args(inst).to_vec();
        let result = self.func.dfg.results(inst).first().copied();
        match result {
            None => self.store(&args, data.extra),
            Some(result) if self.ty(result).is_vector() => {
                let ty = self.ty(result);
                self.halves[result] = Some(self.vector(data.opcode, ty, data.extra, &args));
            }
            Some(result) => {
                let value = self.scalar(data.opcode, self.ty(result), data.extra, &args);
                self.func.dfg.make_alias(result, value);
            }
        }
    }

    /// An operation whose result is a vector of type `ty`.
    fn vector(&mut self, opcode: Opcode, ty: Type, extra: Extra, args: &[Value]) -> Pair {
        let bits = ty.lane_bits();
        let pairs: Vec<Pair> =
            args.iter().filter(|v| self.ty(**v).is_vector()).map(|&v| self.pair(v)).collect();
        match (opcode, extra) {
            (Opcode::Vconst, Extra::Bytes(bytes)) => {
                let all = u128::from_le_bytes(bytes);
                [all as u64, (all >> 64) as u64].map(|half| self.number(half))
            }
            (Opcode::Load, Extra::Mem(flags, offset)) => self.load(ty, flags, args[0], offset),
            (
                Opcode::Uload8x8
                | Opcode::Sload8x8
                | Opcode::Uload16x4
                | Opcode::Sload16x4
                | Opcode::Uload32x2
                | Opcode::Sload32x2,
                Extra::Mem(flags, offset),
            ) => self.load_lanes(opcode, ty, flags, args[0], offset),
            (Opcode::Band | Opcode::Bor | Opcode::Bxor | Opcode::Bnot | Opcode::Bitselect, _) => {
                self.halves(opcode, &pairs)
            }
            (Opcode::Select, _) => [0, 1].map(|half| self.select(args[0], pairs[0][half], pairs[1][half])),
            (Opcode::Bitcast, Extra::Mem(flags, _)) if flags.endianness == Some(Endianness::Big) => {
                let from = self.ty(args[0]);
                let pair = self.swapped(pairs[0], from);
                self.swapped(pair, ty)
            }
            (Opcode::Bitcast, _) => pairs[0],
            (Opcode::Splat, _) => {
                let lane = self.bits_of_lane(args[0]);
                let all = if bits == 64 { lane } else { self.with(Opcode::Imul, lane, repeated(bits, 1)) };
                [all, all]
            }
            (Opcode::ScalarToVector, _) => [self.bits_of_lane(args[0]), self.number(0)],
            (Opcode::Insertlane, Extra::Lane(n)) => self.insert(pairs[0], bits, n, args[1]),
            (Opcode::Shuffle, Extra::Bytes(mask)) => {
                self.shuffle([pairs[0][0], pairs[0][1], pairs[1][0], pairs[1][1]], mask)
            }
            (Opcode::Swizzle, _) => self.swizzle(pairs[0], pairs[1]),
            (Opcode::Iadd | Opcode::Isub, _) if bits < 64 => {
                [0, 1].map(|half| self.sum(opcode, bits, pairs[0][half], pairs[1][half]))
            }
            (Opcode::Ineg, _) => {
                let zero = self.number(0);
                [0, 1].map(|half| self.sum(Opcode::Isub, bits, zero, pairs[0][half]))
            }
            (Opcode::Ishl | Opcode::Ushr | Opcode::Sshr, _) => self.shift(opcode, bits, pairs[0], args[1]),
            (Opcode::Icmp | Opcode::Fcmp, _) => self.compare(extra, self.ty(args[0]), pairs[0], pairs[1]),
            (Opcode::UaddSat, _) => self.saturating(Opcode::Iadd, false, ty, &pairs),
            (Opcode::SaddSat, _) => self.saturating(Opcode::Iadd, true, ty, &pairs),
            (Opcode::UsubSat, _) => self.saturating(Opcode::Isub, false, ty, &pairs),
            (Opcode::SsubSat, _) => self.saturating(Opcode::Isub, true, ty, &pairs),
            (Opcode::AvgRound, _) => self.average(bits, pairs[0], pairs[1]),
            (Opcode::SqmulRoundSat, _) => self.fixed_point_product(ty, pairs[0], pairs[1]),
            (Opcode::Snarrow | Opcode::Unarrow | Opcode::Uunarrow, _) => {
                self.narrow(opcode, self.ty(args[0]), pairs[0], pairs[1])
            }
            (Opcode::SwidenLow | Opcode::SwidenHigh | Opcode::UwidenLow | Opcode::UwidenHigh, _) => {
                let high = matches!(opcode, Opcode::SwidenHigh | Opcode::UwidenHigh);
                let signed = matches!(opcode, Opcode::SwidenLow | Opcode::SwidenHigh);
                self.widened(pairs[0][usize::from(high)], self.ty(args[0]), signed)
            }
            (Opcode::IaddPairwise, _) => {
                let mut all = self.wide_lanes(pairs[0], ty, false);
                all.extend(self.wide_lanes(pairs[1], ty, false));
                let sums: Lanes =
                    all.chunks(2).map(|pair| self.op(Opcode::Iadd, &[pair[0], pair[1]])).collect();
                self.joined(&sums, bits)
            }
            (Opcode::FvpromoteLow, _) => {
                let lanes = [0, 1].map(|n| self.lane(pairs[0], F32X4, n));
                let lanes = lanes.map(|lane| self.typed(Opcode::Fpromote, F64, &[lane]));
                self.joined(&lanes, 64)
            }
            (Opcode::Fvdemote, _) => {
                let lanes = [0, 1].map(|n| self.lane(pairs[0], F64X2, n));
                let [a, b] = lanes.map(|lane| self.typed(Opcode::Fdemote, F32, &[lane]));
                let zero = self.builder().f32const(0.0);
                self.joined(&[a, b, zero, zero], 32)
            }
            _ => self.lane_wise(opcode, ty, args),
        }
    }

    /// An operation that does with the lanes in each place what it does with scalars.
    fn lane_wise(&mut self, opcode: Opcode, ty: Type, args: &[Value]) -> Pair {
        let explicit = opcode.info().ctrl == sidetrack_ir::opcode::Ctrl::Explicit;
        let lists: Vec<Lanes> = args
            .iter()
            .map(|&v| {
                let from = self.ty(v);
                let pair = self.pair(v);
                self.lanes(pair, from)
            })
            .collect();
        let one = |split: &mut Split, n: usize| {
            let args: Vec<Value> = lists.iter().map(|lanes| lanes[n]).collect();
            if explicit { split.typed(opcode, ty.lane(), &args) } else { split.op(opcode, &args) }
        };
        let lanes: Lanes = (0..ty.lane_count() as usize).map(|n| one(self, n)).collect();
        self.joined(&lanes, ty.lane_bits())
    }

    /// An operation on a vector whose result is a scalar of type `ty`.
    fn scalar(&mut self, opcode: Opcode, ty: Type, extra: Extra, args: &[Value]) -> Value {
        let (from, pair) = (self.ty(args[0]), self.pair(args[0]));
        let bits = from.lane_bits();
        match (opcode, extra) {
            (Opcode::Extractlane, Extra::Lane(n)) => self.lane(pair, from, n.into()),
            (Opcode::VanyTrue, _) => {
                let any = self.op(Opcode::Bor, &pair);
                let zero = self.number(0);
                self.icmp(IntCC::NotEqual, any, zero)
            }
            (Opcode::VallTrue, _) => self.all_true(bits, pair),
            _ => self.high_bits(ty, from, pair),
        }
    }

    // Memory.

    fn is_big(&self, flags: MemFlags) -> bool {
        flags.endianness.unwrap_or(self.native) == Endianness::Big
    }

    fn load(&mut self, ty: Type, flags: MemFlags, addr: Value, offset: i32) -> Pair {
        let little = MemFlags { endianness: Some(Endianness::Little), ..flags };
        let pair = [0, 8].map(|at| self.access(little, addr, offset, at, None));
        if self.is_big(flags) { self.swapped(pair, ty) } else { pair }
    }

    /// Loads or stores 8 bytes, `at` bytes behind an address with an offset.
    fn access(&mut self, flags: MemFlags, addr: Value, offset: i32, at: i32, value: Option<Value>) -> Value {
        let (addr, offset) = match offset.checked_add(at) {
            Some(offset) => (addr, offset),
            None => {
                let ty = self.ty(addr);
                let by = self.builder().iconst(ty, at.into());
                (self.op(Opcode::Iadd, &[addr, by]), offset)
            }
        };
        match value {
            None => self.builder().load(Opcode::Load, I64, flags, addr, offset),
            Some(value) => {
                self.builder().store(Opcode::Store, flags, value, addr, offset);
                value
            }
        }
    }

    /// The high half first: where memory ends between the two nothing is written.
    fn store(&mut self, args: &[Value], extra: Extra) {
        let Extra::Mem(flags, offset) = extra else { return };
        let mut pair = self.pair(args[0]);
        if self.is_big(flags) {
            pair = self.swapped(pair, self.ty(args[0]));
        }
        let little = MemFlags { endianness: Some(Endianness::Little), ..flags };
        self.access(little, args[1], offset, 8, Some(pair[1]));
        self.access(little, args[1], offset, 0, Some(pair[0]));
    }

    fn load_lanes(&mut self, opcode: Opcode, ty: Type, flags: MemFlags, addr: Value, offset: i32) -> Pair {
        let signed = matches!(opcode, Opcode::Sload8x8 | Opcode::Sload16x4 | Opcode::Sload32x2);
        let from = match ty.lane_bits() {
            16 => I8X16,
            32 => I16X8,
            _ => I32X4,
        };
        let little = MemFlags { endianness: Some(Endianness::Little), ..flags };
        let mut half = self.access(little, addr, offset, 0, None);
        if self.is_big(flags) {
            let other = self.number(0);
            [half, _] = self.swapped([half, other], from);
        }
        self.widened(half, from, signed)
    }

    /// The bytes of every lane in reverse.
    fn swapped(&mut self, pair: Pair, ty: Type) -> Pair {
        let size = ty.lane_bits() as usize / 8;
        match size {
            1 => pair,
            8 => [0, 1].map(|half| self.op(Opcode::Bswap, &[pair[half]])),
            _ => {
                let mask = std::array::from_fn(|n| (n / size * size + size - 1 - n % size) as u8);
                self.shuffle([pair[0], pair[1], pair[0], pair[1]], mask)
            }
        }
    }

    // Lanes.

    fn insert(&mut self, pair: Pair, bits: u32, n: u8, value: Value) -> Pair {
        let per = 64 / bits as u8;
        let (half, at) = (usize::from(n / per), u32::from(n % per) * bits);
        let lane = self.bits_of_lane(value);
        let lane = self.moved(lane, at as i32);
        let mut result = pair;
        result[half] = if bits == 64 {
            lane
        } else {
            let kept = self.with(Opcode::Band, pair[half], !(u64::MAX >> (64 - bits) << at));
            self.op(Opcode::Bor, &[kept, lane])
        };
        result
    }

    /// Bytes by constant numbers among four halves; zero for numbers past the end.
    fn shuffle(&mut self, halves: [Value; 4], mask: [u8; 16]) -> Pair {
        [0, 1].map(|half| {
            let mask = &mask[8 * half..8 * half + 8];
            let mut all = None;
            let mut n = 0;
            while n < 8 {
                let from = mask[n];
                let follows = |len: usize| {
                    n + len < 8 && mask[n + len] == from + len as u8 && mask[n + len] / 8 == from / 8
                };
                // As many bytes as move alike.
                let mut len = 1;
                while from < 32 && follows(len) {
                    len += 1;
                }
                if from < 32 {
                    let (at, bytes) = (i32::from(from % 8), len as i32);
                    let mut part = halves[usize::from(from / 8)];
                    if at > 0 || bytes < 8 {
                        part = self.moved(part, 64 - 8 * (at + bytes));
                        part = self.moved(part, 8 * bytes - 64);
                        part = self.moved(part, 8 * n as i32);
                    }
                    all = Some(all.map_or(part, |all| self.op(Opcode::Bor, &[all, part])));
                }
                n += len;
            }
            all.unwrap_or_else(|| self.number(0))
        })
    }

    /// Bytes by numbers in the second vector; zero for numbers past the end.
    fn swizzle(&mut self, pair: Pair, numbers: Pair) -> Pair {
        let numbers = self.wide_lanes(numbers, I8X16, false);
        let (zero, sixteen) = (self.number(0), self.number(16));
        let one = |split: &mut Split, number: Value| {
            let in_high = split.with(Opcode::Band, number, 8);
            let half = split.select(in_high, pair[1], pair[0]);
            let amount = split.moved(number, 3);
            let byte = split.op(Opcode::Ushr, &[half, amount]);
            let inside = split.icmp(IntCC::UnsignedLessThan, number, sixteen);
            split.select(inside, byte, zero)
        };
        let bytes: Lanes = numbers.into_iter().map(|number| one(self, number)).collect();
        self.joined(&bytes, 8)
    }

    /// The lanes of a half of a vector, twice as wide.
    fn widened(&mut self, half: Value, from: Type, signed: bool) -> Pair {
        let lanes = self.wide_lanes([half, half], from, signed);
        let count = from.lane_count() as usize / 2;
        self.joined(&lanes[..count], 2 * from.lane_bits())
    }

    fn narrow(&mut self, opcode: Opcode, from: Type, a: Pair, b: Pair) -> Pair {
        let signed = opcode != Opcode::Uunarrow;
        let bits = from.lane_bits() / 2;
        let most = u64::MAX >> (64 - bits);
        let mut lanes = self.wide_lanes(a, from, signed);
        lanes.extend(self.wide_lanes(b, from, signed));
        let clamped = lanes.into_iter().map(|lane| match opcode {
            Opcode::Snarrow => {
                let lane = self.with(Opcode::Smin, lane, most >> 1);
                self.with(Opcode::Smax, lane, !(most >> 1))
            }
            Opcode::Unarrow => {
                let lane = self.with(Opcode::Smin, lane, most);
                self.with(Opcode::Smax, lane, 0)
            }
            _ => self.with(Opcode::Umin, lane, most),
        });
        let clamped: Lanes = clamped.collect();
        self.joined(&clamped, bits)
    }

    // Arithmetic.

    /// A sum or difference in every lane of a half: without the lanes' highest bits
    /// nothing is carried out of a lane, and those are put right afterwards.
    fn sum(&mut self, opcode: Opcode, bits: u32, a: Value, b: Value) -> Value {
        if bits == 64 {
            return self.op(opcode, &[a, b]);
        }
        let top = tops(bits);
        let low_b = self.with(Opcode::Band, b, !top);
        let (low_a, mut differ) = if opcode == Opcode::Iadd {
            (self.with(Opcode::Band, a, !top), self.op(Opcode::Bxor, &[a, b]))
        } else {
            let differ = self.op(Opcode::Bxor, &[a, b]);
            (self.with(Opcode::Bor, a, top), self.op(Opcode::Bnot, &[differ]))
        };
        differ = self.with(Opcode::Band, differ, top);
        let low = self.op(opcode, &[low_a, low_b]);
        self.op(Opcode::Bxor, &[low, differ])
    }

    fn shift(&mut self, opcode: Opcode, bits: u32, pair: Pair, amount: Value) -> Pair {
        let amount = self.bits_of_lane(amount);
        let amount = self.with(Opcode::Band, amount, u64::from(bits) - 1);
        if bits == 64 {
            return pair.map(|half| self.op(opcode, &[half, amount]));
        }
        // What bits of a lane come from itself.
        let ones = u64::MAX >> (64 - bits);
        let (ones, once) = (self.number(ones), repeated(bits, 1));
        let mut mask = if opcode == Opcode::Ishl {
            let mask = self.op(Opcode::Ishl, &[ones, amount]);
            self.op(Opcode::Band, &[mask, ones])
        } else {
            self.op(Opcode::Ushr, &[ones, amount])
        };
        mask = self.with(Opcode::Imul, mask, once);
        let logical = if opcode == Opcode::Ishl { Opcode::Ishl } else { Opcode::Ushr };
        let moved = pair.map(|half| {
            let moved = self.op(logical, &[half, amount]);
            self.op(Opcode::Band, &[moved, mask])
        });
        if opcode != Opcode::Sshr {
            return moved;
        }
        // Flipping the sign bit and taking it away again extends it.
        let top = self.number(tops(bits));
        let sign = self.op(Opcode::Ushr, &[top, amount]);
        moved.map(|half| {
            let flipped = self.op(Opcode::Bxor, &[half, sign]);
            self.sum(Opcode::Isub, bits, flipped, sign)
        })
    }

    fn compare(&mut self, extra: Extra, ty: Type, a: Pair, b: Pair) -> Pair {
        let bits = ty.lane_bits();
        let (a, b) = match extra {
            Extra::IntCC(cc) => {
                (self.wide_lanes(a, ty, cc.is_signed()), self.wide_lanes(b, ty, cc.is_signed()))
            }
            _ => (self.lanes(a, ty), self.lanes(b, ty)),
        };
        let one = |split: &mut Split, (&x, &y): (&Value, &Value)| match extra {
            Extra::IntCC(cc) => split.icmp(cc, x, y),
            Extra::FloatCC(cc) => split.builder().fcmp(cc, x, y),
            _ => split.builder().fcmp(FloatCC::Equal, x, y),
        };
        let flags: Lanes = a.iter().zip(&b).map(|lanes| one(self, lanes)).collect();
        let flags: Lanes = flags.into_iter().map(|flag| self.bits_of_lane(flag)).collect();
        let pair = self.joined_flags(&flags, bits);
        // From the lowest bit of every lane to all of it.
        pair.map(|half| {
            if bits == 64 {
                return self.op(Opcode::Ineg, &[half]);
            }
            let next = self.moved(half, bits as i32);
            self.op(Opcode::Isub, &[next, half])
        })
    }

    /// As [`Split::joined`], of numbers that are 0 or 1.
    fn joined_flags(&mut self, flags: &[Value], bits: u32) -> Pair {
        let per = 64 / bits as usize;
        [0, 1].map(|half| {
            let list = &flags[half * per..(half + 1) * per];
            let mut all = list[0];
            for (n, &flag) in list.iter().enumerate().skip(1) {
                let flag = self.moved(flag, (n as u32 * bits) as i32);
                all = self.op(Opcode::Bor, &[all, flag]);
            }
            all
        })
    }

    fn saturating(&mut self, opcode: Opcode, signed: bool, ty: Type, pairs: &[Pair]) -> Pair {
        let bits = ty.lane_bits();
        if bits == 64 {
            return [0, 1].map(|half| self.saturating64(opcode, signed, pairs[0][half], pairs[1][half]));
        }
        let (a, b) = (self.wide_lanes(pairs[0], ty, signed), self.wide_lanes(pairs[1], ty, signed));
        let most = u64::MAX >> (64 - bits);
        let (most, least) = if signed { (most >> 1, !(most >> 1)) } else { (most, 0) };
        let one = |split: &mut Split, (&x, &y): (&Value, &Value)| {
            let sum = split.op(opcode, &[x, y]);
            let sum = split.with(Opcode::Smin, sum, most);
            split.with(Opcode::Smax, sum, least)
        };
        let lanes: Lanes = a.iter().zip(&b).map(|lanes| one(self, lanes)).collect();
        self.joined(&lanes, bits)
    }

    fn saturating64(&mut self, opcode: Opcode, signed: bool, a: Value, b: Value) -> Value {
        let checked = match (opcode, signed) {
            (Opcode::Iadd, false) => Opcode::UaddOverflow,
            (Opcode::Iadd, true) => Opcode::SaddOverflow,
            (_, false) => Opcode::UsubOverflow,
            (_, true) => Opcode::SsubOverflow,
        };
        let results = self.builder().op_multi(checked, &[a, b]);
        let (sum, overflowed) = (results[0], results[1]);
        let limit = match (opcode, signed) {
            // The first operand's sign says on which side.
            (_, true) => {
                let sign = self.with(Opcode::Sshr, a, 63);
                self.with(Opcode::Bxor, sign, i64::MAX as u64)
            }
            (Opcode::Iadd, false) => self.number(u64::MAX),
            (_, false) => self.number(0),
        };
        self.select(overflowed, limit, sum)
    }

    /// `(a | b) - ((a ^ b) >> 1)`, the shift inside of lanes.
    fn average(&mut self, bits: u32, a: Pair, b: Pair) -> Pair {
        [0, 1].map(|half| {
            let either = self.op(Opcode::Bor, &[a[half], b[half]]);
            let differ = self.op(Opcode::Bxor, &[a[half], b[half]]);
            let down = self.moved(differ, -1);
            let down = self.with(Opcode::Band, down, !tops(bits));
            self.sum(Opcode::Isub, bits, either, down)
        })
    }

    fn fixed_point_product(&mut self, ty: Type, a: Pair, b: Pair) -> Pair {
        let bits = ty.lane_bits();
        let (a, b) = (self.wide_lanes(a, ty, true), self.wide_lanes(b, ty, true));
        let fraction = u64::from(bits) - 1;
        let one = |split: &mut Split, (&x, &y): (&Value, &Value)| {
            let product = split.op(Opcode::Imul, &[x, y]);
            let rounded = split.with(Opcode::Iadd, product, 1 << (fraction - 1));
            let lane = split.with(Opcode::Sshr, rounded, fraction);
            // Only -1 times -1 is too great.
            split.with(Opcode::Smin, lane, (1 << fraction) - 1)
        };
        let lanes: Lanes = a.iter().zip(&b).map(|lanes| one(self, lanes)).collect();
        self.joined(&lanes, bits)
    }

    // Lanes together.

    fn all_true(&mut self, bits: u32, pair: Pair) -> Value {
        if bits == 64 {
            let zero = self.number(0);
            let [a, b] = pair.map(|half| self.icmp(IntCC::NotEqual, half, zero));
            return self.op(Opcode::Band, &[a, b]);
        }
        // The highest bit of a lane, if any bit of it is set.
        let top = tops(bits);
        let [a, b] = pair.map(|half| {
            let low = self.with(Opcode::Band, half, !top);
            let carried = self.with(Opcode::Iadd, low, !top);
            self.op(Opcode::Bor, &[carried, half])
        });
        let both = self.op(Opcode::Band, &[a, b]);
        let found = self.with(Opcode::Band, both, top);
        let all = self.number(top);
        self.icmp(IntCC::Equal, found, all)
    }

    fn high_bits(&mut self, ty: Type, from: Type, pair: Pair) -> Value {
        let bits = from.lane_bits();
        let per = 64 / bits;
        let halves = pair.map(|half| {
            if bits == 8 {
                // Each highest bit comes to its place above bit 55.
                let tops = self.with(Opcode::Band, half, tops(8));
                let placed = self.with(Opcode::Imul, tops, 0x0002_0408_1020_4081);
                return self.moved(placed, -56);
            }
            let mut all = None;
            for n in 0..per {
                let down = self.moved(half, n as i32 - (bits * (n + 1)) as i32 + 1);
                let bit = self.with(Opcode::Band, down, 1 << n);
                all = Some(all.map_or(bit, |all| self.op(Opcode::Bor, &[all, bit])));
            }
            all.expect("a half has lanes")
        });
        let high = self.moved(halves[1], per as i32);
        let all = self.op(Opcode::Bor, &[halves[0], high]);
        self.as_lane(ty, all)
    }
}
