//! Conditions on the values of columns (`--where 'rtt>50ms'`).
//!
//! A row without a value in the column does not match, whatever the operator. If the value could not be read, the answer is
//! unknown.

use crate::lookup::state_times::TimeInState;
use crate::model::answer::Answer;
use crate::model::socket::Endpoint;
use crate::model::tcp_info::{TcpField, TcpInfoTable};
use crate::model::time::rfc3339;
use crate::moment::row::Row;
use crate::moment::value::Value;
use crate::request::column::{Column, ValueKind};
use crate::request::unit::{Quantity, Unit};
use std::cmp::Ordering;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A condition on the value that a row has in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The column.
    pub column: Column,
    operator: Operator,
    literal: Literal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

impl Operator {
    /// Those of two characters before their first ones.
    const ALL: [(Self, &'static str); 6] = [
        (Self::LessOrEqual, "<="),
        (Self::GreaterOrEqual, ">="),
        (Self::NotEqual, "!="),
        (Self::Less, "<"),
        (Self::Greater, ">"),
        (Self::Equal, "="),
    ];

    const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Greater => ordering.is_gt(),
        }
    }
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Literal {
    /// A number in the unit of the column.
    Number(Decimal),
    /// A fixed word by its place.
    Place(u8),
    /// Text in small letters.
    Text(String),
    Address(IpAddr),
    Endpoint(SocketAddr),
}

/// A decimal number: `digits` divided by `scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    digits: u128,
    scale: u128,
}

impl Decimal {
    /// The longest number that is taken: with it, no product overflows.
    const LONGEST: usize = 20;

    /// `1`, `1.5`, `.5`; `None` for anything else.
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
        let digits = [whole, fraction].concat();
        if !is_number || digits.len() > Self::LONGEST || text.ends_with('.') {
            return None;
        }
        Some(Self { digits: digits.parse().ok()?, scale: 10u128.pow(u32::try_from(fraction.len()).ok()?) })
    }

    fn times(self, factor: u64) -> Option<Self> {
        Some(Self { digits: self.digits.checked_mul(factor.into())?, ..self })
    }

    fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// A number, compared with this one.
    fn compare(self, number: u64) -> Ordering {
        match u128::from(number).checked_mul(self.scale) {
            Some(number) => number.cmp(&self.digits),
            None => Ordering::Greater,
        }
    }
}

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// It has no operator.
    #[error("it has no operator; it takes a column, one of > >= < <= = != and a value, as in rtt>50ms")]
    NoOperator,
    /// There is no such column.
    #[error("unknown column '{0}'")]
    UnknownColumn(String),
    /// The column has no order.
    #[error("the column {0} cannot be compared")]
    NotComparable(&'static str),
    /// The value is no number.
    #[error("{column} is a number, and '{value}' is none")]
    NotANumber {
        /// The name of the column.
        column: &'static str,
        /// What was given.
        value: String,
    },
    /// The unit is not one of the column's.
    #[error("unknown unit '{unit}' for {column}: it takes {known}")]
    UnknownUnit {
        /// The name of the column.
        column: &'static str,
        /// What was given.
        unit: String,
        /// What it takes.
        known: String,
    },
    /// A time without a unit.
    #[error("{column} is a time: '{value}' needs a unit, {known}")]
    NoUnit {
        /// The name of the column.
        column: &'static str,
        /// What was given.
        value: String,
        /// What it takes.
        known: String,
    },
    /// The value is none that the column can have.
    #[error("{column} cannot be '{value}': it takes {known}")]
    UnknownValue {
        /// The name of the column.
        column: &'static str,
        /// What was given.
        value: String,
        /// What it takes.
        known: String,
    },
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let at = text.find(['<', '>', '=', '!']).ok_or(ConditionError::NoOperator)?;
        let (name, rest) = text.split_at(at);
        let found = Operator::ALL.into_iter().find_map(|(operator, word)| Some((operator, rest.strip_prefix(word)?)));
        let (operator, value) = found.ok_or(ConditionError::NoOperator)?;
        let column = Column::parse(name.trim()).ok_or_else(|| ConditionError::UnknownColumn(name.trim().to_owned()))?;
        if !column.definition().is_sortable {
            return Err(ConditionError::NotComparable(column.name()));
        }
        Ok(Self { column, operator, literal: Literal::parse(column, value.trim())? })
    }
}

impl Literal {
    fn parse(column: Column, value: &str) -> Result<Self, ConditionError> {
        let unknown = |known: String| ConditionError::UnknownValue { column: column.name(), value: value.to_owned(), known };
        match column.definition().kind {
            ValueKind::Number(unit) => number(column.name(), value, unit).map(Self::Number),
            ValueKind::Words(words) => {
                // TIME-WAIT and time_wait are the same.
                let word = value.replace('-', "_");
                let place = words.iter().find(|(_, known)| known.eq_ignore_ascii_case(&word)).map(|(place, _)| *place);
                place.map(Self::Place).ok_or_else(|| unknown(listed(words.iter().map(|(_, word)| *word))))
            }
            ValueKind::Text if value.is_empty() => Err(unknown("text".to_owned())),
            ValueKind::Text => Ok(Self::Text(value.to_lowercase())),
            ValueKind::Address => value.parse().map(Self::Address).map_err(|_| unknown("an address, as 192.0.2.1 or ::1".into())),
            ValueKind::Endpoint => {
                let known = || unknown("an address with a port, as 192.0.2.1:443 or [::1]:443".into());
                value.parse().map(Self::Endpoint).map_err(|_| known())
            }
        }
    }
}

/// A number with its unit, in the unit of the column.
fn number(column: &'static str, value: &str, unit: Unit) -> Result<Decimal, ConditionError> {
    let end = value.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(value.len());
    let (digits, word) = value.split_at(end);
    let (digits, word) = (digits.trim(), word.trim());
    let not_a_number = || ConditionError::NotANumber { column, value: value.to_owned() };
    let decimal = Decimal::parse(digits).ok_or_else(not_a_number)?;
    let known = || match unit.words() {
        [] => "a number alone".to_owned(),
        words => listed(words.iter().map(|(_, word)| *word)),
    };
    if word.is_empty() {
        let is_clear = unit.is_understood() || decimal.is_zero();
        return if is_clear { Ok(decimal) } else { Err(ConditionError::NoUnit { column, value: value.into(), known: known() }) };
    }
    let ascii = if word == "µs" || word == "μs" { "us" } else { word };
    match unit.words().iter().find(|(_, known)| known.eq_ignore_ascii_case(ascii)) {
        Some((factor, _)) => decimal.times(*factor).ok_or_else(not_a_number),
        None => Err(ConditionError::UnknownUnit { column, unit: word.to_owned(), known: known() }),
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

impl Condition {
    /// The condition on the user id that a condition on the name of a socket's user is; `None` for any other condition. As with `--sort`, users are compared by their ids if sockets have them.
    ///
    /// # Errors
    /// If the user has no number, with the reason.
    pub fn by_user_id<E>(&self, id_of: impl FnOnce(&str) -> Result<u32, E>) -> Result<Option<Self>, E> {
        match &self.literal {
            Literal::Text(name) if self.column == Column::User => {
                let id = name.parse().or_else(|_| id_of(name))?;
                let literal = Literal::Number(Decimal { digits: id.into(), scale: 1 });
                Ok(Some(Self { column: Column::Uid, operator: self.operator, literal }))
            }
            Literal::Text(_) | Literal::Number(_) | Literal::Place(_) | Literal::Address(_) | Literal::Endpoint(_) => Ok(None),
        }
    }

    /// Whether the condition holds for a row.
    pub fn decide(&self, row: Row<'_>) -> Answer {
        match row.value(self.column) {
            Value::Null if row.is_unread(self.column) => Answer::Unknown,
            value => self.decide_value(&value),
        }
    }

    /// The number that the kernel keeps for a connection, if the condition is on one.
    pub fn kernel_number(&self) -> Option<TcpField> {
        let Column::Tcp(field) = self.column else { return None };
        let is_number = matches!(self.column.definition().kind, ValueKind::Number(_)) && field != TcpField::AppLimited;
        is_number.then_some(field)
    }

    /// Whether the condition, which is on this number of the kernel's, is known not to hold for a row.
    pub fn is_refuted(&self, field: TcpField, tcp_info: &TcpInfoTable, row: usize) -> bool {
        let is_known = !tcp_info.is_unread(row) && !tcp_info.missing().contains(field);
        is_known && tcp_info.get(row, field).is_none_or(|number| !self.compare_number(number))
    }

    fn decide_value(&self, value: &Value<'_>) -> Answer {
        match value {
            Value::Null | Value::Processes(_) => Answer::No,
            Value::Number(number) | Value::Quantity(Quantity(number, _)) => self.compare_number(*number).into(),
            Value::Flag(flag) => self.compare_place(u8::from(*flag)).into(),
            Value::Ranked(place, _) => self.compare_place(*place).into(),
            Value::Word(word) => self.compare_text(word).into(),
            Value::Text(text) => self.compare_text(text).into(),
            Value::Address(address, _) => match self.literal {
                Literal::Address(literal) => self.operator.holds(address.cmp(&literal)).into(),
                Literal::Number(_) | Literal::Place(_) | Literal::Text(_) | Literal::Endpoint(_) => Answer::No,
            },
            Value::Endpoint(end, _) | Value::NamedEndpoint(_, end) => self.compare_endpoint(end).into(),
            Value::Elapsed(TimeInState::Exactly(time)) => self.compare_number(milliseconds(*time)).into(),
            Value::Elapsed(TimeInState::AtLeast(time)) => self.decide_least(milliseconds(*time)),
            Value::Numbers(numbers) => self.any(numbers, |condition, number| condition.compare_number(*number)),
            Value::Texts(texts) | Value::Names(texts) => self.any(texts, |condition, text| condition.compare_text(text)),
            Value::Times(times) => {
                self.any(times, |condition, time| rfc3339(*time).is_some_and(|text| condition.compare_text(&text)))
            }
        }
    }

    /// Of several values one is enough; none of them may be what the value must not be.
    fn any<T>(&self, values: &[T], holds: impl Fn(&Self, &T) -> bool) -> Answer {
        match self.operator {
            Operator::NotEqual => values.iter().all(|value| holds(self, value)).into(),
            Operator::Less | Operator::LessOrEqual | Operator::Equal | Operator::GreaterOrEqual | Operator::Greater => {
                values.iter().any(|value| holds(self, value)).into()
            }
        }
    }

    fn compare_number(&self, number: u64) -> bool {
        matches!(self.literal, Literal::Number(literal) if self.operator.holds(literal.compare(number)))
    }

    fn compare_place(&self, place: u8) -> bool {
        matches!(self.literal, Literal::Place(literal) if self.operator.holds(place.cmp(&literal)))
    }

    fn compare_text(&self, text: &str) -> bool {
        matches!(&self.literal, Literal::Text(literal) if self.operator.holds(text.to_lowercase().as_str().cmp(literal)))
    }

    fn compare_endpoint(&self, end: &Endpoint) -> bool {
        let Literal::Endpoint(literal) = self.literal else { return false };
        self.operator.holds((end.address, end.port).cmp(&(literal.ip().to_canonical(), literal.port())))
    }

    /// Decides about a number that may be greater than the one that is known.
    fn decide_least(&self, least: u64) -> Answer {
        let Literal::Number(literal) = self.literal else { return Answer::No };
        match (self.operator, literal.compare(least)) {
            (Operator::Greater, Ordering::Greater) => Answer::Yes,
            (Operator::GreaterOrEqual, Ordering::Greater | Ordering::Equal) => Answer::Yes,
            (Operator::NotEqual, Ordering::Greater) => Answer::Yes,
            (Operator::Equal | Operator::LessOrEqual, Ordering::Greater) => Answer::No,
            (Operator::Less, Ordering::Greater | Ordering::Equal) => Answer::No,
            (
                Operator::Less
                | Operator::LessOrEqual
                | Operator::Equal
                | Operator::NotEqual
                | Operator::GreaterOrEqual
                | Operator::Greater,
                Ordering::Less | Ordering::Equal,
            ) => Answer::Unknown,
        }
    }
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tcp_info::TcpFields;
    use proptest::prelude::*;
    use std::time::Duration;

    fn condition(text: &str) -> Condition {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn rtt(number: u64) -> Value<'static> {
        Value::Quantity(Quantity(number, Unit::Microseconds))
    }

    fn holds(text: &str, value: &Value<'_>) -> bool {
        condition(text).decide_value(value) == Answer::Yes
    }

    #[test]
    fn numbers_have_the_units_of_their_column() {
        assert!(holds("rtt>50ms", &rtt(50_001)) && !holds("rtt>50ms", &rtt(50_000)) && holds("rtt>=50ms", &rtt(50_000)));
        assert!(holds(" RTT <= 1.5 ms ", &rtt(1500)) && !holds("rtt<1.5ms", &rtt(1500)) && holds("rtt!=.5us", &rtt(0)));
        assert!(holds("min-rtt=0", &rtt(0)) && holds("rtt>49.9995ms", &rtt(50_000)));
        let bytes = |number| Value::Quantity(Quantity(number, Unit::Bytes));
        assert!(holds("bytes_sent>=1MiB", &bytes(1 << 20)) && holds("bytes_sent=1048576", &bytes(1 << 20)));
        assert!(holds("delivery_rate>1KiB/s", &bytes(1025)) && holds("local_port=443", &Value::Number(443)));
        assert!(holds("receive_queue>0", &Value::Number(1)));
    }

    #[test]
    fn text_words_and_addresses_are_compared_as_what_they_are() {
        assert!(holds("process=NGINX", &Value::Names(vec!["other".into(), "nginx".into()])));
        assert!(!holds("process!=nginx", &Value::Names(vec!["other".into(), "nginx".into()])));
        assert!(holds("pid>100", &Value::Numbers(vec![7, 101])) && !holds("pid=100", &Value::Numbers(vec![7, 101])));
        assert!(holds("state=time-wait", &Value::Ranked(crate::model::socket::State::TimeWait as u8, "TIME_WAIT")));
        assert!(holds("app_limited=yes", &Value::Flag(true)) && holds("protocol!=udp", &Value::Ranked(0, "tcp")));
        assert!(holds("local_address>10.0.0.9", &Value::Address("10.0.0.10".parse().unwrap(), 0)));
        let end = Endpoint::new("10.0.0.10".parse().unwrap(), 443);
        assert!(holds("local=10.0.0.10:443", &Value::Endpoint(end, 0)) && holds("local<10.0.0.10:444", &Value::Endpoint(end, 0)));
        assert!(holds("started>2026-11", &Value::Times(vec![1_795_449_600])));
        assert!(holds("congestion=cubic", &Value::Text("cubic".into())));
    }

    #[test]
    fn a_user_is_compared_by_its_id() {
        let id_of = |name: &str| (name == "root").then_some(0).ok_or(());
        assert_eq!(condition("user!=root").by_user_id(id_of), Ok(Some(condition("uid!=0"))));
        assert_eq!(condition("user=33").by_user_id(id_of), Ok(Some(condition("uid=33"))));
        assert_eq!(condition("user=ghost").by_user_id(id_of), Err(()));
        assert_eq!(condition("process=root").by_user_id(id_of), Ok(None));
    }

    #[test]
    fn what_is_known_of_a_row_refutes_a_condition_before_it_is_kept() {
        let fields = TcpFields::of(&[TcpField::Rtt]);
        let mut tcp_info = TcpInfoTable::new(fields);
        tcp_info.push().set(TcpField::Rtt, 50_000);
        tcp_info.push();
        tcp_info.resize_unread(3);
        let refuted = |text: &str| [0, 1, 2].map(|row| condition(text).is_refuted(TcpField::Rtt, &tcp_info, row));
        assert_eq!(condition("rtt>50ms").kernel_number(), Some(TcpField::Rtt));
        assert_eq!(refuted("rtt>50ms"), [true, true, false]);
        assert_eq!(refuted("rtt>=50ms"), [false, true, false]);
        assert_eq!(condition("process=nginx").kernel_number(), None);
        let mut older = TcpInfoTable::new(fields);
        older.push().set_missing(TcpField::Rtt);
        assert!(!condition("rtt>50ms").is_refuted(TcpField::Rtt, &older, 0), "the kernel does not have it");
    }

    #[test]
    fn a_row_without_a_value_matches_nothing() {
        for text in ["rtt>0", "rtt<1h", "rtt!=5us", "rtt=0", "process!=x"] {
            assert!(!holds(text, &Value::Null), "{text}");
        }
    }

    #[test]
    fn a_time_that_may_be_longer_decides_what_it_can() {
        let at_least = |text: &str, seconds| {
            condition(text).decide_value(&Value::Elapsed(TimeInState::AtLeast(Duration::from_secs(seconds))))
        };
        assert_eq!([at_least("time_in_state>5s", 6), at_least("time_in_state>5s", 5)], [Answer::Yes, Answer::Unknown]);
        assert_eq!([at_least("time_in_state<5s", 6), at_least("time_in_state<5s", 4)], [Answer::No, Answer::Unknown]);
        assert_eq!([at_least("time_in_state=5s", 6), at_least("time_in_state!=5s", 6)], [Answer::No, Answer::Yes]);
        let exactly = Value::Elapsed(TimeInState::Exactly(Duration::from_millis(5001)));
        assert_eq!(condition("time_in_state>5s").decide_value(&exactly), Answer::Yes);
    }

    #[test]
    fn each_mistake_is_named() {
        let error = |text: &str| text.parse::<Condition>().unwrap_err().to_string();
        for (text, part) in [
            ("rtt", "no operator"),
            ("rtt!5ms", "no operator"),
            ("", "no operator"),
            ("speed>5", "unknown column 'speed'"),
            (">5", "unknown column ''"),
            ("rtt>50parsecs", "unknown unit 'parsecs' for rtt: it takes us, ms, s, min, h"),
            ("rtt>50KiB", "unknown unit 'KiB'"),
            ("bytes_sent>1MiB/s", "unknown unit 'MiB/s' for bytes_sent: it takes B, KiB"),
            ("cwnd>5ms", "unknown unit 'ms' for cwnd: it takes a number alone"),
            ("rtt>50", "needs a unit"),
            ("rtt>ms", "'ms' is none"),
            ("rtt>1.ms", "is none"),
            ("rtt>-1ms", "is none"),
            ("rtt>123456789012345678901ms", "is none"),
            ("state=OPEN", "state cannot be 'OPEN': it takes"),
            ("local=443", "an address with a port"),
            ("local_address=x", "an address"),
            ("command_line=x", "cannot be compared"),
            ("user=", "it takes text"),
        ] {
            assert!(error(text).contains(part), "{text}: {}", error(text));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_condition_or_an_error(text in any::<String>(), column in 0..Column::ALL.len(), rest in "[<>=!]{0,2}.{0,12}") {
            let _ = text.parse::<Condition>();
            let _ = format!("{}{rest}", Column::ALL[column].name()).parse::<Condition>();
        }

        #[test]
        fn operators_agree_with_the_order_of_numbers(a in any::<u64>(), b in any::<u64>(), near in 0u64..3) {
            for (a, b) in [(a, b), (a, a.saturating_add(near)), (a, a)] {
                let holds = |operator: &str| holds(&format!("bytes_sent{operator}{b}"), &Value::Quantity(Quantity(a, Unit::Bytes)));
                prop_assert_eq!(holds("<"), a < b);
                prop_assert_eq!(holds("<="), a <= b);
                prop_assert_eq!(holds("="), a == b);
                prop_assert_eq!(holds("!="), a != b);
                prop_assert_eq!(holds(">="), a >= b);
                prop_assert_eq!(holds(">"), a > b);
            }
        }

        #[test]
        fn a_number_with_a_unit_is_the_multiple(number in 0u64..1_000_000, tenth in 0u64..10, word in 0usize..5) {
            let (factor, word) = Unit::Microseconds.words()[word];
            // A tenth of a microsecond is less than the kernel counts.
            let tenth = if factor == 1 { 0 } else { tenth };
            let text = format!("rtt={number}.{tenth}{word}");
            prop_assert!(holds(&text, &rtt(number * factor + tenth * factor / 10)), "{}", text);
        }
    }
}
