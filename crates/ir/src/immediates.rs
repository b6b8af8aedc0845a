//! Numbers in CLIF text: integers and floats, to the bit.
//!
//! Floats are written in hexadecimal (`-0x1.8p3`), `+Inf`, `-Inf`, `+NaN`, `+NaN:0x1`
//! for a quiet NaN with more payload than its quiet bit, `+sNaN:0x1` for a
//! signalling one. Decimal forms are read too, rounded to nearest.

/// An integer of at most 64 bits: decimal or `0x` hexadecimal, with `_` between
/// digits and an optional sign. Values from -2^63 to 2^64 - 1 are taken.
///
/// # Errors
/// If the text is no such number.
pub fn parse_int(text: &str) -> Result<i64, String> {
    let bad = || format!("`{text}` is not an integer");
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (16, hex),
        None => (10, digits),
    };
    let mut value: u64 = 0;
    let mut any = false;
    for c in digits.chars().filter(|&c| c != '_') {
        let digit = c.to_digit(radix).ok_or_else(bad)?;
        any = true;
        value = value
            .checked_mul(u64::from(radix))
            .and_then(|v| v.checked_add(u64::from(digit)))
            .ok_or_else(|| format!("`{text}` does not fit 64 bits"))?;
    }
    if !any {
        return Err(bad());
    }
    if !negative {
        return Ok(value as i64);
    }
    if value > 1 << 63 {
        return Err(format!("`{text}` does not fit 64 bits"));
    }
    Ok((value as i64).wrapping_neg())
}

/// An integer that fits a type of `bits` bits, signed or unsigned; sign-extended.
///
/// # Errors
/// If the text is no integer or does not fit.
pub fn parse_int_of(text: &str, bits: u32) -> Result<i64, String> {
    let value = parse_int(text)?;
    let fits = bits >= 64
        || if text.starts_with('-') { value >= -(1 << (bits - 1)) } else { (value as u64) < 1 << bits };
    if !fits {
        return Err(format!("`{text}` does not fit {bits} bits"));
    }
    let shift = 64 - bits.min(64);
    Ok(value << shift >> shift)
}

/// The widths of a float format.
struct Format {
    exponent: u32,
    fraction: u32,
}

const BINARY32: Format = Format { exponent: 8, fraction: 23 };
const BINARY64: Format = Format { exponent: 11, fraction: 52 };

impl Format {
    fn sign(&self) -> u64 {
        1 << (self.exponent + self.fraction)
    }

    fn infinity(&self) -> u64 {
        ((1 << self.exponent) - 1) << self.fraction
    }

    fn quiet(&self) -> u64 {
        1 << (self.fraction - 1)
    }

    fn bias(&self) -> i64 {
        (1 << (self.exponent - 1)) - 1
    }

    fn parse(&self, text: &str) -> Result<u64, String> {
        let bad = || format!("`{text}` is not a float");
        let (sign, body) = match text.as_bytes().first() {
            Some(b'-') => (self.sign(), &text[1..]),
            Some(b'+') => (0, &text[1..]),
            _ => (0, text),
        };
        let payload = |digits: &str, room: u64| {
            let value =
                u64::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).map_err(|_| bad())?;
            if value == 0 || value & !room != 0 {
                Err(format!("`{text}`: the payload does not fit"))
            } else {
                Ok(value)
            }
        };
        if body == "Inf" {
            return Ok(sign | self.infinity());
        }
        if body == "NaN" {
            return Ok(sign | self.infinity() | self.quiet());
        }
        if let Some(digits) = body.strip_prefix("NaN:") {
            return Ok(sign | self.infinity() | self.quiet() | payload(digits, self.quiet() - 1)?);
        }
        if let Some(digits) = body.strip_prefix("sNaN:") {
            return Ok(sign | self.infinity() | payload(digits, self.quiet() - 1)?);
        }
        match body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
            Some(hex) => Ok(sign | self.parse_hex(hex).ok_or_else(bad)?),
            None => {
                let digits = body.replace('_', "");
                if !digits.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(bad());
                }
                let bits = if self.fraction == 23 {
                    u64::from(digits.parse::<f32>().map_err(|_| bad())?.to_bits())
                } else {
                    digits.parse::<f64>().map_err(|_| bad())?.to_bits()
                };
                if bits == self.infinity() { Err(format!("`{text}` is too large")) } else { Ok(sign | bits) }
            }
        }
    }

    /// `1.8p3` after its `0x`: exact, or `None` if it is malformed, too large, or
    /// has more digits than the format.
    fn parse_hex(&self, text: &str) -> Option<u64> {
        let (digits, exponent) = match text.split_once(['p', 'P']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        if exponent.unsigned_abs() > 1 << 20 {
            return None;
        }
        let mut significand: u64 = 0;
        let (mut scale, mut any, mut point) = (exponent, false, false);
        for c in digits.chars() {
            match c {
                '.' if !point => point = true,
                '_' => {}
                _ => {
                    let digit = u64::from(c.to_digit(16)?);
                    any = true;
                    if significand >> 60 != 0 {
                        // Beyond 64 bits only zeros are exact.
                        if digit != 0 {
                            return None;
                        }
                        scale += if point { 0 } else { 4 };
                    } else {
                        significand = significand << 4 | digit;
                        scale -= if point { 4 } else { 0 };
                    }
                }
            }
        }
        if !any {
            return None;
        }
        if significand == 0 {
            return Some(0);
        }
        // significand * 2^scale with the top bit at 2^top.
        let top = 63 - i64::from(significand.leading_zeros()) + scale;
        if top > self.bias() {
            return None;
        }
        let lowest = (top - i64::from(self.fraction)).max(1 - self.bias() - i64::from(self.fraction));
        let shift = lowest - scale;
        let value = if shift <= 0 {
            significand.checked_shl(u32::try_from(-shift).ok()?)?
        } else {
            let shift = u32::try_from(shift).ok()?;
            if shift >= 64 || significand & ((1 << shift) - 1) != 0 {
                return None;
            }
            significand >> shift
        };
        let implicit = 1 << self.fraction;
        if value < implicit {
            return Some(value);
        }
        let exponent = (top + self.bias()) as u64;
        Some(exponent << self.fraction | (value & (implicit - 1)))
    }

    fn format(&self, bits: u64) -> String {
        let negative = bits & self.sign() != 0;
        let exponent = (bits & self.infinity()) >> self.fraction;
        let fraction = bits & ((1 << self.fraction) - 1);
        let minus = if negative { "-" } else { "" };
        let digits = self.fraction.div_ceil(4) as usize;
        let shifted = fraction << (digits as u32 * 4 - self.fraction);
        if bits & self.infinity() == self.infinity() {
            let sign = if negative { '-' } else { '+' };
            let payload = fraction & (self.quiet() - 1);
            return match (fraction, fraction & self.quiet() != 0) {
                (0, _) => format!("{sign}Inf"),
                (_, true) if payload == 0 => format!("{sign}NaN"),
                (_, true) => format!("{sign}NaN:0x{payload:x}"),
                (_, false) => format!("{sign}sNaN:0x{payload:x}"),
            };
        }
        match (exponent, fraction) {
            (0, 0) => format!("{minus}0.0"),
            (0, _) => format!("{minus}0x0.{shifted:0digits$x}p{}", 1 - self.bias()),
            _ => format!("{minus}0x1.{shifted:0digits$x}p{}", exponent as i64 - self.bias()),
        }
    }
}

/// The bits of a binary32.
///
/// # Errors
/// If the text is no float or does not fit exactly (hexadecimal) or by range.
pub fn parse_f32(text: &str) -> Result<u32, String> {
    BINARY32.parse(text).map(|bits| bits as u32)
}

/// The bits of a binary64.
///
/// # Errors
/// As [`parse_f32`].
pub fn parse_f64(text: &str) -> Result<u64, String> {
    BINARY64.parse(text)
}

/// The text of a binary32.
pub fn format_f32(bits: u32) -> String {
    BINARY32.format(u64::from(bits))
}

/// The text of a binary64.
pub fn format_f64(bits: u64) -> String {
    BINARY64.format(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_round_trip() {
        let mut bits: u64 = 1;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(12345);
            assert_eq!(parse_f64(&format_f64(bits)), Ok(bits));
            assert_eq!(parse_f32(&format_f32(bits as u32)), Ok(bits as u32));
        }
        for bits in [0, 1, 0x007f_ffff, 0x0080_0000, 0x7f80_0000, 0x7fc0_0000, 0xffc0_0001, 0x7f80_0001] {
            assert_eq!(parse_f32(&format_f32(bits)), Ok(bits));
        }
    }

    #[test]
    fn float_forms() {
        for (text, value) in [
            ("0x1.0p0", 1.0),
            ("-0x1.8p1", -3.0),
            ("0x8", 8.0),
            ("0x0.0", 0.0),
            ("1.5", 1.5),
            ("-2e3", -2000.0),
            ("0x1.0p-1074", 5e-324),
            ("0x1_0.8p0", 16.5),
        ] {
            assert_eq!(parse_f64(text), Ok(f64::to_bits(value)), "{text}");
        }
        assert_eq!(format_f32(0x3f80_0000), "0x1.000000p0");
        assert_eq!(format_f64(f64::to_bits(-3.0)), "-0x1.8000000000000p1");
        assert_eq!((format_f32(0x7fc0_0000), format_f32(0xff80_0000)), ("+NaN".into(), "-Inf".into()));
        for text in [
            "",
            "0x",
            "0x1.0000001p0",
            "0x1p200",
            "1e999",
            "+NaN:0x0",
            "Infinity",
            "0x1p-9223372036854775808",
        ] {
            assert!(parse_f32(text).is_err(), "{text}");
        }
    }

    #[test]
    fn integers() {
        assert_eq!(parse_int("0xffff_ffff_ffff_ffff"), Ok(-1));
        assert_eq!(parse_int("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!((parse_int_of("255", 8), parse_int_of("-128", 8)), (Ok(-1), Ok(-128)));
        for text in ["", "-", "0x", "12a", "18446744073709551616", "-9223372036854775809"] {
            assert!(parse_int(text).is_err(), "{text}");
        }
        assert!(parse_int_of("256", 8).is_err() && parse_int_of("-129", 8).is_err());
    }
}
