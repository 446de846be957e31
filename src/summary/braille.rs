//! A line over time in the letters of a terminal: eight dots a letter.

/// The highest value that a line of so many letters shows.
pub fn top(values: &[Option<f64>], width: usize) -> f64 {
    means(values, width * 2).into_iter().flatten().fold(0.0, f64::max)
}

/// Rows of letters that show values from left to right, the highest in the first row; where a value is missing, there is a
/// gap. Where there are more values than dots across, a dot is the mean of those that fall on it. The scale begins at zero, or
/// below where a value does.
pub fn plot(values: &[Option<f64>], width: usize, height: usize) -> Vec<String> {
    let (dots, tall) = (width * 2, height * 4);
    let columns = means(values, dots);
    let known = || columns.iter().flatten().copied();
    let (least, most) = (known().fold(0.0, f64::min), known().fold(0.0, f64::max));
    let range = if most > least { most - least } else { 1.0 };
    let row_of = |value: f64| (((value - least) / range) * (tall - 1) as f64).round() as usize;
    let mut grid = vec![vec![0u8; width]; height];
    let mut before: Option<usize> = None;
    for (column, value) in columns.iter().enumerate() {
        let here = value.map(row_of);
        if let Some(row) = here {
            // A line is whole: it passes through the rows between its neighbour and itself.
            let from = before.map_or(row, |before| {
                if before < row {
                    before + 1
                } else if before > row {
                    before - 1
                } else {
                    row
                }
            });
            for row in from.min(row)..=from.max(row) {
                let down = tall - 1 - row;
                grid[down / 4][column / 2] |= dot(column % 2, down % 4);
            }
        }
        before = here;
    }
    let letter = |dots: &u8| char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' ');
    grid.iter().map(|row| row.iter().map(letter).collect::<String>().trim_end_matches('\u{2800}').to_string()).collect()
}

/// The bit of a dot in a letter.
fn dot(across: usize, down: usize) -> u8 {
    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    BITS[across][down]
}

/// So many values in the place of more, or of fewer.
fn means(values: &[Option<f64>], count: usize) -> Vec<Option<f64>> {
    let mean = |place: usize| {
        let (from, to) = (place * values.len() / count, (place + 1) * values.len() / count);
        let known: Vec<f64> = values[from..to.max(from + 1).min(values.len())].iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    if values.is_empty() {
        return Vec::new();
    }
    (0..count).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_up_comes_down_and_has_gaps() {
        let up: Vec<Option<f64>> = (0..8).map(|value| Some(f64::from(value))).collect();
        assert_eq!(plot(&up, 4, 2), ["\u{2800}\u{2800}⡠⠊", "⡠⠊"]);
        let gap = [Some(1.0), None, Some(1.0), Some(1.0)];
        assert_eq!(plot(&gap, 2, 1), ["⠁⠉"]);
        assert_eq!(plot(&[None, None], 1, 1), [""]);
        assert_eq!(plot(&[], 3, 1), [""]);
        let many: Vec<Option<f64>> = (0..1_000).map(|value| Some(f64::from(value % 10))).collect();
        assert_eq!(plot(&many, 50, 1)[0].chars().count(), 50);
    }
}
