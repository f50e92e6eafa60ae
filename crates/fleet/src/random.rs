//! Randomness that is the same on every machine: a seed decides everything drawn from it.
//!
//! The generator is xoshiro256++ (Blackman and Vigna), seeded by SplitMix64.

/// A seeded source of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut mixer = seed;
        Random {
            state: std::array::from_fn(|_| split_mix(&mut mixer)),
        }
    }

    /// An independent source, for something that must not shift when its neighbours draw more.
    pub(crate) fn fork(&mut self) -> Random {
        Random::new(self.bits())
    }

    pub(crate) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in [0, count); 0 when `count` is 0.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(count)) >> 64) as u64
    }

    /// Uniform in [low, high].
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// One of the choices, as often as its weight says.
    pub(crate) fn weighted<'a, T>(
        &mut self,
        choices: &'a [T],
        weight: impl Fn(&T) -> f64,
    ) -> &'a T {
        let total: f64 = choices.iter().map(&weight).sum();
        let mut left = self.unit() * total;
        for choice in choices {
            left -= weight(choice);
            if left < 0.0 {
                return choice;
            }
        }
        &choices[choices.len() - 1]
    }

    /// Exponential with that mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// At least 1, geometric in kind, with that mean.
    pub(crate) fn at_least_one(&mut self, mean: f64) -> u64 {
        1 + self.exponential(mean - 0.5) as u64
    }

    /// Log-normal: `median` in the middle, `sigma` the spread of the logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }

    /// How many events fall into an interval in which `mean` are expected.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        let (mut count, mut waited) = (0, self.exponential(1.0));
        while waited < mean {
            count += 1;
            waited += self.exponential(1.0);
        }
        count
    }

    /// `prefix` and then `digits` lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, prefix: &str, digits: usize) -> String {
        let mut text = String::with_capacity(prefix.len() + digits);
        text.push_str(prefix);
        let mut bits = 0;
        for index in 0..digits {
            if index % 16 == 0 {
                bits = self.bits();
            }
            text.push(digit(bits));
            bits >>= 4;
        }
        text
    }

    /// A random UUID (version 4).
    pub(crate) fn uuid(&mut self) -> String {
        let mut text = String::with_capacity(36);
        let (mut high, mut low) = (self.bits(), self.bits());
        for index in 0..36 {
            match index {
                8 | 13 | 18 | 23 => text.push('-'),
                14 => text.push('4'),
                19 => text.push(digit(8 | (low >> 60) & 3)),
                20.. => {
                    text.push(digit(low));
                    low >>= 4;
                }
                _ => {
                    text.push(digit(high));
                    high >>= 4;
                }
            }
        }
        text
    }

    /// Puts the elements into a random order.
    pub(crate) fn shuffle<T>(&mut self, elements: &mut [T]) {
        for index in (1..elements.len()).rev() {
            elements.swap(index, self.below(index as u64 + 1) as usize);
        }
    }
}

fn digit(bits: u64) -> char {
    char::from(b"0123456789abcdef"[(bits & 15) as usize])
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_of_version_4() {
        let mut random = Random::new(1);
        for _ in 0..200 {
            let uuid = random.uuid();
            let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
            assert_eq!(&uuid[14..15], "4");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        }
    }

    #[test]
    fn means_are_what_they_say() {
        let mut random = Random::new(2);
        let mut mean = |draw: &mut dyn FnMut(&mut Random) -> f64| {
            (0..40_000).map(|_| draw(&mut random)).sum::<f64>() / 40_000.0
        };
        let check = |found: f64, expected: f64| {
            assert!(
                (found / expected - 1.0).abs() < 0.05,
                "{found} is not {expected}"
            );
        };
        check(mean(&mut |random| random.unit()), 0.5);
        check(mean(&mut |random| random.exponential(3.0)), 3.0);
        check(mean(&mut |random| random.poisson(2.5) as f64), 2.5);
        check(mean(&mut |random| random.at_least_one(6.0) as f64), 6.0);
        check(mean(&mut |random| random.between(2, 4) as f64), 3.0);
    }
}
