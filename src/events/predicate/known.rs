//! The formulas of a run together: all answers of a row by one look at each column.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;

use super::compile::{Asked, Question};
use super::formula::Formula;
use super::placed::{ClassTest, Placing};
use crate::events::decode::dictionaries::{CodedText, OfDictionary};
use crate::sessionize::layout::intern::Interner;

/// Conditions of which each is one of the 128 bits of a row's answers.
#[derive(Clone, Debug)]
pub struct KnownConditions {
    columns: Vec<Placing>,
    /// Each with its bit, over the columns by their places.
    conditions: Vec<(u32, Formula<(usize, ClassTest)>)>,
}

/// What is known already of dictionaries, and of combinations of classes.
#[derive(Debug, Default)]
pub struct Seen {
    dictionaries: Vec<OfDictionary<Vec<u32>>>,
    combined: Option<Combined>,
    answers: Vec<u128>,
    codes: HashMap<u128, u32>,
}

/// For combinations of classes, the codes of their answers.
#[derive(Debug)]
enum Combined {
    /// By the number of the combination.
    Table(Vec<u32>),
    /// By the place among those that came so far.
    Interned(Interner, Vec<u32>),
}

/// Up to so many combinations have a table.
const TABLE: u64 = 1 << 20;
const UNSEEN: u32 = u32::MAX;

/// What conditions say of the rows of a batch.
#[derive(Debug)]
pub struct Answers<'s> {
    /// For each row the code of its answers.
    pub codes: Vec<u32>,
    /// By code, a bit for each condition that holds.
    pub by_code: &'s [u128],
}

impl KnownConditions {
    /// Conditions, each with its bit. Those that are too much to be answered together come back, by their bits.
    pub fn new(conditions: Vec<(u32, Formula<Question>)>) -> (Self, Vec<u32>) {
        let mut conditions = conditions;
        let mut left_out = Vec::new();
        loop {
            let columns = placings(&conditions);
            let combinations = columns.iter().try_fold(1u64, |all, column| all.checked_mul(column.classes()));
            let fits = combinations.is_some_and(|all| i64::try_from(all).is_ok());
            if fits && columns.iter().all(Placing::is_small) {
                let bound = conditions.iter().map(|(bit, formula)| (*bit, bound(formula, &columns))).collect();
                return (KnownConditions { columns, conditions: bound }, left_out);
            }
            left_out.extend(conditions.pop().map(|(bit, _)| bit));
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The columns of the file that they look at.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.column.as_str())
    }

    /// What they say of the rows of a batch.
    pub fn answers<'s>(&self, batch: &RecordBatch, seen: &'s mut Seen) -> Answers<'s> {
        let rows = batch.num_rows();
        seen.dictionaries.resize_with(self.columns.len(), OfDictionary::default);
        let classes = self.columns.iter().zip(&mut seen.dictionaries).map(|(column, known)| {
            let values = batch.column_by_name(&column.column);
            values.map_or_else(|| vec![0; rows], |values| classes(column, values, known))
        });
        let classes: Vec<Vec<u32>> = classes.collect();
        let combinations: u64 = self.columns.iter().map(Placing::classes).product();
        let combined = seen.combined.get_or_insert_with(|| match combinations <= TABLE {
            true => Combined::Table(vec![UNSEEN; combinations as usize]),
            false => Combined::Interned(Interner::of_ints(), Vec::new()),
        });
        let mut answer = |combination: u64| {
            let answers = self.of_combination(combination);
            *seen.codes.entry(answers).or_insert_with(|| {
                seen.answers.push(answers);
                seen.answers.len() as u32 - 1
            })
        };
        let mut code = |combination: u64| match combined {
            Combined::Table(codes) => {
                let code = &mut codes[combination as usize];
                if *code == UNSEEN {
                    *code = answer(combination);
                }
                *code
            }
            Combined::Interned(places, codes) => {
                let place = places.intern_int(combination as i64) as usize;
                if place == codes.len() {
                    codes.push(answer(combination));
                }
                codes[place]
            }
        };
        let codes = match classes.as_slice() {
            [] => vec![code(0); rows],
            [only] => only.iter().map(|class| code(u64::from(*class))).collect(),
            several => (0..rows).map(|row| code(self.combination(several, row))).collect(),
        };
        Answers { codes, by_code: &seen.answers }
    }

    fn combination(&self, classes: &[Vec<u32>], row: usize) -> u64 {
        let digits = self.columns.iter().zip(classes);
        digits.fold(0, |all, (column, classes)| all * column.classes() + u64::from(classes[row]))
    }

    /// The answers to a combination of classes.
    fn of_combination(&self, combination: u64) -> u128 {
        let mut classes = vec![0; self.columns.len()];
        let mut rest = combination;
        for (class, column) in classes.iter_mut().zip(&self.columns).rev() {
            *class = (rest % column.classes()) as u32;
            rest /= column.classes();
        }
        let test = |(place, test): &(usize, ClassTest)| self.columns[*place].answer(test, classes[*place]);
        let holds = |formula: &Formula<(usize, ClassTest)>| formula.holds(&test) == Some(true);
        self.conditions.iter().filter(|(_, formula)| holds(formula)).fold(0, |answers, (bit, _)| answers | 1 << bit)
    }
}

/// What is asked of each column, in the order of their names.
fn placings(conditions: &[(u32, Formula<Question>)]) -> Vec<Placing> {
    let questions: Vec<&Question> = conditions.iter().flat_map(|(_, formula)| formula.tests()).collect();
    let mut names: Vec<&str> = questions.iter().map(|question| question.column.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let asked = |name: &str| -> Vec<&Asked> {
        questions.iter().filter(|question| question.column == name).map(|question| &question.asked).collect()
    };
    names.into_iter().map(|name| Placing::new(name, &asked(name))).collect()
}

fn bound(formula: &Formula<Question>, columns: &[Placing]) -> Formula<(usize, ClassTest)> {
    formula.map(&mut |question| {
        // The columns are those of the questions.
        let place = columns.iter().position(|column| column.column == question.column).unwrap_or(0);
        (place, columns[place].test(question))
    })
}

/// The class of each row. Where text comes as codes, each text of the dictionary is looked at once.
fn classes(column: &Placing, values: &ArrayRef, known: &mut OfDictionary<Vec<u32>>) -> Vec<u32> {
    let Some(text) = CodedText::of(values) else { return column.of_rows(values) };
    text.look_up(known.get_or_make(text, || column.of_dictionary(text)), 0)
}
