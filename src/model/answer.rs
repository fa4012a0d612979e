//! Answers that rest on what could be read: yes, no, and unknown.

/// An answer. What could not be read is never taken for what is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// For certain.
    Yes,
    /// For certain not.
    No,
    /// What it rests on could not be read.
    Unknown,
}

impl Answer {
    /// Yes if both are; no if one is (Kleene's logic).
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }

    /// Yes if one is; no if both are.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    /// The opposite; of what is unknown, the opposite is unknown too.
    #[must_use]
    pub const fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }

    /// Yes if one of the answers is; no if all are, also if there is none.
    pub fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        answers.into_iter().fold(Self::No, Self::or)
    }

    /// The answer as programs read it: `true`, `false` or `null`.
    pub const fn to_option(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Unknown => None,
        }
    }
}

impl From<bool> for Answer {
    fn from(answer: bool) -> Self {
        if answer { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_decides_nothing_that_is_decided_without_it() {
        use Answer::{No, Unknown, Yes};
        assert_eq!([Unknown.and(No), Unknown.and(Yes), Yes.and(Yes)], [No, Unknown, Yes]);
        assert_eq!([Unknown.or(Yes), Unknown.or(No), No.or(No)], [Yes, Unknown, No]);
        assert_eq!([Answer::any([]), Answer::any([No, Unknown]), Answer::any([Unknown, Yes])], [No, Unknown, Yes]);
        assert_eq!([Yes, No, Unknown].map(Answer::to_option), [Some(true), Some(false), None]);
    }
}
