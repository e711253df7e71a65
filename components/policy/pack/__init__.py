"""The rules as a policy pack, for programs that are not ours: `pulumi up --policy-pack components/policy/pack`."""
