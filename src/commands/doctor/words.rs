//! Command lines to go on with: the job that was asked about, in the words it was asked with.

/// The words that say which job is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// The job file, where one is named.
    pub job_file: Option<String>,
    /// The flags over it.
    pub flags: Vec<(&'static str, String)>,
    /// Whether the job says where tables go.
    pub has_output: bool,
}

impl Words {
    /// A command over this job; its flags take the place of those that the job was asked with.
    pub fn command(&self, command: &str, more: &[(&'static str, String)]) -> String {
        let is_replaced = |flag: &str| more.iter().any(|(more, _)| *more == flag);
        let kept = self.flags.iter().filter(|(flag, _)| !is_replaced(flag));
        let flag = |(flag, value): &(&'static str, String)| match value.is_empty() {
            true => flag.to_string(),
            false => format!("{flag} {}", shell_word(value)),
        };
        let output = (command == "run" && !self.has_output).then(|| "--output out".to_string());
        ["dwell".to_string(), command.to_string()]
            .into_iter()
            .chain(self.job_file.as_deref().map(shell_word))
            .chain(kept.chain(more).map(flag))
            .chain(output)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A word as a shell takes it.
pub fn shell_word(word: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "-_./=:,@%+".contains(sign);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_have_to_be() {
        let words = ["data/events", "a b", "", "it's", "$insert_id"].map(shell_word);
        assert_eq!(words, ["data/events", "'a b'", "''", r"'it'\''s'", "'$insert_id'"]);
    }

    #[test]
    fn a_flag_takes_the_place_of_the_same_one() {
        let flag = |flag, value: &str| (flag, value.to_string());
        let words = Words {
            job_file: Some("my job.toml".to_string()),
            flags: vec![flag("--where", "a = 1"), flag("--timeout", "30m")],
            has_output: true,
        };
        let command = words.command("run", &[flag("--where", "b"), flag("--incremental", "")]);
        assert_eq!(command, "dwell run 'my job.toml' --timeout 30m --where b --incremental");
        let words = Words { job_file: None, flags: vec![flag("--input", "x")], has_output: false };
        assert_eq!(words.command("run", &[]), "dwell run --input x --output out");
        assert_eq!(words.command("gaps", &[]), "dwell gaps --input x");
    }
}
