//! The bytes of an input, read as choices.
//!
//! Invariant: an input that has ended chooses zero, so that every input is a whole script.

/// What is left of an input.
pub(crate) struct Script<'i> {
    rest: &'i [u8],
}

impl<'i> Script<'i> {
    pub(crate) fn new(input: &'i [u8]) -> Self {
        Self { rest: input }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    /// Two bytes, little-endian.
    pub(crate) fn number(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// As many bytes as one byte says, if there are so many.
    pub(crate) fn run(&mut self) -> &'i [u8] {
        let length = usize::from(self.byte()).min(self.rest.len());
        let (run, rest) = self.rest.split_at(length);
        self.rest = rest;
        run
    }

    /// Everything that is left.
    pub(crate) fn rest(self) -> &'i [u8] {
        self.rest
    }
}
