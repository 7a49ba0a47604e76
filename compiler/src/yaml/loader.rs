//! From tokens to a tree.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::scanner::{Kind, Scanner, Token, refused};
use super::{Content, LoadError, Node, Place, limit};

/// The first document of `text`; `None` if it holds none.
pub fn load(text: &str) -> Result<Option<Node>, LoadError> {
    if text.len() > limit::BYTES {
        return Err(LoadError::Limit {
            what: "document too long",
            limit: limit::BYTES as u64,
            place: Place::default(),
        });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((at, character)) = refused(text) {
        let before = text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let place = Place {
            line: number(before.matches('\n').count() + 1),
            column: number(line.chars().count() + 1),
            length: 1,
        };
        let message = format!(
            "the control character U+{:04X} is not allowed",
            u32::from(character)
        );
        return Err(LoadError::new(place, message));
    }
    Loader {
        scanner: Scanner::new(text),
        prefixes: BTreeMap::new(),
        depth: 0,
        deepest: 0,
        size: 0,
        anchors: BTreeMap::new(),
        named: Vec::new(),
    }
    .document()
}

/// The grammar of tokens, a function a rule. How deep they call each other is limited.
struct Loader<'t> {
    scanner: Scanner<'t>,
    /// What handles of tags stand for, if a directive says so.
    prefixes: BTreeMap<&'t str, Cow<'t, str>>,
    depth: usize,
    /// How deep the node that is read reaches so far, aliases expanded.
    deepest: usize,
    /// Nodes so far, aliases expanded.
    size: u64,
    /// Which node a name stands for: the one that took it last.
    anchors: BTreeMap<&'t str, usize>,
    /// Nodes with an anchor, once they are finished.
    named: Vec<Option<Named>>,
}

/// A node with an anchor.
#[derive(Clone)]
struct Named {
    node: Node,
    /// Nodes in it, aliases expanded.
    size: u64,
    /// Levels below it, aliases expanded.
    height: usize,
}

/// What stands before a node.
#[derive(Default)]
struct Properties {
    place: Option<Place>,
    tag: Option<Arc<str>>,
    anchor: Option<usize>,
}

/// Which nodes are allowed.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    /// Within `[]` and `{}`.
    Flow,
    /// An entry of a list, or the root.
    Block,
    /// Key or value of a mapping: a list may stand as far to the left as the key.
    Entry,
}

impl Loader<'_> {
    /// `directive* ("---" node? | node)`, to its end.
    fn document(mut self) -> Result<Option<Node>, LoadError> {
        let explicit = self.directives()?;
        let root = match self.scanner.peek()?.kind {
            Kind::End if !explicit => return Ok(None),
            Kind::Version | Kind::Prefix { .. } | Kind::DocumentStart | Kind::DocumentEnd | Kind::End
                if explicit =>
            {
                self.empty()?
            }
            _ => self.node(Context::Block)?,
        };
        let after = self.scanner.peek()?;
        match after.kind {
            Kind::DocumentEnd | Kind::DocumentStart | Kind::End => Ok(Some(root)),
            _ => Err(LoadError::new(after.place, "the document has ended before this")),
        }
    }

    /// True if the document begins with a sign.
    fn directives(&mut self) -> Result<bool, LoadError> {
        let mut version = false;
        let mut any = false;
        loop {
            let token = self.scanner.peek()?;
            let place = token.place;
            match token.kind {
                Kind::Version if version => {
                    return Err(LoadError::new(place, "there may be only one `%YAML` line"));
                }
                Kind::Version => version = true,
                Kind::Prefix { .. } => {}
                Kind::DocumentStart => {
                    self.scanner.next()?;
                    return Ok(true);
                }
                _ if any => return Err(LoadError::new(place, "a line `---` must follow the directives")),
                _ => return Ok(false),
            }
            any = true;
            if let Kind::Prefix { handle, prefix } = self.scanner.next()?.kind
                && self.prefixes.insert(handle, prefix).is_some()
            {
                return Err(LoadError::new(place, "this handle has a `%TAG` line already"));
            }
        }
    }

    /// `alias | properties? content | properties`
    fn node(&mut self, within: Context) -> Result<Node, LoadError> {
        if matches!(self.scanner.peek()?.kind, Kind::Alias(_)) {
            return self.alias();
        }
        let properties = self.properties()?;
        let before = self.size;
        let around = std::mem::replace(&mut self.deepest, self.depth);
        let first = self.scanner.peek()?;
        let place = properties.place.unwrap_or(first.place);
        let place = Place { length: 0, ..place };
        let (place, content) = match first.kind {
            Kind::Scalar { .. } => self.scalar()?,
            Kind::BlockEntry if within == Context::Entry => (place, self.nested(place, Self::indentless)?),
            Kind::BlockSequence if within != Context::Flow => (place, self.nested(place, Self::sequence)?),
            Kind::BlockMapping if within != Context::Flow => (place, self.nested(place, Self::mapping)?),
            Kind::FlowSequence => (place, self.nested(place, Self::flow_sequence)?),
            Kind::FlowMapping => (place, self.nested(place, Self::flow_mapping)?),
            _ if properties.place.is_some() => (place, Content::Plain(Arc::from(""))),
            _ => return Err(LoadError::new(first.place, "a value is missing here")),
        };
        let node = Node {
            place,
            tag: properties.tag,
            alias: false,
            content,
        };
        self.count(1, place)?;
        if let Some(slot) = properties.anchor.and_then(|anchor| self.named.get_mut(anchor)) {
            *slot = Some(Named {
                node: node.clone(),
                size: self.size - before,
                height: self.deepest - self.depth,
            });
        }
        self.deepest = self.deepest.max(around);
        Ok(node)
    }

    fn alias(&mut self) -> Result<Node, LoadError> {
        let Token { place, kind } = self.scanner.next()?;
        let name = match kind {
            Kind::Alias(name) => name,
            _ => "",
        };
        let Some(named) = self.anchors.get(name).and_then(|anchor| self.named.get(*anchor)) else {
            return Err(LoadError::new(
                place,
                format!("nothing above has the anchor `&{name}`"),
            ));
        };
        let Some(Named { node, size, height }) = named.clone() else {
            return Err(LoadError::new(place, "an anchor contains itself"));
        };
        self.count(size, place)?;
        let reach = self.depth + height;
        if reach > limit::DEPTH {
            return Err(LoadError::deep(place));
        }
        self.deepest = self.deepest.max(reach);
        Ok(Node {
            place,
            alias: true,
            ..node
        })
    }

    /// Adds to the number of nodes.
    fn count(&mut self, nodes: u64, place: Place) -> Result<(), LoadError> {
        self.size = self.size.saturating_add(nodes);
        if self.size > limit::NODES {
            return Err(LoadError::Limit {
                what: "too many values after expanding aliases",
                limit: limit::NODES,
                place,
            });
        }
        Ok(())
    }

    /// `anchor tag? | tag anchor? | nothing`
    fn properties(&mut self) -> Result<Properties, LoadError> {
        let mut properties = Properties::default();
        loop {
            match self.scanner.peek()?.kind {
                Kind::Anchor(_) if properties.anchor.is_none() => {}
                Kind::Tag { .. } if properties.tag.is_none() => {}
                _ => return Ok(properties),
            }
            let token = self.scanner.next()?;
            properties.place.get_or_insert(token.place);
            match token.kind {
                Kind::Anchor(name) => {
                    properties.anchor = Some(self.named.len());
                    self.anchors.insert(name, self.named.len());
                    self.named.push(None);
                }
                Kind::Tag { handle, suffix } => {
                    properties.tag = Some(self.tag(token.place, handle, &suffix)?);
                }
                _ => {}
            }
        }
    }

    /// A tag in full, but for those of the language, which are `!!name`.
    fn tag(&self, place: Place, handle: &str, suffix: &str) -> Result<Arc<str>, LoadError> {
        let prefix = match (self.prefixes.get(handle), handle) {
            (Some(prefix), _) => prefix.as_ref(),
            (None, "" | "!") => handle,
            (None, "!!") => CORE,
            (None, _) => {
                let message = format!("the handle `{handle}` is not declared: put the tag as `!name`");
                return Err(LoadError::new(place, message));
            }
        };
        let tag = format!("{prefix}{suffix}");
        Ok(match tag.strip_prefix(CORE) {
            Some(name) => format!("!!{name}").into(),
            None => tag.into(),
        })
    }

    fn scalar(&mut self) -> Result<(Place, Content), LoadError> {
        let Token { place, kind } = self.scanner.next()?;
        let content = match kind {
            Kind::Scalar { text, plain: true } => Content::Plain(Arc::from(text)),
            Kind::Scalar { text, plain: false } => Content::Quoted(Arc::from(text)),
            _ => Content::Plain(Arc::from("")),
        };
        Ok((place, content))
    }

    /// A value that is not written, before the next token.
    fn empty(&mut self) -> Result<Node, LoadError> {
        let place = self.scanner.peek()?.place;
        self.empty_at(place)
    }

    fn empty_at(&mut self, place: Place) -> Result<Node, LoadError> {
        self.count(1, place)?;
        Ok(Node {
            place: Place { length: 0, ..place },
            tag: None,
            alias: false,
            content: Content::Plain(Arc::from("")),
        })
    }

    fn nested(
        &mut self,
        place: Place,
        rule: fn(&mut Self) -> Result<Content, LoadError>,
    ) -> Result<Content, LoadError> {
        if self.depth >= limit::DEPTH {
            return Err(LoadError::deep(place));
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let content = rule(self);
        self.depth -= 1;
        content
    }

    /// `BlockSequence ("-" node?)* BlockEnd`
    fn sequence(&mut self) -> Result<Content, LoadError> {
        self.scanner.next()?;
        let mut items = Vec::new();
        loop {
            let token = self.scanner.next()?;
            match token.kind {
                Kind::BlockEntry => {}
                Kind::BlockEnd => return Ok(Content::Sequence(items.into())),
                _ => {
                    let message = "a `-` is expected here: this stands as far to the left as the list";
                    return Err(LoadError::new(token.place, message));
                }
            }
            items.push(match self.scanner.peek()?.kind {
                Kind::BlockEntry | Kind::BlockEnd => self.empty_at(token.place)?,
                _ => self.node(Context::Block)?,
            });
        }
    }

    /// `("-" node?)+`, as far to the left as the key before it.
    fn indentless(&mut self) -> Result<Content, LoadError> {
        let mut items = Vec::new();
        while self.scanner.peek()?.kind == Kind::BlockEntry {
            let sign = self.scanner.next()?;
            items.push(match self.scanner.peek()?.kind {
                Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => self.empty_at(sign.place)?,
                _ => self.node(Context::Block)?,
            });
        }
        Ok(Content::Sequence(items.into()))
    }

    /// `BlockMapping (Key node? (":" node?)?)* BlockEnd`
    fn mapping(&mut self) -> Result<Content, LoadError> {
        self.scanner.next()?;
        let mut entries = Vec::new();
        loop {
            let token = self.scanner.next()?;
            match token.kind {
                Kind::Key => {}
                Kind::BlockEnd => return Ok(Content::Mapping(entries.into())),
                _ => {
                    let message = "a key is expected here, as far to the left as the others; what goes on stands further to the right";
                    return Err(LoadError::new(token.place, message));
                }
            }
            let key = self.entry(token.place)?;
            let token = self.scanner.peek()?;
            let place = token.place;
            let value = if token.kind == Kind::Value {
                self.scanner.next()?;
                self.entry(place)?
            } else {
                self.empty_at(place)?
            };
            entries.push((key, value));
        }
    }

    /// Key or value of a block.
    fn entry(&mut self, sign: Place) -> Result<Node, LoadError> {
        match self.scanner.peek()?.kind {
            Kind::Key | Kind::Value | Kind::BlockEnd => self.empty_at(sign),
            _ => self.node(Context::Entry),
        }
    }

    /// `"[" (item ("," item)* ","?)? "]"`, where an item may be a single `key: value`.
    fn flow_sequence(&mut self) -> Result<Content, LoadError> {
        self.scanner.next()?;
        let mut items = Vec::new();
        loop {
            if !self.more(
                &Kind::FlowSequenceEnd,
                items.is_empty(),
                "a `,` or `]` is missing before this",
            )? {
                return Ok(Content::Sequence(items.into()));
            }
            let token = self.scanner.peek()?;
            if token.kind != Kind::Key {
                items.push(self.node(Context::Flow)?);
                continue;
            }
            let place = Place {
                length: 0,
                ..token.place
            };
            let content = self.nested(place, |this| {
                let entry = this.flow_entry(&Kind::FlowSequenceEnd)?;
                Ok(Content::Mapping([entry].into()))
            })?;
            self.count(1, place)?;
            items.push(Node {
                place,
                tag: None,
                alias: false,
                content,
            });
        }
    }

    /// `"{" (entry ("," entry)* ","?)? "}"`, where an entry may be a key without a value.
    fn flow_mapping(&mut self) -> Result<Content, LoadError> {
        self.scanner.next()?;
        let mut entries = Vec::new();
        loop {
            if !self.more(
                &Kind::FlowMappingEnd,
                entries.is_empty(),
                "a `,` or `}` is missing before this",
            )? {
                return Ok(Content::Mapping(entries.into()));
            }
            if self.scanner.peek()?.kind == Kind::Key {
                entries.push(self.flow_entry(&Kind::FlowMappingEnd)?);
            } else {
                let key = self.node(Context::Flow)?;
                let value = self.empty()?;
                entries.push((key, value));
            }
        }
    }

    /// Goes over the `,` before an item, or over the end: then there is none.
    fn more(&mut self, end: &Kind<'_>, first: bool, missing: &'static str) -> Result<bool, LoadError> {
        if !first && self.scanner.peek()?.kind != *end {
            let comma = self.scanner.next()?;
            if comma.kind != Kind::FlowEntry {
                return Err(LoadError::new(comma.place, missing));
            }
        }
        let ends = self.scanner.peek()?.kind == *end;
        if ends {
            self.scanner.next()?;
        }
        Ok(!ends)
    }

    /// `Key node? (":" node?)?` within `[]` or `{}`.
    fn flow_entry(&mut self, end: &Kind<'_>) -> Result<(Node, Node), LoadError> {
        self.scanner.next()?;
        let absent = |kind: &Kind<'_>| *kind == Kind::FlowEntry || kind == end;
        let kind = &self.scanner.peek()?.kind;
        let key = if *kind == Kind::Value || absent(kind) {
            self.empty()?
        } else {
            self.node(Context::Flow)?
        };
        if self.scanner.peek()?.kind == Kind::Value {
            self.scanner.next()?;
            if !absent(&self.scanner.peek()?.kind) {
                return Ok((key, self.node(Context::Flow)?));
            }
        }
        Ok((key, self.empty()?))
    }
}

/// What `!!` stands for.
const CORE: &str = "tag:yaml.org,2002:";

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
