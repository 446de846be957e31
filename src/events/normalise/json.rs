//! JSON text, as far as its values are asked for, one by its path or those of an object in turn: numbers come as they are
//! spelled, so that ids of any length stay different.
//!
//! Read is what writers of events write: a byte order mark is passed over, NaN and infinities (Python writes them) are no
//! values, and half of a surrogate pair (JavaScript cuts text so) is the replacement character U+FFFD.

use std::borrow::Cow;

/// Text that is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoJson;

/// The text, number or truth at a path of a JSON object: of the exact key where there is one, else key by key. `None` where
/// there is none, and where there is no text at all.
///
/// # Errors
/// Text that is no JSON.
pub fn scalar_at<'j>(json: &'j str, path: &str) -> Result<Option<Cow<'j, str>>, NoJson> {
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    let mut scan = Scan::new(json);
    scan.space();
    if scan.at == json.len() {
        return Ok(None);
    }
    let start = scan.at;
    scan.value().ok_or(NoJson)?;
    let value = &json[start..scan.at];
    scan.space();
    if scan.at < json.len() {
        return Err(NoJson);
    }
    Ok(at_path(value, path).and_then(scalar))
}

/// Why a text is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoObject {
    /// It is no JSON.
    NoJson,
    /// It has more values inside each other than anybody writes.
    TooDeep,
    /// It is another JSON value.
    Other,
}

/// Goes through the members of a JSON object in their order: each key, and its value as it is spelled.
///
/// # Errors
/// Text that is no JSON object, maybe after some members.
pub fn each_member<'j>(json: &'j str, mut take: impl FnMut(Cow<'j, str>, &'j str)) -> Result<(), NoObject> {
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    let mut scan = Scan::new(json);
    let passed = scan.object(&mut take);
    match passed {
        Some(true) => Ok(()),
        Some(false) => Err(NoObject::Other),
        None if scan.too_deep => Err(NoObject::TooDeep),
        None => Err(NoObject::NoJson),
    }
}

/// The elements of a JSON array, as they are spelled; none where it is something else.
pub fn elements(array: &str) -> Vec<&str> {
    let mut elements = Vec::new();
    let mut scan = Scan::new(array);
    if scan.next() != Some(b'[') {
        return elements;
    }
    loop {
        scan.space();
        let start = scan.at;
        if scan.peek() == Some(b']') || scan.value().is_none() {
            return elements;
        }
        elements.push(&array[start..scan.at]);
        scan.space();
        if scan.next() != Some(b',') {
            return elements;
        }
    }
}

/// The value at a path of a value; both are JSON.
pub fn at_path<'j>(value: &'j str, path: &str) -> Option<&'j str> {
    if let Some(value) = member(value, path) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| at_path(member(value, &path[..dot])?, &path[dot + 1..]))
}

/// The value of a key of an object, the last one where there are several.
fn member<'j>(object: &'j str, wanted: &str) -> Option<&'j str> {
    let mut scan = Scan::new(object);
    if scan.next()? != b'{' {
        return None;
    }
    let mut found = None;
    loop {
        scan.space();
        let start = scan.at;
        scan.next().filter(|byte| *byte == b'"')?;
        let plain = scan.string()?;
        let key = &object[start + 1..scan.at - 1];
        scan.space();
        scan.next()?;
        scan.space();
        let start = scan.at;
        scan.value()?;
        let is_wanted = if plain { key == wanted } else { unescaped(key) == wanted };
        if is_wanted {
            found = Some(&object[start..scan.at]);
        }
        scan.space();
        if scan.next()? != b',' {
            return found;
        }
    }
}

/// The text of a JSON value that is a single one; of null, NaN and infinities there is none.
pub fn scalar(value: &str) -> Option<Cow<'_, str>> {
    match value.as_bytes().first()? {
        b'"' => {
            let inner = &value[1..value.len() - 1];
            Some(if inner.contains('\\') { Cow::Owned(unescaped(inner)) } else { Cow::Borrowed(inner) })
        }
        b't' | b'f' | b'0'..=b'9' => Some(Cow::Borrowed(value)),
        b'-' if value != "-Infinity" => Some(Cow::Borrowed(value)),
        _ => None,
    }
}

/// The text that a JSON string stands for.
fn unescaped(string: &str) -> String {
    let mut text = String::with_capacity(string.len());
    let mut rest = string;
    while let Some(place) = rest.find('\\') {
        text.push_str(&rest[..place]);
        let escape = rest.as_bytes().get(place + 1).copied().unwrap_or(b'\\');
        rest = rest.get(place + 2..).unwrap_or_default();
        match escape {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => {
                let unit = unit_of(rest);
                rest = rest.get(4..).unwrap_or_default();
                let low = rest.strip_prefix("\\u").map(unit_of).filter(|_| (0xd800..0xdc00).contains(&unit));
                let pair = low.and_then(|low| char::decode_utf16([unit, low]).next()?.ok());
                match pair {
                    Some(letter) => {
                        text.push(letter);
                        rest = rest.get(6..).unwrap_or_default();
                    }
                    None => text.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            other => text.push(char::from(other)),
        }
    }
    text + rest
}

/// The number of the four hexadecimal digits that a text begins with.
fn unit_of(digits: &str) -> u16 {
    digits.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// A place in JSON text.
struct Scan<'j> {
    text: &'j str,
    at: usize,
    /// Whether values inside each other ended it.
    too_deep: bool,
}

impl<'j> Scan<'j> {
    fn new(text: &'j str) -> Self {
        Scan { text, at: 0, too_deep: false }
    }

    /// Passes an object that is all of the text; whether it is one, and not another value.
    fn object(&mut self, take: &mut impl FnMut(Cow<'j, str>, &'j str)) -> Option<bool> {
        let text = self.text;
        self.space();
        if self.peek()? != b'{' {
            self.value()?;
            self.space();
            return (self.at == text.len()).then_some(false);
        }
        self.at += 1;
        self.space();
        let mut next = self.peek()?;
        if next == b'}' {
            self.at += 1;
        }
        while next != b'}' {
            self.space();
            let start = self.at + 1;
            self.next().filter(|byte| *byte == b'"')?;
            let plain = self.string()?;
            let key = &text[start..self.at - 1];
            self.space();
            self.next().filter(|byte| *byte == b':')?;
            self.space();
            let start = self.at;
            self.value()?;
            let value = &text[start..self.at];
            take(if plain { Cow::Borrowed(key) } else { Cow::Owned(unescaped(key)) }, value);
            self.space();
            next = self.next().filter(|byte| matches!(byte, b',' | b'}'))?;
        }
        self.space();
        (self.at == text.len()).then_some(true)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn word(&mut self, rest: &str) -> Option<()> {
        let found = self.text.as_bytes()[self.at..].starts_with(rest.as_bytes());
        self.at += rest.len();
        found.then_some(())
    }

    /// Passes a value, with all that is in it.
    fn value(&mut self) -> Option<()> {
        /// Deeper values are none that anybody writes.
        const DEEPEST: u32 = 128;
        // Of each value that is open whether it is an object, from the innermost one on.
        let (mut objects, mut depth) = (0u128, 0u32);
        loop {
            self.space();
            let opened = self.next()?;
            match opened {
                b'{' | b'[' => {
                    if depth == DEEPEST {
                        self.too_deep = true;
                        return None;
                    }
                    (objects, depth) = (objects << 1 | u128::from(opened == b'{'), depth + 1);
                    self.space();
                    if self.peek()? != opened + 2 {
                        if opened == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                b't' => self.word("rue")?,
                b'f' => self.word("alse")?,
                b'n' => self.word("ull")?,
                b'N' => self.word("aN")?,
                b'I' => self.word("nfinity")?,
                b'-' if self.peek()? == b'I' => self.word("Infinity")?,
                b'-' | b'0'..=b'9' => self.number(opened)?,
                _ => return None,
            }
            loop {
                if depth == 0 {
                    return Some(());
                }
                self.space();
                match (self.next()?, objects & 1 == 1) {
                    (b',', is_object) => {
                        if is_object {
                            self.space();
                            self.key()?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => (objects, depth) = (objects >> 1, depth - 1),
                    _ => return None,
                }
            }
        }
    }

    /// Passes a key and its colon.
    fn key(&mut self) -> Option<()> {
        self.next().filter(|byte| *byte == b'"')?;
        self.string()?;
        self.space();
        self.next().filter(|byte| *byte == b':').map(drop)
    }

    /// Passes what follows the first digit or sign of a number.
    fn number(&mut self, first: u8) -> Option<()> {
        let first = if first == b'-' { self.next()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.next().filter(u8::is_ascii_digit)?;
            self.digits();
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.next().filter(u8::is_ascii_digit)?;
            self.digits();
        }
        Some(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// Passes what follows the first quote of a string, up to the last one; whether it is spelled as it is.
    fn string(&mut self) -> Option<bool> {
        let mut plain = true;
        loop {
            // Most letters are what they are.
            let rest = self.text.as_bytes().get(self.at..)?;
            self.at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            match self.next()? {
                b'"' => return Some(plain),
                b'\\' => {
                    plain = false;
                    match self.next()? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                            digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                            self.at += 4;
                        }
                        _ => return None,
                    }
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found<'j>(json: &'j str, path: &str) -> Option<Cow<'j, str>> {
        scalar_at(json, path).expect("JSON")
    }

    #[test]
    fn paths_take_the_exact_key_first_and_give_scalars_only() {
        let json = r#" {"a": {"b": 1.50, "c.d": true, "n": null, "a\u0062": 1}, "a.b": "ex\"act", "list": [1, {}]} "#;
        let at = |path| found(json, path);
        assert_eq!(at("a.b").as_deref(), Some("ex\"act"));
        assert_eq!(at("a.c.d").as_deref(), Some("true"));
        assert_eq!(at("a.ab").as_deref(), Some("1"));
        for none in ["a", "list", "a.n", "x.y", "a.c", "list.0", ""] {
            assert_eq!(at(none), None, "{none}");
        }
        assert_eq!(found(r#"{"a": 1, "a": 2}"#, "a").as_deref(), Some("2"));
    }

    #[test]
    fn numbers_are_as_they_are_spelled() {
        for number in ["100000000000000000001", "-0", "1.50", "1e3", "-12.5E-7", "0"] {
            assert_eq!(found(&format!("{{\"n\":{number}}}"), "n").as_deref(), Some(number));
        }
    }

    #[test]
    fn what_writers_of_events_write_is_read() {
        assert_eq!(found("\u{feff}{\"a\": \"b\"}", "a").as_deref(), Some("b"));
        assert_eq!(found(r#"{"x": NaN, "y": -Infinity, "z": [Infinity], "a": 1}"#, "a").as_deref(), Some("1"));
        for none in ["x", "y", "z"] {
            assert_eq!(found(r#"{"x": NaN, "y": -Infinity, "z": Infinity}"#, none), None);
        }
        assert_eq!(found(r#"{"t": "cut \ud83d", "a": "\ud83d\ude00 \u00e9"}"#, "a").as_deref(), Some("😀 é"));
        assert_eq!(found(r#"{"t": "cut \ud83d\n"}"#, "t").as_deref(), Some("cut \u{fffd}\n"));
        assert_eq!(found(r#"{"t": "\ud83d\u0041\udc00"}"#, "t").as_deref(), Some("\u{fffd}A\u{fffd}"));
        for nothing in ["", "  ", "1", "null", "[{\"a\": 1}]", "\"a\""] {
            assert_eq!(found(nothing, "a"), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_broken_off_or_something_else_is_no_json() {
        let deep = "[".repeat(129);
        let broken = [
            "x",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\": 1",
            "{\"a\": 1,}",
            "{\"a\": 1} x",
            "{a: 1}",
            "{\"a\": 01}",
            "{\"a\": 1.}",
            "{\"a\": \"\n\"}",
            "{\"a\": \"\\x\"}",
            "{\"a\": \"\\u12\"}",
            "{\"a\": nul}",
            "[1}",
            "{\"a\" 1}",
            "-",
            "{\"a\": .5}",
            "{'a': 1}",
            &deep,
        ];
        for text in broken {
            assert_eq!(scalar_at(text, "a"), Err(NoJson), "{text}");
        }
    }

    #[test]
    fn members_come_in_order_as_they_are_spelled() {
        let members = |json| {
            let mut found = Vec::new();
            each_member(json, |key, value| found.push(format!("{key}={value}"))).map(|()| found)
        };
        let spelled = members(" {\"a\" : 1.50, \"b\\u0063\":[1, {}] ,\"a\":null}\r").expect("an object");
        assert_eq!(spelled, ["a=1.50", "bc=[1, {}]", "a=null"]);
        assert_eq!(members("\u{feff}{ }"), Ok(Vec::new()));
        for other in ["1", "[{\"a\": 1}]", "null", "\"a\""] {
            assert_eq!(members(other), Err(NoObject::Other), "{other}");
        }
        for broken in ["", "{", "{\"a\": 1,}", "{,}", "{\"a\": 1} x", "{\"a\" 1}", "{a: 1}", "{\"a\": 1]", "1 2"] {
            assert_eq!(members(broken), Err(NoObject::NoJson), "{broken}");
        }
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(129), "]".repeat(129));
        assert_eq!(members(&deep), Err(NoObject::TooDeep));
        assert_eq!(elements("[1, \"a,\" ,[2]]"), ["1", "\"a,\"", "[2]"]);
        assert!(elements("[]").is_empty() && elements("{}").is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn no_text_is_too_much(text in r#"[\[\]{}:,"0-9a-fu\\ .eE+\-tnNIé😀]{0,24}"#, path in "[a-f.]{0,4}") {
            let ours = scalar_at(&text, &path);
            let mut keys = Vec::new();
            let members = each_member(&text, |key, _| keys.push(key.into_owned()));
            // serde's numbers lose digits, and it knows neither NaN nor infinities.
            if let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) {
                prop_assert_eq!(members.is_ok(), json.is_object());
                prop_assert!(keys.iter().all(|key| json.get(key).is_some()));
                let theirs = json.get(&path).filter(|value| value.is_string() || value.is_boolean());
                if let Some(theirs) = theirs {
                    let theirs = theirs.as_str().map_or_else(|| theirs.to_string(), str::to_string);
                    prop_assert_eq!(ours, Ok(Some(Cow::Owned(theirs))));
                } else {
                    prop_assert!(ours.is_ok());
                }
            }
        }
    }
}
