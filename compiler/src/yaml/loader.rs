//! From the events of the parser to a tree.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Content, Node, Place, indent, limit};

/// Why a text could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Not YAML.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        place: Place,
    },
    /// More than [`limit`] allows.
    #[error("{what}, more than the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
        /// Where it became too much.
        place: Place,
    },
}

/// The first document of `text`; `None` if it holds none.
pub fn load(text: &str) -> Result<Option<Node>, LoadError> {
    if text.len() > limit::BYTES {
        return Err(LoadError::Limit {
            what: "document too long",
            limit: limit::BYTES as u64,
            place: Place::default(),
        });
    }
    let mut text = Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text));
    for _ in 0..indent::REPAIRS {
        match (Loader {
            lines: text.lines().collect(),
            ..Loader::default()
        })
        .run(&text)
        {
            Err(Stop::Indent { line, column }) => match indent::deepen(&text, line, column) {
                Some(deeper) => text = Cow::Owned(deeper),
                None => break,
            },
            Err(Stop::Error(error)) => return Err(error),
            Ok(root) => return Ok(root),
        }
    }
    Err(LoadError::Syntax {
        message: indent::MESSAGE.to_owned(),
        place: Place::default(),
    })
}

/// Why loading stopped.
enum Stop {
    Error(LoadError),
    /// A quoted text that begins there has lines too far to the left.
    Indent {
        line: usize,
        column: usize,
    },
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        Self::Error(error)
    }
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        let marker = error.marker();
        if error.info() == indent::MESSAGE {
            return Self::Indent {
                line: marker.line(),
                column: marker.col(),
            };
        }
        let place = Place {
            line: number(marker.line()),
            column: number(marker.col() + 1),
            length: 1,
        };
        Self::Error(LoadError::Syntax {
            message: error.info().to_owned(),
            place,
        })
    }
}

/// A list or mapping whose end has not been seen yet.
struct Open {
    node: Node,
    anchor: usize,
    mapping: bool,
    items: Vec<Node>,
    /// Nodes in it so far, aliases expanded.
    size: u64,
}

#[derive(Default)]
struct Loader<'t> {
    lines: Vec<&'t str>,
    open: Vec<Open>,
    /// Finished nodes with an anchor, and their expanded size.
    anchors: BTreeMap<usize, (Node, u64)>,
    root: Option<Node>,
}

impl Loader<'_> {
    fn run(mut self, text: &str) -> Result<Option<Node>, Stop> {
        let mut parser = Parser::new_from_str(text);
        loop {
            let (event, span) = match parser.next_event() {
                Some(event) => event?,
                None => return Ok(self.root),
            };
            let place = place_of(span);
            match event {
                Event::StreamEnd | Event::DocumentEnd => return Ok(self.root),
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
                Event::Alias(anchor) => {
                    let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                        let message = "an anchor contains itself".to_owned();
                        return Err(LoadError::Syntax { message, place }.into());
                    };
                    self.finish(
                        Node {
                            place,
                            alias: true,
                            ..node
                        },
                        0,
                        size,
                    )?;
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let place = self.text_place(place, style);
                    let content = match style {
                        ScalarStyle::Plain => Content::Plain(Arc::from(text.as_ref())),
                        _ => Content::Quoted(Arc::from(text.as_ref())),
                    };
                    self.finish(
                        Node {
                            place,
                            tag: short(tag.as_deref()),
                            alias: false,
                            content,
                        },
                        anchor,
                        1,
                    )?;
                }
                Event::SequenceStart(anchor, tag) => self.begin(place, anchor, tag.as_deref(), false)?,
                Event::MappingStart(anchor, tag) => self.begin(place, anchor, tag.as_deref(), true)?,
                Event::SequenceEnd | Event::MappingEnd => self.end()?,
            }
        }
    }

    fn begin(
        &mut self,
        place: Place,
        anchor: usize,
        tag: Option<&Tag>,
        mapping: bool,
    ) -> Result<(), LoadError> {
        if self.open.len() >= limit::DEPTH {
            return Err(LoadError::Limit {
                what: "nested too deep",
                limit: limit::DEPTH as u64,
                place,
            });
        }
        let place = Place { length: 0, ..place };
        let node = Node {
            place,
            tag: short(tag),
            alias: false,
            content: Content::Sequence(Arc::from([])),
        };
        self.open.push(Open {
            node,
            anchor,
            mapping,
            items: Vec::new(),
            size: 1,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), LoadError> {
        let Some(Open {
            mut node,
            anchor,
            mapping,
            items,
            size,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        node.content = if mapping {
            Content::Mapping(pairs(items))
        } else {
            Content::Sequence(items.into())
        };
        self.finish(node, anchor, size)
    }

    fn finish(&mut self, node: Node, anchor: usize, size: u64) -> Result<(), LoadError> {
        if size > limit::NODES {
            let what = "too many values after expanding aliases";
            return Err(LoadError::Limit {
                what,
                limit: limit::NODES,
                place: node.place,
            });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.size = parent.size.saturating_add(size);
                parent.items.push(node);
            }
            None => self.root = Some(node),
        }
        Ok(())
    }

    /// The parser gives the place of the quote or of the block's sign; people look for the text.
    fn text_place(&self, place: Place, style: ScalarStyle) -> Place {
        match style {
            ScalarStyle::Plain => place,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Place {
                column: place.column + 1,
                length: place.length.saturating_sub(2),
                ..place
            },
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let after = usize::try_from(place.line).unwrap_or(usize::MAX);
                let first = self
                    .lines
                    .iter()
                    .zip(1u32..)
                    .skip(after)
                    .find(|(line, _)| !line.trim().is_empty());
                first.map_or(place, |(line, number)| {
                    let indent = line.chars().take_while(|c| *c == ' ').count();
                    Place {
                        line: number,
                        column: u32::try_from(indent + 1).unwrap_or(u32::MAX),
                        length: 0,
                    }
                })
            }
        }
    }
}

fn pairs(items: Vec<Node>) -> Arc<[(Node, Node)]> {
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs.into()
}

fn short(tag: Option<&Tag>) -> Option<Arc<str>> {
    let tag = tag?;
    let text = if tag.is_yaml_core_schema() {
        format!("!!{}", tag.suffix)
    } else {
        format!("{}{}", tag.handle, tag.suffix)
    };
    Some(text.into())
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn place_of(span: Span) -> Place {
    let length = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col())
    } else {
        0
    };
    Place {
        line: number(span.start.line()),
        column: number(span.start.col() + 1),
        length: number(length),
    }
}
