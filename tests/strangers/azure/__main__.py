"""A small service's identity and its group on Azure, written with the plain SDK."""

import pulumi
import pulumi_azure_native as azure

case = pulumi.Config().require("case")
opts = pulumi.ResourceOptions(provider=azure.Provider("shop", location="francecentral"))
home = "eastasia" if case == "abroad" else "francecentral"
group = azure.resources.ResourceGroup("shop", resource_group_name="shop", location=home, opts=opts)
# Where the group lies is known when it is there: not yet in a plan.
place = (
    group.id.apply(lambda _: home) if case != "nowhere" else pulumi.Output.from_input(group.id).apply(lambda _: home)
)
azure.managedidentity.UserAssignedIdentity(
    "shop", resource_name_="shop", resource_group_name=group.name, location=place, opts=opts
)
