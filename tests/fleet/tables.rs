//! The tables that `src/reports/fleet` publishes, made of the JSON Schema: the columns of a socket as SQL has them.

use serde_json::Value;

/// A dialect of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    DuckDb,
    ClickHouse,
}

/// Every field of a socket with its type, after the host and the time.
fn columns(schema: &Value, dialect: Dialect) -> Vec<(String, String)> {
    let (host, time) = match dialect {
        Dialect::DuckDb => ("VARCHAR", "TIMESTAMP"),
        Dialect::ClickHouse => ("LowCardinality(String)", "DateTime('UTC')"),
    };
    let ends = [("host".to_owned(), host.to_owned()), ("time".to_owned(), time.to_owned())];
    ends.into_iter().chain(fields(schema, &schema["$defs"]["socket"], dialect)).collect()
}

/// The file that makes the table and fills it.
pub fn file(schema: &Value, dialect: Dialect) -> String {
    let quote = if dialect == Dialect::DuckDb { '"' } else { '`' };
    let columns = columns(schema, dialect);
    let list = |form: &dyn Fn(&str, &str) -> String| {
        columns.iter().map(|(name, kind)| form(name, kind)).collect::<Vec<_>>().join(",\n    ")
    };
    let definitions = list(&|name, kind| format!("{quote}{name}{quote} {kind}"));
    match dialect {
        Dialect::DuckDb => {
            let read = list(&|name, kind| format!("\"{name}\": '{kind}'"));
            format!(
                "-- The sockets of many hosts in DuckDB: tests/fleet makes this file of 'rnetstat --schema'.\n\
                 CREATE TABLE IF NOT EXISTS sockets (\n    {definitions}\n);\n\n\
                 -- The sockets in files of NDJSON, of which each is one moment of one host: INSERT INTO sockets BY NAME FROM rnetstat('*.ndjson')\n\
                 CREATE OR REPLACE MACRO rnetstat(files) AS TABLE\n\
                 WITH lines AS (FROM read_ndjson(files, filename = true, columns = {{\n    \"type\": 'VARCHAR',\n    {read}\n}}))\n\
                 SELECT head.host, head.time, line.* EXCLUDE (host, time, type, filename)\n\
                 FROM lines AS line JOIN lines AS head ON line.filename = head.filename AND head.type = 'snapshot'\n\
                 WHERE line.type = 'socket';\n"
            )
        }
        Dialect::ClickHouse => {
            let read = list(&|name, kind| format!("`{name}` {}", kind.replace('\'', "\\'")));
            format!(
                "-- The sockets of many hosts in ClickHouse: tests/fleet makes this file of 'rnetstat --schema'.\n\
                 CREATE TABLE IF NOT EXISTS sockets (\n    {definitions}\n) ENGINE = MergeTree ORDER BY (host, time);\n\n\
                 -- Fills it with files of NDJSON, of which each is one moment of one host.\n\
                 INSERT INTO sockets\n\
                 WITH lines AS (SELECT *, _path AS path FROM file('*.ndjson', JSONEachRow, '\n    `type` String,\n    {read}\n'))\n\
                 SELECT head.host, head.time, line.* EXCEPT (host, time, type, path)\n\
                 FROM lines AS line INNER JOIN lines AS head ON line.path = head.path\n\
                 WHERE line.type = 'socket' AND head.type = 'snapshot'\n\
                 SETTINGS date_time_input_format = 'best_effort', input_format_skip_unknown_fields = 1, input_format_null_as_default = 1;\n"
            )
        }
    }
}

/// The fields of an object with their types.
fn fields(schema: &Value, object: &Value, dialect: Dialect) -> Vec<(String, String)> {
    let properties = object["properties"].as_object().unwrap();
    properties.iter().map(|(name, field)| (name.clone(), kind(schema, field, dialect))).collect()
}

/// The type of a field. Each may be absent or null.
fn kind(schema: &Value, field: &Value, dialect: Dialect) -> String {
    if let Some(reference) = field["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        if name == "time" {
            return scalar(dialect, "TIMESTAMP", "DateTime('UTC')");
        }
        return kind(schema, &schema["$defs"][name], dialect);
    }
    let either = field["anyOf"].as_array().and_then(|either| either.iter().find(|one| one["$ref"].is_string()));
    if let Some(one) = either {
        return kind(schema, one, dialect);
    }
    let of_type = |word: &str| {
        field["type"] == word || field["type"].as_array().is_some_and(|words| words.iter().any(|other| other == word))
    };
    if of_type("object") {
        let members = fields(schema, field, dialect);
        let quoted = |(name, kind): &(String, String)| match dialect {
            Dialect::DuckDb => format!("\"{name}\" {kind}"),
            Dialect::ClickHouse => format!("`{name}` {kind}"),
        };
        let members = members.iter().map(quoted).collect::<Vec<_>>().join(", ");
        match dialect {
            Dialect::DuckDb => format!("STRUCT({members})"),
            Dialect::ClickHouse => format!("Tuple({members})"),
        }
    } else if of_type("array") {
        let item = kind(schema, &field["items"], dialect);
        match dialect {
            Dialect::DuckDb => format!("{item}[]"),
            Dialect::ClickHouse => format!("Array({item})"),
        }
    } else if of_type("integer") {
        scalar(dialect, "BIGINT", "Int64")
    } else if of_type("boolean") {
        scalar(dialect, "BOOLEAN", "Bool")
    } else {
        assert!(of_type("string") || field["enum"].is_array(), "a field of an unknown type: {field}");
        scalar(dialect, "VARCHAR", "String")
    }
}

fn scalar(dialect: Dialect, duckdb: &str, clickhouse: &str) -> String {
    match dialect {
        Dialect::DuckDb => duckdb.to_owned(),
        Dialect::ClickHouse => format!("Nullable({clickhouse})"),
    }
}
