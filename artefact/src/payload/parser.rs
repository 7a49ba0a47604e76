//! From tokens to a template. Messages are those of pongo2, since they flow on as values.

mod expression;

use super::lexer::{self, Kind, Place, Token};
use super::tree::{For, Include, Included, Node, Template};
use super::{Error, MAX_DEPTH, MAX_INCLUDE_DEPTH, MAX_INCLUDES};
use crate::evaluate::World;

/// What `-` at a brace removes.
const SPACE: [char; 4] = [' ', '\n', '\r', '\t'];

/// Tags of pongo2 that are not done here.
const OTHER_TAGS: [&str; 14] = [
    "block",
    "cycle",
    "extends",
    "filter",
    "ifchanged",
    "import",
    "lorem",
    "macro",
    "now",
    "spaceless",
    "ssi",
    "templatetag",
    "verbatim",
    "widthratio",
];

/// Reads payloads with all that they include.
pub(super) struct Loader<'w> {
    world: &'w dyn World,
    /// Folder of the payload that was asked for: includes are looked up there.
    folder: &'w str,
    includes: usize,
    depth: usize,
}

impl<'w> Loader<'w> {
    pub(super) fn new(world: &'w dyn World, folder: &'w str) -> Self {
        Self {
            world,
            folder,
            includes: 0,
            depth: 0,
        }
    }

    /// The payload at `path`, parsed.
    pub(super) fn load(&mut self, path: &str) -> Result<Template, Error> {
        self.includes += 1;
        if self.includes > MAX_INCLUDES || self.depth > MAX_INCLUDE_DEPTH {
            return Err(Error::new("parser", "too many includes, or an include of itself").of(path));
        }
        let missing = || Error::new("fromfile", "unable to resolve template").of(path);
        let text = crate::functions::payload(path, self.world).ok_or_else(missing)?;
        let tokens = lexer::tokens(&text).map_err(|error| error.of(path))?;
        self.depth += 1;
        let mut parser = Parser {
            loader: self,
            tokens: &tokens,
            next: 0,
            depth: 0,
        };
        let nodes = parser.until(&[]).map(|(nodes, _)| nodes);
        self.depth -= 1;
        Ok(Template {
            path: path.to_owned(),
            nodes: nodes.map_err(|error| error.of(path))?,
        })
    }

    /// The path that a name in an include means.
    pub(super) fn resolve(&self, name: &str) -> String {
        if name.starts_with('/') || name.starts_with(self.folder) {
            name.to_owned()
        } else {
            format!("{}/{name}", self.folder)
        }
    }
}

/// Walks over the tokens of one payload, or of the arguments of one tag.
struct Parser<'p, 'w, 't> {
    loader: &'p mut Loader<'w>,
    tokens: &'t [Token],
    next: usize,
    depth: usize,
}

/// The tag at which a block ended, with its arguments.
struct End<'t> {
    name: &'t str,
    arguments: &'t [Token],
}

impl<'t> Parser<'_, '_, 't> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, kind: &Kind, text: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(kind, text));
        self.next += usize::from(found);
        found
    }

    fn take_kind(&mut self, kind: &Kind) -> Option<&'t Token> {
        let token = self.peek().filter(|token| token.kind == *kind)?;
        self.next += 1;
        Some(token)
    }

    /// A mistake at the token that comes next, or else at the last one.
    fn error(&self, message: impl Into<String>) -> Error {
        let error = Error::new("parser", message);
        match self.peek().or(self.tokens.last()) {
            Some(token) => error.at(token.place).near(&token.text),
            None => error,
        }
    }

    fn error_at(token: &Token, message: impl Into<String>) -> Error {
        Error::new("parser", message).at(token.place).near(&token.text)
    }

    fn nothing_left(&self, message: &str) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error(message)),
        }
    }

    fn place(&self) -> Place {
        self.peek()
            .or(self.tokens.last())
            .map_or(Place { line: 1, column: 1 }, |token| token.place)
    }

    /// Counts a level of nesting; gives it up again when `parse` is done.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.depth += 1;
        let parsed = if self.depth > MAX_DEPTH {
            Err(self.error("nested too deeply"))
        } else {
            parse(self)
        };
        self.depth -= 1;
        parsed
    }

    /// The nodes up to one of the tags in `ends`; with no `ends`, all there are.
    fn until(&mut self, ends: &[&str]) -> Result<(Vec<Node>, End<'t>), Error> {
        let mut nodes = Vec::new();
        while let Some(token) = self.peek() {
            if let Some(end) = self.end(ends)? {
                return Ok((nodes, end));
            }
            nodes.extend(self.node(token)?);
        }
        if ends.is_empty() {
            let none = End {
                name: "",
                arguments: &[],
            };
            return Ok((nodes, none));
        }
        Err(self.error(format!("Unexpected EOF, expected tag {}.", ends.join(" or "))))
    }

    fn end(&mut self, ends: &[&str]) -> Result<Option<End<'t>>, Error> {
        let [brace, name, ..] = self.tokens.get(self.next..).unwrap_or_default() else {
            return Ok(None);
        };
        if !brace.is(&Kind::Symbol, "{%") || name.kind != Kind::Name || !ends.contains(&name.text.as_str()) {
            return Ok(None);
        }
        self.next += 2;
        let arguments = self.arguments("Unexpected EOF.")?;
        Ok(Some(End {
            name: &name.text,
            arguments,
        }))
    }

    /// The tokens up to the end of a tag.
    fn arguments(&mut self, otherwise: &str) -> Result<&'t [Token], Error> {
        let rest = self.tokens.get(self.next..).unwrap_or_default();
        let Some(length) = rest.iter().position(|token| token.is(&Kind::Symbol, "%}")) else {
            self.next = self.tokens.len();
            return Err(self.error(otherwise));
        };
        self.next += length + 1;
        Ok(rest.get(..length).unwrap_or_default())
    }

    fn node(&mut self, token: &'t Token) -> Result<Option<Node>, Error> {
        match (&token.kind, token.text.as_str()) {
            (Kind::Text, text) => {
                let at = self.next;
                let trims = |index: Option<usize>| {
                    index
                        .and_then(|index| self.tokens.get(index))
                        .is_some_and(|token| token.trims)
                };
                let mut text = text;
                if trims(at.checked_sub(1)) {
                    text = text.trim_start_matches(SPACE);
                }
                if trims(at.checked_add(1)) {
                    text = text.trim_end_matches(SPACE);
                }
                self.next += 1;
                Ok(Some(Node::Text(text.to_owned())))
            }
            (Kind::Symbol, "{{") => {
                self.next += 1;
                let expression = self.expression()?;
                if self.take(&Kind::Symbol, "}}") {
                    Ok(Some(Node::Output(expression)))
                } else {
                    Err(self.error("'}}' expected"))
                }
            }
            (Kind::Symbol, "{%") => self.deeper(Self::tag),
            _ => Err(self.error("Unexpected token (only HTML/tags/filters in templates allowed)")),
        }
    }

    fn tag(&mut self) -> Result<Option<Node>, Error> {
        self.next += 1;
        let Some(name) = self.take_kind(&Kind::Name) else {
            return Err(self.error("Tag name must be an identifier."));
        };
        let arguments = self.arguments("Unexpectedly reached EOF, no tag end found.")?;
        match name.text.as_str() {
            "if" => self.if_tag(arguments),
            "ifequal" => self.if_equal(arguments, false),
            "ifnotequal" => self.if_equal(arguments, true),
            "for" => self.for_tag(arguments),
            "with" => self.with_tag(arguments),
            "autoescape" => self.autoescape(arguments),
            "comment" => self.comment(arguments),
            "set" => self.within(arguments, Self::set),
            "firstof" => self.within(arguments, Self::first_of),
            "include" => self.within(arguments, Self::include),
            other if OTHER_TAGS.contains(&other) => Err(Self::error_at(
                name,
                format!("tag '{other}' is not supported in payloads"),
            )),
            other => {
                let message = format!("Tag '{other}' not found (or beginning tag not provided)");
                Err(Self::error_at(name, message))
            }
        }
    }

    /// Parses the arguments of a tag.
    fn within<T>(
        &mut self,
        arguments: &'t [Token],
        parse: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outside = (self.tokens, self.next);
        (self.tokens, self.next) = (arguments, 0);
        let parsed = parse(self);
        (self.tokens, self.next) = outside;
        parsed
    }

    fn no_arguments(&mut self, end: &End<'t>) -> Result<(), Error> {
        self.within(end.arguments, |arguments| {
            arguments.nothing_left("Arguments not allowed here.")
        })
    }

    fn if_tag(&mut self, arguments: &'t [Token]) -> Result<Option<Node>, Error> {
        let mut condition = self.condition(arguments, "If-condition is malformed.")?;
        let mut branches = Vec::new();
        loop {
            let (nodes, end) = self.until(&["elif", "else", "endif"])?;
            branches.push((condition, nodes));
            if end.name == "elif" {
                condition = self.condition(end.arguments, "Elif-condition is malformed.")?;
                continue;
            }
            self.no_arguments(&end)?;
            let mut otherwise = Vec::new();
            if end.name == "else" {
                let (nodes, end) = self.until(&["endif"])?;
                self.no_arguments(&end)?;
                otherwise = nodes;
            }
            return Ok(Some(Node::If(branches, otherwise)));
        }
    }

    fn condition(&mut self, arguments: &'t [Token], left: &str) -> Result<super::tree::Expression, Error> {
        self.within(arguments, |arguments| {
            let condition = arguments.expression()?;
            arguments.nothing_left(left)?;
            Ok(condition)
        })
    }

    fn if_equal(&mut self, arguments: &'t [Token], negated: bool) -> Result<Option<Node>, Error> {
        let name = if negated { "ifnotequal" } else { "ifequal" };
        let sides = self.within(arguments, |arguments| {
            let sides = (arguments.expression()?, arguments.expression()?);
            arguments.nothing_left(&format!("{name} only takes 2 arguments."))?;
            Ok(sides)
        })?;
        let closing = format!("end{name}");
        let (same, end) = self.until(&["else", &closing])?;
        self.no_arguments(&end)?;
        let mut different = Vec::new();
        if end.name == "else" {
            let (nodes, end) = self.until(&[&closing])?;
            self.no_arguments(&end)?;
            different = nodes;
        }
        Ok(Some(Node::IfEqual {
            sides,
            negated,
            same,
            different,
        }))
    }

    fn for_tag(&mut self, arguments: &'t [Token]) -> Result<Option<Node>, Error> {
        let (key, value, over, reversed, sorted) = self.within(arguments, |arguments| {
            let Some(key) = arguments.take_kind(&Kind::Name) else {
                return Err(arguments.error("Expected an key identifier as first argument for 'for'-tag"));
            };
            let mut value = None;
            if arguments.take(&Kind::Symbol, ",") {
                let name = arguments.take_kind(&Kind::Name);
                value = Some(name.ok_or_else(|| arguments.error("Value name must be an identifier."))?);
            }
            if !arguments.take(&Kind::Keyword, "in") {
                return Err(arguments.error("Expected keyword 'in'."));
            }
            let over = arguments.expression()?;
            let reversed = arguments.take(&Kind::Name, "reversed");
            let sorted = arguments.take(&Kind::Name, "sorted");
            arguments.nothing_left("Malformed for-loop arguments.")?;
            Ok((key, value, over, reversed, sorted))
        })?;
        let (body, end) = self.until(&["empty", "endfor"])?;
        self.no_arguments(&end)?;
        let mut empty = Vec::new();
        if end.name == "empty" {
            let (nodes, end) = self.until(&["endfor"])?;
            self.no_arguments(&end)?;
            empty = nodes;
        }
        Ok(Some(Node::For(Box::new(For {
            key: key.text.clone(),
            value: value.map(|value| value.text.clone()),
            over,
            reversed,
            sorted,
            body,
            empty,
        }))))
    }

    fn with_tag(&mut self, arguments: &'t [Token]) -> Result<Option<Node>, Error> {
        if arguments.is_empty() {
            return Err(self.error("Tag 'with' requires at least one argument."));
        }
        let (body, end) = self.until(&["endwith"])?;
        self.no_arguments(&end)?;
        let old = arguments.iter().any(|token| token.is(&Kind::Keyword, "as"));
        let names = self.within(arguments, |arguments| {
            let mut names = Vec::new();
            while arguments.peek().is_some() {
                names.push(if old {
                    let value = arguments.expression()?;
                    if !arguments.take(&Kind::Keyword, "as") {
                        return Err(arguments.error("Expected 'as' keyword."));
                    }
                    (arguments.identifier()?, value)
                } else {
                    arguments.assignment()?
                });
            }
            Ok(names)
        })?;
        Ok(Some(Node::With(names, body)))
    }

    fn identifier(&mut self) -> Result<String, Error> {
        match self.take_kind(&Kind::Name) {
            Some(name) => Ok(name.text.clone()),
            None => Err(self.error("Expected an identifier")),
        }
    }

    /// `name=expression`
    fn assignment(&mut self) -> Result<(String, super::tree::Expression), Error> {
        let name = self.identifier()?;
        if !self.take(&Kind::Symbol, "=") {
            return Err(self.error("Expected '='."));
        }
        Ok((name, self.expression()?))
    }

    fn autoescape(&mut self, arguments: &'t [Token]) -> Result<Option<Node>, Error> {
        let (body, _) = self.until(&["endautoescape"])?;
        let on = self.within(arguments, |arguments| {
            let on = match arguments.take_kind(&Kind::Name).map(|mode| mode.text.as_str()) {
                None => return Err(arguments.error("A mode is required for autoescape-tag.")),
                Some("on") => true,
                Some("off") => false,
                Some(_) => return Err(arguments.error("Only 'on' or 'off' is valid as an autoescape-mode.")),
            };
            arguments.nothing_left("Malformed autoescape-tag arguments.")?;
            Ok(on)
        })?;
        Ok(Some(Node::Autoescape(on, body)))
    }

    fn comment(&mut self, arguments: &'t [Token]) -> Result<Option<Node>, Error> {
        while self.end(&["endcomment"])?.is_none() {
            if self.peek().is_none() {
                return Err(self.error("Unexpected EOF, expected tag endcomment."));
            }
            self.next += 1;
        }
        if arguments.is_empty() {
            Ok(None)
        } else {
            Err(self.error("Tag 'comment' does not take any argument."))
        }
    }

    fn set(&mut self) -> Result<Option<Node>, Error> {
        let Some(name) = self.take_kind(&Kind::Name) else {
            return Err(self.error("Expected an identifier."));
        };
        if !self.take(&Kind::Symbol, "=") {
            return Err(self.error("Expected '='."));
        }
        let value = self.expression()?;
        self.nothing_left("Malformed 'set'-tag arguments.")?;
        Ok(Some(Node::Set(name.text.clone(), value)))
    }

    fn first_of(&mut self) -> Result<Option<Node>, Error> {
        let mut candidates = Vec::new();
        while self.peek().is_some() {
            candidates.push(self.expression()?);
        }
        Ok(Some(Node::FirstOf(candidates)))
    }

    fn include(&mut self) -> Result<Option<Node>, Error> {
        let file = if let Some(name) = self.take_kind(&Kind::Str) {
            let if_exists = self.take(&Kind::Name, "if_exists");
            let path = self.loader.resolve(&name.text);
            match self.loader.load(&path) {
                Ok(template) => Included::Template(template),
                Err(error) if if_exists && error.sender == "fromfile" => Included::Nothing,
                Err(error) => return Err(error.at(name.place).near(&name.text)),
            }
        } else {
            Included::Named {
                name: self.expression()?,
                if_exists: self.take(&Kind::Name, "if_exists"),
            }
        };
        let (mut with, mut only) = (Vec::new(), false);
        if self.take(&Kind::Name, "with") {
            while self.peek().is_some() && !only {
                with.push(self.assignment()?);
                only = self.take(&Kind::Name, "only");
            }
        }
        self.nothing_left("Malformed 'include'-tag arguments.")?;
        Ok(Some(Node::Include(Box::new(Include { file, with, only }))))
    }
}
