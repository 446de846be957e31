//! Names and values as conditions spell them.

/// A column as conditions spell it.
pub fn quoted_name(name: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_';
    if name.chars().all(is_plain) && !name.starts_with(|sign: char| sign.is_ascii_digit()) {
        return name.to_string();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as conditions spell it.
pub fn quoted_value(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_have_to_be() {
        let names = ["user_id", "$insert_id", "a.b", "say \"x\""].map(quoted_name);
        assert_eq!(names, ["user_id", "\"$insert_id\"", "\"a.b\"", "\"say \"\"x\"\"\""]);
    }
}
