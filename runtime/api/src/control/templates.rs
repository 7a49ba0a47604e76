//! Workflow templates with what can be given to them.

use partita_proto::o2control as pb;
use partita_proto::o2control::var_spec_message::{Type, UiWidget};
use tonic::Status;

use super::Control;
use crate::refusal::{shortened, unavailable};
use crate::server::now_ms;
use crate::workflows::{Template, TemplateQuery, Unavailable, VariableSpecification};

impl Control {
    pub(super) async fn templates(
        &self,
        request: pb::GetWorkflowTemplatesRequest,
    ) -> Result<pb::GetWorkflowTemplatesReply, Status> {
        let query = TemplateQuery {
            repository: request.repo_pattern,
            revision: request.revision_pattern,
            branches: request.all_branches,
            tags: request.all_tags,
            all: request.all_workflows,
        };
        let found = self.0.ask(move |workflows| workflows.templates(&query)).await;
        let found = found.map_err(|error| Status::internal(error.to_string()))?;
        let found = found.map_err(|error| match error {
            // So clients know it (`wire.md` 2.2).
            Unavailable::Asked(reason) | Unavailable::Unknown(reason) => Status::invalid_argument(shortened(
                &format!("cannot query available workflows for {reason}"),
            )),
            error @ Unavailable::Surroundings(_) => unavailable(&error),
        })?;
        Ok(pb::GetWorkflowTemplatesReply {
            workflow_templates: found.into_iter().map(template).collect(),
            timestamp: now_ms(),
        })
    }
}

fn template(template: Template) -> pb::WorkflowTemplateInfo {
    let variables = template.variables.into_iter();
    pb::WorkflowTemplateInfo {
        repo: template.repository,
        template: template.name,
        revision: template.revision,
        var_spec_map: variables
            .map(|(name, variable)| (name, specification(variable)))
            .collect(),
        description: template.description,
    }
}

/// Names of types and widgets are those of the enumerations; others are the first (`template-language.md` 10).
fn specification(variable: VariableSpecification) -> pb::VarSpecMessage {
    let spec = variable.spec;
    pb::VarSpecMessage {
        default_value: variable.default,
        r#type: Type::from_str_name(&spec.kind).unwrap_or_default().into(),
        widget: UiWidget::from_str_name(&spec.widget).unwrap_or_default().into(),
        label: spec.label,
        description: spec.description,
        panel: spec.panel,
        allowed_values: spec.values,
        index: spec.index,
        visible_if: spec.visible_if,
        enabled_if: spec.enabled_if,
        rows: spec.rows,
    }
}
