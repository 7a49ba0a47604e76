//! Command lines of the programs that the stand-ins stand for.

use std::collections::BTreeMap;

use partita_occ::server::Mode;

/// Options that take no value, of all programs together.
const SWITCHES: [&str; 2] = ["stand-alone", "data-sink-enable"];

/// A command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    options: BTreeMap<String, String>,
    words: Vec<String>,
}

impl Arguments {
    /// Takes `--name=value`, `--name value`, `-N value` and words. Blank arguments, which the production templates
    /// make of options that are switched off, are nothing.
    pub(crate) fn parse(arguments: &[String]) -> Self {
        let mut parsed = Self::default();
        let mut arguments = arguments.iter().map(|argument| argument.trim()).peekable();
        while let Some(argument) = arguments.next() {
            let name = argument.trim_start_matches('-');
            if argument.is_empty() {
                continue;
            }
            if name.len() == argument.len() || name.is_empty() {
                parsed.words.push(argument.to_owned());
            } else if let Some((name, value)) = name.split_once('=') {
                parsed.options.insert(name.to_owned(), value.to_owned());
            } else {
                let value = arguments.next_if(|next| !next.starts_with('-') && !SWITCHES.contains(&name));
                parsed
                    .options
                    .insert(name.to_owned(), value.unwrap_or_default().to_owned());
            }
        }
        parsed
    }

    /// Value of an option.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// Value of an option that is a number; `otherwise` where it is not given, or, with a word in the log, where it
    /// is no number.
    pub(crate) fn number(&self, name: &str, otherwise: u64) -> u64 {
        let Some(text) = self.option(name) else {
            return otherwise;
        };
        text.parse().unwrap_or_else(|_| {
            tracing::warn!("--{name}={text} is not a number; {otherwise} is used");
            otherwise
        })
    }

    /// Names of all options.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.options.keys().map(String::as_str)
    }

    /// What is not an option.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// The mode that the command line asks for, as the executor itself tells: the plugin makes a device.
    pub(crate) fn mode(&self) -> Mode {
        if self.option("P") == Some("OCClite") {
            Mode::Fairmq
        } else {
            Mode::Direct
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Arguments {
        Arguments::parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_production_command_line_is_understood() {
        let parsed = parse(&[
            "--session=default",
            "--stand-alone",
            " ",
            "--monitoring-backend=",
            "--id",
            "2rE",
            "-S",
            "/lib/",
            "-P",
            "OCClite",
            "--color",
            "false",
            "consul-ini://x/y",
            "--control-port",
            "47101",
        ]);
        assert_eq!(parsed.option("session"), Some("default"));
        assert_eq!(parsed.option("stand-alone"), Some(""));
        assert_eq!(parsed.option("monitoring-backend"), Some(""));
        assert_eq!(parsed.number("control-port", 0), 47101);
        assert_eq!(parsed.words(), ["consul-ini://x/y"]);
        assert_eq!(parsed.mode(), Mode::Fairmq);
    }

    #[test]
    fn a_switch_takes_no_word() {
        let parsed = parse(&["--stand-alone", "word"]);
        assert_eq!(
            (parsed.option("stand-alone"), parsed.words()),
            (Some(""), &["word".to_owned()][..])
        );
        assert_eq!(parsed.mode(), Mode::Direct);
    }
}
