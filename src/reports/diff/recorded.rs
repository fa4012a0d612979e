//! A document that an earlier run wrote, read back as far as it is compared.
//!
//! The document is untrusted: it may be cut, of another program, or made to harm. Its size is bounded by the reader that it comes
//! from, the number of its rows here, and what it says is escaped when it is printed.

use crate::model::owners::OwnerStatus;
use crate::model::socket::{Endpoint, Protocol, Socket, State, Table, TableSet};
use crate::moment::changes::Owner;
use crate::output::escape::escape;
use crate::reports::document::SCHEMA_VERSION;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

/// More sockets than this are refused.
pub const MOST_SOCKETS: usize = 1 << 21;

/// One socket has no more owners than this.
const MOST_OWNERS: usize = 1 << 16;

/// One document.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What it is called in messages: the name of its file.
    pub name: String,
    /// What it says about itself.
    pub head: Head,
    /// Its sockets.
    pub sockets: Vec<RecordedSocket>,
}

/// What a document says about itself.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Head {
    /// The name of the machine.
    pub host: Option<String>,
    /// When it was made.
    pub time: Option<String>,
    /// The operating system.
    #[serde(default)]
    pub os: OperatingSystem,
    /// What could not be read.
    #[serde(default)]
    pub problems: Vec<RecordedProblem>,
    /// Whether every owner was found.
    #[serde(skip_serializing)]
    pub owners_complete: Option<bool>,
    /// Which sockets it lists.
    #[serde(skip_serializing)]
    pub selection: Option<Selection>,
    #[serde(skip_serializing)]
    r#type: Option<String>,
    #[serde(skip_serializing)]
    schema_version: Option<u32>,
    #[serde(skip_serializing)]
    program: Option<String>,
    #[serde(default, skip_serializing)]
    namespaces: Vec<RecordedNamespace>,
    #[serde(skip_serializing)]
    sockets: Option<Bounded<Row, MOST_SOCKETS>>,
}

/// The operating system of a document.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct OperatingSystem {
    name: Option<String>,
    version: Option<String>,
    kernel: Option<String>,
}

/// A problem of a document.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RecordedProblem {
    /// Its code.
    pub code: String,
    /// Its sentence.
    pub message: String,
    /// The tables that rows may be missing from; all of them if it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<String>>,
}

impl RecordedProblem {
    /// The tables that rows may be missing from. One that names a table that is not known may be about any.
    pub fn table_set(&self) -> TableSet {
        let named = |word: &String| Table::ALL.into_iter().find(|table| table.to_string() == *word);
        self.tables
            .iter()
            .flatten()
            .map(named)
            .collect::<Option<TableSet>>()
            .filter(|tables| !tables.is_empty())
            .unwrap_or(TableSet::ALL)
    }
}

/// Which sockets a document lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Selection {
    /// The tables.
    pub tables: Vec<String>,
    /// The TCP states.
    pub states: Vec<String>,
    /// The UDP sockets: all, listening or connected.
    pub udp: String,
    /// The network namespaces: own, all or matching.
    pub namespaces: String,
    /// The filters, as switches.
    pub filters: Vec<String>,
    /// How many sockets there are.
    pub sockets: usize,
}

#[derive(Clone, Debug, Deserialize)]
struct RecordedNamespace {
    inode: Option<u32>,
    own: bool,
    name: Option<String>,
}

/// A socket of a document.
#[derive(Clone, Debug)]
pub struct RecordedSocket {
    /// Its protocol, ends, state, inode and queues.
    pub socket: Socket,
    /// The interface that it is bound to.
    pub device: Option<Arc<str>>,
    /// The name of its network namespace, or its inode; `None` for the own one.
    pub namespace: Option<Arc<str>>,
    /// The processes that own it.
    pub owners: Arc<[Owner]>,
    /// What is known of them; unsupported if they were not asked for.
    pub owner_status: OwnerStatus,
}

/// Why a document cannot be compared: a sentence that is safe to print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    /// A sentence; what it quotes comes from outside.
    pub(super) fn new(sentence: impl AsRef<str>) -> Self {
        Self(escape(sentence.as_ref()).into_owned())
    }
}

impl Recorded {
    /// Reads a document, JSON or NDJSON.
    pub fn read(name: &str, text: impl Read) -> Result<Self, Refused> {
        let refused = |reason: &str| Refused::new(format!("{name} {reason}"));
        let invalid = |error: serde_json::Error| match error.classify() {
            serde_json::error::Category::Eof => refused("is cut: it ends in the middle"),
            serde_json::error::Category::Io => refused(&format!("cannot be read: {error}")),
            serde_json::error::Category::Syntax | serde_json::error::Category::Data => {
                refused(&format!("is no document of 'rnetstat --json': {error}"))
            }
        };
        let mut json = serde_json::Deserializer::from_reader(text);
        let mut head = Head::deserialize(&mut json).map_err(invalid)?;
        match (head.program.as_deref(), head.schema_version) {
            (Some("rnetstat"), Some(SCHEMA_VERSION)) => {}
            (Some("rnetstat"), Some(version)) => {
                return Err(refused(&format!("has schema version {version}; this program compares version {SCHEMA_VERSION}")));
            }
            _ if head.r#type.is_some() => return Err(refused("has no head: it was made with --no-header")),
            _ => return Err(refused("is no document of 'rnetstat --json'")),
        }
        let mut rows = Vec::new();
        if head.r#type.is_some() {
            while json.end().is_err() {
                let row = Row::deserialize(&mut json).map_err(invalid)?;
                match row.r#type.as_deref() {
                    Some("socket") => rows.push(row),
                    Some("snapshot") => return Err(refused("has more than one snapshot: keep one")),
                    _ => {}
                }
                if rows.len() > MOST_SOCKETS {
                    return Err(refused("has too many sockets"));
                }
            }
        } else {
            json.end().map_err(|_| refused("has something behind its document"))?;
            rows = head.sockets.take().ok_or_else(|| refused("lists no sockets"))?.0;
        }
        let expected = head.selection.as_ref().ok_or_else(|| refused("does not say which sockets it lists"))?.sockets;
        if rows.len() != expected {
            return Err(refused(&format!("is cut: it has {} of {expected} sockets", rows.len())));
        }
        let names: HashMap<u32, Option<Arc<str>>> = head.namespaces.iter().filter_map(RecordedNamespace::label).collect();
        let sockets = rows.into_iter().map(|row| row.socket(&names)).collect::<Result<_, _>>();
        let sockets = sockets.map_err(|reason| refused(&format!("cannot be compared: {reason}")))?;
        Ok(Self { name: name.to_owned(), head, sockets })
    }
}

impl RecordedNamespace {
    /// Its inode, and what it is called in both documents; `None` for the own one.
    fn label(&self) -> Option<(u32, Option<Arc<str>>)> {
        let inode = self.inode?;
        Some((inode, (!self.own).then(|| self.name.clone().unwrap_or_else(|| inode.to_string()).into())))
    }
}

/// A socket as it is written.
#[derive(Clone, Debug, Deserialize)]
struct Row {
    r#type: Option<String>,
    protocol: Option<String>,
    local: Option<End>,
    // Absent is not asked for, null is no peer.
    #[serde(default, deserialize_with = "present")]
    remote: Option<Option<End>>,
    #[serde(default, deserialize_with = "present")]
    state: Option<Option<String>>,
    interface: Option<Interface>,
    send_queue: Option<u32>,
    inode: Option<u32>,
    namespace: Option<u32>,
    owner_status: Option<String>,
    owners: Option<Bounded<Owner, MOST_OWNERS>>,
}

#[derive(Clone, Debug, Deserialize)]
struct End {
    address: Option<IpAddr>,
    port: Option<u16>,
    scope: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Interface {
    index: u32,
    name: Option<String>,
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Row {
    fn socket(self, namespaces: &HashMap<u32, Option<Arc<str>>>) -> Result<RecordedSocket, String> {
        let absent = || "its rows lack the protocol, the state or an address, which --columns left out".to_owned();
        let endpoint = |end: &End| Some(Endpoint::new(end.address?, end.port?));
        let protocol = match self.protocol.as_deref() {
            Some("tcp") => Protocol::Tcp,
            Some("udp") => Protocol::Udp,
            Some(other) => return Err(format!("there is no protocol '{other}'")),
            None => return Err(absent()),
        };
        let local = self.local.as_ref().ok_or_else(absent)?;
        let mut socket = Socket::new(protocol, endpoint(local).ok_or_else(absent)?);
        if let Some(remote) = self.remote.as_ref().ok_or_else(absent)? {
            socket.remote = endpoint(remote).ok_or_else(absent)?;
        }
        socket.state = match (protocol, self.state.ok_or_else(absent)?) {
            (Protocol::Tcp, Some(word)) => {
                let state = State::ALL.into_iter().find(|state| state.word() == word);
                Some(state.ok_or_else(|| format!("there is no state '{word}'"))?)
            }
            (Protocol::Tcp, None) => return Err("a TCP socket has no state".to_owned()),
            (Protocol::Udp, _) => None,
        };
        socket.interface = self.interface.as_ref().map_or(local.scope.unwrap_or(0), |interface| interface.index);
        socket.inode = self.inode.unwrap_or(0);
        socket.send_queue = self.send_queue.unwrap_or(0);
        let device = self.interface.map(|interface| interface.name.unwrap_or_else(|| interface.index.to_string()).into());
        let namespace =
            self.namespace.and_then(|inode| namespaces.get(&inode).cloned().unwrap_or_else(|| Some(inode.to_string().into())));
        let mut owners = self.owners.map_or_else(Vec::new, |owners| owners.0);
        owners.sort_unstable();
        owners.dedup();
        let status = |word: &String| OwnerStatus::ALL.into_iter().find(|status| status.word() == word);
        let owner_status = self.owner_status.as_ref().and_then(status).unwrap_or(OwnerStatus::Unsupported);
        Ok(RecordedSocket { socket, device, namespace, owners: owners.into(), owner_status })
    }
}

/// A list of no more than so many elements.
#[derive(Clone, Debug)]
struct Bounded<T, const MOST: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Bounded<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Elements<T, MOST> {
            type Value = Bounded<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MOST} elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = elements.next_element()? {
                    if list.len() == MOST {
                        return Err(A::Error::custom(format!("a list has more than {MOST} elements")));
                    }
                    list.push(element);
                }
                Ok(Bounded(list))
            }
        }
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}
