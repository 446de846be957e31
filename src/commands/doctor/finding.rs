//! What an examination found, apart from how it is shown.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to do.
    #[default]
    Fine,
    /// Worth a look.
    Notice,
    /// Sessions are probably not what they are taken for.
    Warning,
}

impl Level {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Fine => "fine",
            Level::Notice => "notice",
            Level::Warning => "warning",
        }
    }

    /// Of something that should not be: from a hundredth of the whole on it is worth a look, from a tenth on a
    /// warning.
    pub fn of_share(part: u64, whole: u64) -> Level {
        match u128::from(part) {
            0 => Level::Fine,
            part if part * 10 >= u128::from(whole) => Level::Warning,
            part if part * 100 >= u128::from(whole) => Level::Notice,
            _ => Level::Fine,
        }
    }

    /// Of something that should not be at all.
    pub fn of_any(count: u64) -> Level {
        if count > 0 {
            Level::Notice
        } else {
            Level::Fine
        }
    }
}

/// A question that people ask of their sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Why is my sessions table empty, or so small?
    FewSessions,
    /// Why so many zero-length sessions?
    ZeroLength,
    /// Why are there sessions without activity?
    NoActivity,
    /// Why are some sessions so long, or why do they contain long gaps?
    LongSessions,
    /// Do server-side events carry session ids?
    ServerEvents,
    /// What would another definition change?
    OtherDefinition,
    /// Is the data sound?
    Soundness,
}

impl Question {
    /// All questions, in the order in which they are answered.
    pub const ALL: [Question; 7] = [
        Question::FewSessions,
        Question::ZeroLength,
        Question::NoActivity,
        Question::LongSessions,
        Question::ServerEvents,
        Question::OtherDefinition,
        Question::Soundness,
    ];

    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Question::FewSessions => "few_sessions",
            Question::ZeroLength => "zero_length",
            Question::NoActivity => "no_activity",
            Question::LongSessions => "long_sessions",
            Question::ServerEvents => "server_events",
            Question::OtherDefinition => "other_definition",
            Question::Soundness => "soundness",
        }
    }

    /// The question, as people ask it.
    pub fn asked(self) -> &'static str {
        match self {
            Question::FewSessions => "Why is my sessions table empty, or so small?",
            Question::ZeroLength => "Why so many zero-length sessions?",
            Question::NoActivity => "Why are there sessions without activity?",
            Question::LongSessions => "Why are some sessions so long, or why do they contain long gaps?",
            Question::ServerEvents => "Do server-side events carry session ids?",
            Question::OtherDefinition => "What would another definition change?",
            Question::Soundness => "Is the data sound?",
        }
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The question it is an answer to.
    pub question: Question,
    /// The word for programs.
    pub name: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What is counted, in a few words.
    pub title: String,
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// What they are: `events`, `sessions`, …
    pub unit: &'static str,
    /// What it means, in one sentence.
    pub meaning: String,
    /// What `count` consists of.
    pub causes: Vec<Cause>,
    /// `count` by the values of something.
    pub breakdowns: Vec<Breakdown>,
    /// What changes it.
    pub fix: Option<Fix>,
}

/// What changes something: a key of the job, or a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fix {
    /// What to do.
    pub text: String,
    /// The command that does it.
    pub command: Option<String>,
}

impl Fix {
    /// By a command.
    pub fn by(text: impl Into<String>, command: String) -> Self {
        Fix { text: text.into(), command: Some(command) }
    }
}

impl From<&str> for Fix {
    fn from(text: &str) -> Self {
        Fix { text: text.to_string(), command: None }
    }
}

/// A part of a finding's count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The word for programs.
    pub name: String,
    /// In words.
    pub text: String,
    /// How many.
    pub count: u64,
    /// The users who have most of them.
    pub users: Vec<User>,
}

/// A user as an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub name: String,
    /// How many of what is counted the user has.
    pub count: u64,
}

/// A finding's count by the values of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// By what: `event_type`, `day`, or a column.
    pub by: String,
    /// The values, those with most first, days in order.
    pub rows: Vec<Part>,
}

/// One value of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The value; `None` where there is none.
    pub value: Option<String>,
    /// How many.
    pub count: u64,
    /// Of how many with this value.
    pub of: u64,
}

/// A question that is not asked of this job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The question.
    pub question: Question,
    /// What of it.
    pub what: &'static str,
    /// Why.
    pub why: String,
}

impl Finding {
    /// A finding without parts.
    pub fn new(question: Question, name: &'static str, title: impl Into<String>) -> Self {
        Finding {
            question,
            name,
            level: Level::Fine,
            title: title.into(),
            count: 0,
            of: 0,
            unit: "events",
            meaning: String::new(),
            causes: Vec::new(),
            breakdowns: Vec::new(),
            fix: None,
        }
    }

    /// Counts so many of so many.
    pub fn counting(self, count: u64, of: u64, unit: &'static str) -> Self {
        Finding { count, of, unit, ..self }
    }

    /// This bad.
    pub fn at(self, level: Level) -> Self {
        Finding { level, ..self }
    }

    /// Meaning this.
    pub fn means(self, meaning: impl Into<String>) -> Self {
        Finding { meaning: meaning.into(), ..self }
    }

    /// Changed by this, where there is something to change.
    pub fn fixed_by(self, fix: impl Into<Fix>) -> Self {
        match (self.level, fix.into()) {
            (Level::Fine, _) => self,
            (_, fix) if fix.text.is_empty() => self,
            (_, fix) => Finding { fix: Some(fix), ..self },
        }
    }

    /// Consisting of these.
    pub fn caused_by(self, causes: Vec<Cause>) -> Self {
        Finding { causes, ..self }
    }
}

impl Cause {
    /// A part without example users.
    pub fn new(name: impl Into<String>, text: impl Into<String>, count: u64) -> Self {
        Cause { name: name.into(), text: text.into(), count, users: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_follows_the_share() {
        let levels = [(0, 0), (0, 5), (9, 1_000), (10, 1_000), (99, 1_000), (100, 1_000), (u64::MAX, u64::MAX)];
        let levels = levels.map(|(part, whole)| Level::of_share(part, whole).name());
        assert_eq!(levels, ["fine", "fine", "fine", "notice", "notice", "warning", "warning"]);
    }
}
