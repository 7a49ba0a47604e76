//! The evaluation of the fields of a role.

use std::collections::BTreeMap;

use super::around::Around;
use super::engine::Engine;
use super::error::{ErrorKind, error_at, record};
use super::range::quoted;
use super::surprise::Surprise;
use super::view::View;
use crate::duration;
use crate::evaluate::{Context, EvaluateError, Place, RoleName, evaluate};
use crate::functions::strings;
use crate::instance::{Moment, Traits, TraitsTexts};
use crate::ir::{Edition, RoleTemplate, Span, Template, TraitsTemplate, Variable};

/// Where a field stands: what it sees, and how its role is called.
#[derive(Clone, Copy)]
pub(super) struct Scene<'r> {
    pub(super) view: View<'r>,
    pub(super) place: Place<'r>,
    pub(super) around: &'r Around<'r>,
    /// Evaluated path, or the template whose name is not evaluated yet.
    pub(super) role: Result<&'r str, &'r RoleTemplate>,
}

impl Scene<'_> {
    /// For messages: the path of the role, ending in the name as written while that is not evaluated.
    pub(super) fn path(&self) -> String {
        match self.role {
            Ok(path) => path.to_owned(),
            Err(template) => self.around.unnamed(template),
        }
    }
}

impl Engine<'_> {
    pub(super) fn enabled(&mut self, template: &Template, scene: &Scene<'_>) -> bool {
        let edition = scene.around.module.edition;
        let text = match template.literal() {
            Some(text) => Ok(text.to_owned()),
            None => self.evaluate(template, scene),
        };
        match text {
            Ok(text) if edition.enabled_is_yes_or_no() => yes_or_no(&text).unwrap_or_else(|| {
                let kind = ErrorKind::NeitherYesNorNo { text };
                self.fail::<()>(kind, template.span, scene.path());
                false
            }),
            Ok(text) => is_true(&text),
            Err(error) => {
                let span = error.span;
                if edition.failing_enabled_is_an_error() {
                    self.fail::<()>(ErrorKind::Evaluate(error), span, scene.path());
                } else {
                    self.warn(ErrorKind::Enabled(error), span, scene);
                }
                false
            }
        }
    }

    fn warn(&mut self, kind: ErrorKind, span: Span, scene: &Scene<'_>) {
        let warning = error_at(kind, span, scene.path());
        let kept = record(&mut self.warnings, warning, self.limits.errors);
        self.untold += usize::from(!kept);
    }

    /// All values of a block, or `None` if any is wrong. They do not see each other.
    pub(super) fn variables(
        &mut self,
        block: &[Variable],
        scene: &Scene<'_>,
    ) -> Option<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        let mut whole = true;
        for variable in block {
            match self.text(&variable.value, scene) {
                Some(value) => {
                    values.insert(variable.name.clone(), value);
                }
                None => whole = false,
            }
        }
        whole.then_some(values)
    }

    /// Inside the name, `This()` has the name and path as written.
    pub(super) fn name(&mut self, template: &Template, scene: &Scene<'_>) -> Option<String> {
        if let Some(name) = template.literal() {
            return Some(name.to_owned());
        }
        let ancestors = scene.around.ancestors;
        let name = template.source();
        let path = scene.around.path(&name);
        let this = Some(RoleName {
            name: &name,
            path: &path,
        });
        self.text(
            template,
            &Scene {
                place: Place::Role {
                    home: scene.around.module.home(),
                    this,
                    ancestors,
                },
                role: Ok(&path),
                ..*scene
            },
        )
    }

    pub(super) fn traits(&mut self, template: &TraitsTemplate, scene: &Scene<'_>) -> Option<Traits> {
        let edition = scene.around.module.edition;
        let timeout = self.text(&template.timeout, scene);
        let trigger = self.text(&template.trigger, scene);
        let never = template.trigger.literal() == Some("")
            || edition.empty_trigger_is_none() && trigger.as_deref() == Some("");
        let timeout = timeout.map(|text| match text.as_str() {
            "" if edition.empty_trigger_is_none() => crate::moment::default_timeout(never).to_owned(),
            _ => text,
        });
        let await_at = if never {
            Some(String::new())
        } else {
            self.text(&template.await_at, scene)
        };
        let texts = TraitsTexts {
            trigger: trigger?,
            await_at: await_at?,
            timeout: timeout?,
        };
        // An `await` that is not written is the trigger again.
        let own_await = (texts.await_at != texts.trigger).then_some((&texts.await_at, &template.await_at));
        for (text, template) in [(&texts.trigger, &template.trigger)].into_iter().chain(own_await) {
            if let Err(error) = Moment::check(text) {
                if edition.weights_are_numbers() {
                    self.fail::<()>(ErrorKind::NoWeight(error), template.span, scene.path());
                } else {
                    self.warn(error.into(), template.span, scene);
                }
            }
        }
        let trigger = Moment::parse(&texts.trigger);
        Some(Traits {
            await_at: trigger
                .as_ref()
                .map(|t| Moment::parse(&texts.await_at).unwrap_or_else(|| t.clone())),
            trigger,
            timeout: duration::parse(&texts.timeout),
            critical: template.critical,
            texts,
        })
    }

    /// Evaluates one field of each item of a list; `None` if any is wrong.
    pub(super) fn each<T, U>(
        &mut self,
        items: &[T],
        scene: &Scene<'_>,
        field: impl Fn(&T) -> &Template,
        make: impl Fn(&T, String) -> U,
    ) -> Option<Vec<U>> {
        let results: Vec<_> = items
            .iter()
            .filter_map(|item| Some(make(item, self.text(field(item), scene)?)))
            .collect();
        (results.len() == items.len()).then_some(results)
    }

    pub(super) fn text(&mut self, template: &Template, scene: &Scene<'_>) -> Option<String> {
        if let Some(text) = template.literal() {
            return Some(text.to_owned());
        }
        match self.evaluate(template, scene) {
            Ok(text) => {
                if let Some(surprise) = Surprise::of(template, &text, scene.around.module.edition) {
                    let text = quoted(&text);
                    self.warn(ErrorKind::Surprise { surprise, text }, template.span, scene);
                }
                Some(text)
            }
            Err(error) => {
                let span = error.span;
                self.fail(ErrorKind::Evaluate(error), span, scene.path())
            }
        }
    }

    pub(super) fn evaluate(&self, template: &Template, scene: &Scene<'_>) -> Result<String, EvaluateError> {
        evaluate(
            template,
            &Context {
                variables: &scene.view,
                place: scene.place,
                world: self.world,
                edition: scene.around.module.edition,
                within: 0,
            },
        )
    }
}

/// The texts that mean enabled (`template-language.md` 2.3).
pub(super) fn is_true(text: &str) -> bool {
    let text = text.trim();
    text == "1" || text.eq_ignore_ascii_case("true")
}

/// Whether a text means enabled in an edition.
pub(crate) fn means_enabled(text: &str, edition: Edition) -> bool {
    if edition.enabled_is_yes_or_no() {
        yes_or_no(text) == Some(true)
    } else {
        is_true(text)
    }
}

/// The words of `strings.IsTruthy` and `strings.IsFalsy` (`template-language.md` 5.1).
fn yes_or_no(text: &str) -> Option<bool> {
    if strings::is_truthy(text) {
        Some(true)
    } else {
        strings::is_falsy(text).then_some(false)
    }
}
