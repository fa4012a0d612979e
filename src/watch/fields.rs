//! A JSON text as lines of names and values, in its order.

use super::styled::StyledLine;
use crate::output::escape::escape;
use crate::reports::paint::Paint;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value whose fields have an order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Json {
    Scalar(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// The lines of a JSON text: `local.port  443`, `owners[0].pid  900`. A list of scalars is one line.
pub fn lines(json: &str) -> serde_json::Result<Vec<StyledLine>> {
    let mut fields = Vec::new();
    flatten(String::new(), serde_json::from_str(json)?, &mut fields);
    let cells = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): (String, String)| {
        let mut line = StyledLine::painted(format!("  {name:<cells$}  "), Paint::Dim);
        line.push(escape(&value).into_owned(), None);
        line
    };
    Ok(fields.into_iter().map(line).collect())
}

fn flatten(name: String, json: Json, fields: &mut Vec<(String, String)>) {
    match json {
        Json::Scalar(value) => fields.push((name, value)),
        Json::List(items) if items.iter().all(|item| matches!(item, Json::Scalar(_))) => {
            let items = items.into_iter().filter_map(|item| if let Json::Scalar(text) = item { Some(text) } else { None });
            fields.push((name, items.collect::<Vec<_>>().join(" ")));
        }
        Json::List(items) => {
            items.into_iter().enumerate().for_each(|(place, item)| flatten(format!("{name}[{place}]"), item, fields));
        }
        Json::Object(object) => {
            let dot = if name.is_empty() { "" } else { "." };
            object.into_iter().for_each(|(field, value)| flatten(format!("{name}{dot}{field}"), value, fields));
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Scalar("-".to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Scalar(if value { "yes" } else { "no" }.to_owned()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_nothing_commands_the_terminal() {
        let json = r#"{"b":{"y":1,"x":null},"a":[1,2],"o":[{"name":"\u001b[2J"},{"name":"z","is":true}],"none":[]}"#;
        let text: Vec<String> = lines(json).unwrap().iter().map(StyledLine::text).collect();
        let expected = [
            "  b.y        1",
            "  b.x        -",
            "  a          1 2",
            "  o[0].name  \\u{1b}[2J",
            "  o[1].name  z",
            "  o[1].is    yes",
            "  none       ",
        ];
        assert_eq!(text, expected);
        assert!(lines("{").is_err());
    }
}
