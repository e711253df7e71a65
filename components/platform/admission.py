"""Residency inside the cluster: admission policies that refuse what a rule refuses, whoever asks and with what tool.

They stand in the API server itself, so there is no controller to run or to fail. A policy that cannot be evaluated
refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.policy import cel
from components.policy.decide import Border

if TYPE_CHECKING:
    from components.platform.context import Context

admission = k8s.admissionregistration.v1


def declare(context: Context) -> None:
    """Declare the policies of the cell's world, each with its binding."""
    border = Border.of(context.fleet, context.cell.cell.world, exports=context.exports)
    for policy in cel.policies(border):
        declared = admission.ValidatingAdmissionPolicy(
            policy.name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=policy.name, labels=context.labels),
            spec=_spec(policy),
            opts=context.options(),
        )
        admission.ValidatingAdmissionPolicyBinding(
            policy.name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=policy.name, labels=context.labels),
            spec=admission.ValidatingAdmissionPolicyBindingSpecArgs(
                policy_name=policy.name,
                validation_actions=["Deny"],
                match_resources=admission.MatchResourcesArgs(
                    match_policy="Equivalent",
                    object_selector=k8s.meta.v1.LabelSelectorArgs(),
                    namespace_selector=k8s.meta.v1.LabelSelectorArgs(
                        match_expressions=[
                            k8s.meta.v1.LabelSelectorRequirementArgs(
                                key="kubernetes.io/metadata.name", operator="NotIn", values=list(cel.EXEMPT)
                            )
                        ]
                    ),
                ),
            ),
            opts=context.options(depends_on=[declared]),
        )


def _spec(policy: cel.Policy) -> admission.ValidatingAdmissionPolicySpecArgs:
    return admission.ValidatingAdmissionPolicySpecArgs(
        failure_policy="Fail",
        match_constraints=admission.MatchResourcesArgs(
            match_policy="Equivalent",
            object_selector=k8s.meta.v1.LabelSelectorArgs(),
            namespace_selector=k8s.meta.v1.LabelSelectorArgs(),
            resource_rules=[
                admission.NamedRuleWithOperationsArgs(
                    api_groups=[group],
                    api_versions=["*"],
                    operations=["CREATE", "UPDATE"],
                    resources=list(kinds),
                    scope="*",
                )
                for group, kinds in policy.resources.items()
            ],
        ),
        # The API server drops an empty list, and what it dropped would be drift.
        variables=[
            admission.VariableArgs(name=name, expression=expression) for name, expression in policy.variables.items()
        ]
        or None,
        validations=[
            admission.ValidationArgs(expression=one.cel, message=one.message, reason="Forbidden")
            for one in policy.expressions
        ],
    )
