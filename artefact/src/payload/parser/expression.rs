//! Expressions: `or` and `and` bind alike and to the right, `not` and a sign only what follows them at once.

use super::super::filters;
use super::super::tree::{Expression, Filter, Operator, Part, PartKind, Variable};
use super::{Error, Kind, Parser};

/// Most operators in a row.
const MAX_CHAIN: usize = 50;

impl Parser<'_, '_, '_> {
    pub(super) fn expression(&mut self) -> Result<Expression, Error> {
        self.deeper(|parser| {
            let left = parser.relation()?;
            let operators = [
                (Kind::Symbol, "&&", Operator::And),
                (Kind::Symbol, "||", Operator::Or),
                (Kind::Keyword, "and", Operator::And),
                (Kind::Keyword, "or", Operator::Or),
            ];
            match parser.operator(&operators) {
                Some(operator) => Ok(binary(operator, left, parser.expression()?)),
                None => Ok(left),
            }
        })
    }

    fn operator(&mut self, operators: &[(Kind, &str, Operator)]) -> Option<Operator> {
        let found = operators.iter().find(|(kind, text, _)| self.take(kind, text))?;
        Some(found.2)
    }

    fn relation(&mut self) -> Result<Expression, Error> {
        let left = self.sum()?;
        let operators = [
            (Kind::Symbol, "==", Operator::Equal),
            (Kind::Symbol, "<=", Operator::LessOrEqual),
            (Kind::Symbol, ">=", Operator::GreaterOrEqual),
            (Kind::Symbol, "!=", Operator::NotEqual),
            (Kind::Symbol, "<>", Operator::NotEqual),
            (Kind::Symbol, ">", Operator::Greater),
            (Kind::Symbol, "<", Operator::Less),
        ];
        if let Some(operator) = self.operator(&operators) {
            let right = self.deeper(Self::relation)?;
            Ok(binary(operator, left, right))
        } else if self.take(&Kind::Keyword, "in") {
            Ok(binary(Operator::In, left, self.sum()?))
        } else {
            Ok(left)
        }
    }

    fn sum(&mut self) -> Result<Expression, Error> {
        let place = self.place();
        let negative = self.take(&Kind::Symbol, "-");
        if !negative {
            self.take(&Kind::Symbol, "+");
        }
        let negated = self.take(&Kind::Symbol, "!") || self.take(&Kind::Keyword, "not");
        let mut left = self.product()?;
        if negated {
            left = Expression::Not(Box::new(left));
        }
        if negative {
            left = Expression::Negative(Box::new(left), place);
        }
        let operators = [
            (Kind::Symbol, "+", Operator::Add),
            (Kind::Symbol, "-", Operator::Subtract),
        ];
        self.chain(left, &operators, Self::product)
    }

    fn product(&mut self) -> Result<Expression, Error> {
        let left = self.power()?;
        let operators = [
            (Kind::Symbol, "*", Operator::Multiply),
            (Kind::Symbol, "/", Operator::Divide),
            (Kind::Symbol, "%", Operator::Remainder),
        ];
        self.chain(left, &operators, Self::power)
    }

    /// Operators that bind to the left. Their tree is as deep as they are many.
    fn chain(
        &mut self,
        mut left: Expression,
        operators: &[(Kind, &str, Operator)],
        operand: impl Fn(&mut Self) -> Result<Expression, Error>,
    ) -> Result<Expression, Error> {
        for _ in 0..MAX_CHAIN {
            let Some(operator) = self.operator(operators) else {
                return Ok(left);
            };
            left = binary(operator, left, operand(self)?);
        }
        Err(self.error("too many operators in one expression"))
    }

    fn power(&mut self) -> Result<Expression, Error> {
        let base = self.factor()?;
        if self.take(&Kind::Symbol, "^") {
            let exponent = self.deeper(Self::power)?;
            Ok(binary(Operator::Power, base, exponent))
        } else {
            Ok(base)
        }
    }

    fn factor(&mut self) -> Result<Expression, Error> {
        if self.take(&Kind::Symbol, "(") {
            let inside = self.expression()?;
            return if self.take(&Kind::Symbol, ")") {
                Ok(inside)
            } else {
                Err(self.error("Closing bracket expected after expression"))
            };
        }
        let value = self.value()?;
        let mut filters = Vec::new();
        while self.take(&Kind::Symbol, "|") {
            filters.push(self.filter()?);
        }
        Ok(if filters.is_empty() {
            value
        } else {
            Expression::Filtered(Box::new(value), filters)
        })
    }

    fn filter(&mut self) -> Result<Filter, Error> {
        let Some(token) = self.take_kind(&Kind::Name) else {
            return Err(self.error("Filter name must be an identifier."));
        };
        let name = filters::find(&token.text).map_err(|message| Self::error_at(token, message))?;
        let mut argument = None;
        if self.take(&Kind::Symbol, ":") {
            if self.peek().is_some_and(|token| token.is(&Kind::Symbol, "}}")) {
                return Err(self.error("Filter parameter required after ':'."));
            }
            argument = Some(self.value()?);
        }
        Ok(Filter {
            place: token.place,
            name,
            argument,
        })
    }

    /// A literal or a variable.
    fn value(&mut self) -> Result<Expression, Error> {
        let Some(token) = self.peek() else {
            return Err(self.error("Unexpected EOF, expected a number, string, keyword or identifier."));
        };
        self.next += 1;
        match (&token.kind, token.text.as_str()) {
            (Kind::Number, digits) => self.number(digits),
            (Kind::Str, text) => Ok(Expression::Str(text.to_owned())),
            (Kind::Keyword, "true") => Ok(Expression::Bool(true)),
            (Kind::Keyword, "false") => Ok(Expression::Bool(false)),
            (Kind::Keyword, _) => Err(self.error("This keyword is not allowed here.")),
            (Kind::Name, name) => {
                let mut variable = Variable {
                    place: token.place,
                    name: name.to_owned(),
                    call: None,
                    parts: Vec::new(),
                };
                self.parts(&mut variable)?;
                Ok(Expression::Variable(variable))
            }
            _ => Err(Self::error_at(
                token,
                "Expected either a number, string, keyword or identifier.",
            )),
        }
    }

    fn number(&mut self, digits: &str) -> Result<Expression, Error> {
        let unreadable = |parser: &Self, text: &str| parser.error(format!("`{text}` is no number"));
        if !self.take(&Kind::Symbol, ".") {
            let number = digits.parse().map_err(|_| unreadable(self, digits))?;
            return Ok(Expression::Int(number));
        }
        let Some(fraction) = self.take_kind(&Kind::Number) else {
            return Err(self.error("Expected a number after the '.'."));
        };
        let text = format!("{digits}.{}", fraction.text);
        let number = text.parse().map_err(|_| unreadable(self, &text))?;
        Ok(Expression::Float(number))
    }

    fn parts(&mut self, variable: &mut Variable) -> Result<(), Error> {
        loop {
            if self.take(&Kind::Symbol, ".") {
                let Some(token) = self.peek() else {
                    return Err(self.error("Unexpected EOF, expected either IDENTIFIER or NUMBER after DOT."));
                };
                self.next += 1;
                let kind = match token.kind {
                    Kind::Name => PartKind::Name(token.text.clone()),
                    Kind::Number => PartKind::Index(token.text.parse().unwrap_or(usize::MAX)),
                    _ => {
                        let message = "This token is not allowed within a variable name.";
                        return Err(Self::error_at(token, message));
                    }
                };
                variable.parts.push(Part { kind, call: None });
            } else if self.take(&Kind::Symbol, "[") {
                let kind = PartKind::Subscript(self.expression()?);
                if !self.take(&Kind::Symbol, "]") {
                    return Err(self.error("Missing closing bracket after subscript argument."));
                }
                variable.parts.push(Part { kind, call: None });
            } else if self.take(&Kind::Symbol, "(") {
                let arguments = self.call()?;
                match variable.parts.last_mut() {
                    Some(part) => part.call = Some(arguments),
                    None => variable.call = Some(arguments),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn call(&mut self) -> Result<Vec<Expression>, Error> {
        let mut arguments = Vec::new();
        while !self.take(&Kind::Symbol, ")") {
            if self.peek().is_none() {
                return Err(self.error("Unexpected EOF, expected function call argument list."));
            }
            arguments.push(self.expression()?);
            if self.take(&Kind::Symbol, ")") {
                break;
            }
            if !self.take(&Kind::Symbol, ",") {
                return Err(self.error("Missing comma or closing bracket after argument."));
            }
        }
        Ok(arguments)
    }
}

fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
    Expression::Binary(operator, Box::new((left, right)))
}
