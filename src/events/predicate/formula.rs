//! Tests put together by the logic of SQL, in which what is asked of null is neither true nor false.

/// A condition over tests.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula<T> {
    /// The same for all rows; `None` is null.
    Always(Option<bool>),
    /// One test.
    Test(T),
    /// Whether another one is null.
    IsNull(Box<Formula<T>>),
    /// Another one, or what is said here where that is null.
    OrElse(Box<Formula<T>>, bool),
    /// The opposite.
    Not(Box<Formula<T>>),
    /// Both of two.
    And(Box<Formula<T>>, Box<Formula<T>>),
    /// One of two, or both.
    Or(Box<Formula<T>>, Box<Formula<T>>),
}

impl<T> Formula<T> {
    /// Whether it holds, by what its tests say; `None` where that is null.
    pub fn holds(&self, test: &impl Fn(&T) -> Option<bool>) -> Option<bool> {
        match self {
            Formula::Always(holds) => *holds,
            Formula::Test(of) => test(of),
            Formula::IsNull(inner) => Some(inner.holds(test).is_none()),
            Formula::OrElse(inner, unknown) => Some(inner.holds(test).unwrap_or(*unknown)),
            Formula::Not(inner) => inner.holds(test).map(|holds| !holds),
            Formula::And(left, right) => match left.holds(test) {
                Some(false) => Some(false),
                Some(true) => right.holds(test),
                None => right.holds(test).filter(|holds| !holds),
            },
            Formula::Or(left, right) => match left.holds(test) {
                Some(true) => Some(true),
                Some(false) => right.holds(test),
                None => right.holds(test).filter(|holds| *holds),
            },
        }
    }

    /// The same over other tests.
    pub fn map<U>(&self, test: &mut impl FnMut(&T) -> U) -> Formula<U> {
        match self {
            Formula::Always(holds) => Formula::Always(*holds),
            Formula::Test(of) => Formula::Test(test(of)),
            Formula::IsNull(inner) => Formula::IsNull(Box::new(inner.map(test))),
            Formula::OrElse(inner, unknown) => Formula::OrElse(Box::new(inner.map(test)), *unknown),
            Formula::Not(inner) => Formula::Not(Box::new(inner.map(test))),
            Formula::And(left, right) => Formula::And(Box::new(left.map(test)), Box::new(right.map(test))),
            Formula::Or(left, right) => Formula::Or(Box::new(left.map(test)), Box::new(right.map(test))),
        }
    }

    /// Its tests, from left to right.
    pub fn tests(&self) -> Vec<&T> {
        let mut tests = Vec::new();
        self.collect(&mut tests);
        tests
    }

    fn collect<'f>(&'f self, tests: &mut Vec<&'f T>) {
        match self {
            Formula::Always(_) => {}
            Formula::Test(of) => tests.push(of),
            Formula::IsNull(inner) | Formula::OrElse(inner, _) | Formula::Not(inner) => inner.collect(tests),
            Formula::And(left, right) | Formula::Or(left, right) => {
                left.collect(tests);
                right.collect(tests);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Option<bool>; 3] = [Some(true), Some(false), None];

    #[test]
    fn a_null_beside_a_truth_is_decided_by_it_where_it_can_be() {
        let always = |holds| Box::new(Formula::<()>::Always(holds));
        let none = |_: &()| None;
        // The smaller and the larger of two, where null lies between false and true.
        let order = |holds: Option<bool>| holds.map_or(1, |holds| if holds { 2 } else { 0 });
        for left in ALL {
            for right in ALL {
                let and = Formula::And(always(left), always(right)).holds(&none);
                let or = Formula::Or(always(left), always(right)).holds(&none);
                assert_eq!(order(and), order(left).min(order(right)), "{left:?} and {right:?}");
                assert_eq!(order(or), order(left).max(order(right)), "{left:?} or {right:?}");
            }
            assert_eq!(Formula::Not(always(left)).holds(&none), left.map(|left| !left));
            assert_eq!(Formula::IsNull(always(left)).holds(&none), Some(left.is_none()));
            for unknown in [true, false] {
                assert_eq!(Formula::OrElse(always(left), unknown).holds(&none), left.or(Some(unknown)));
            }
        }
    }
}
