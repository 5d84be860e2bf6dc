//! The standard normal distribution's lower quantiles (Wichura's AS 241), to 1 part in 10¹⁵.

/// The coefficients of a quotient of two polynomials, highest first.
struct Quotient {
    above: [f64; 8],
    below: [f64; 8],
}

/// Within 0.425 of the middle, in 0.425² - q².
const CENTRE: Quotient = Quotient {
    above: [
        2_509.080_928_730_122_7,
        33_430.575_583_588_13,
        67_265.770_927_008_7,
        45_921.953_931_549_87,
        13_731.693_765_509_46,
        1_971.590_950_306_551_3,
        133.141_667_891_784_38,
        3.387_132_872_796_366_5,
    ],
    below: [
        5_226.495_278_852_854,
        28_729.085_735_721_943,
        39_307.895_800_092_71,
        21_213.794_301_586_597,
        5_394.196_021_424_751,
        687.187_007_492_057_9,
        42.313_330_701_600_91,
        1.0,
    ],
};
/// In √(-ln v) - 1.6, up to √(-ln v) = 5.
const TAIL: Quotient = Quotient {
    above: [
        0.000_774_545_014_278_341_4,
        0.022_723_844_989_269_184,
        0.241_780_725_177_450_6,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    below: [
        1.050_750_071_644_416_9e-9,
        0.000_547_593_808_499_534_5,
        0.015_198_666_563_616_457,
        0.148_103_976_427_480_08,
        0.689_767_334_985_1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
};
/// In √(-ln v) - 5.
const FAR_TAIL: Quotient = Quotient {
    above: [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        0.001_242_660_947_388_078_4,
        0.026_532_189_526_576_124,
        0.296_560_571_828_504_87,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ],
    below: [
        2.044_263_103_389_939_7e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        0.000_786_869_131_145_613_3,
        0.014_875_361_290_850_615,
        0.136_929_880_922_735_8,
        0.599_832_206_555_888,
        1.0,
    ],
};

/// The z with probability `v` below it, for 0 < v <= 1/2; so z <= 0.
///
/// M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988), routine PPND16.
pub fn normal_quantile(v: f64) -> f64 {
    let q = v - 0.5;
    if q >= -0.425 {
        return q * CENTRE.at(0.180_625 - q * q);
    }
    let r = libm::sqrt(-libm::log(v));
    if r <= 5.0 { -TAIL.at(r - 1.6) } else { -FAR_TAIL.at(r - 5.0) }
}

impl Quotient {
    fn at(&self, r: f64) -> f64 {
        let horner = |row: &[f64; 8]| row.iter().fold(0.0, |sum, c| sum * r + c);
        horner(&self.above) / horner(&self.below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference: Newton's method on erfc with 30 digits.
    #[test]
    fn quantiles_agree_with_thirty_digit_arithmetic_in_all_three_regions() {
        let known = [
            (0.25, -0.674_489_750_196_081_7),
            (0.075, -1.439_531_470_938_456),
            (0.075_000_1, -1.439_530_764_501_73),
            (0.01, -2.326_347_874_040_841),
            (1e-5, -4.264_890_793_922_825),
            (1e-10, -6.361_340_902_404_056),
            (1e-13, -7.348_796_102_800_678),
            (1e-16, -8.222_082_216_130_436),
        ];
        for (v, z) in known {
            assert!((normal_quantile(v) / z - 1.0_f64).abs() < 2e-15, "{v}: {} for {z}", normal_quantile(v));
        }
        assert_eq!(normal_quantile(0.5), 0.0);
    }
}
