"""The library: neutral spec, cloud facts, components, policy, parity, money. Everything else sits on it."""
