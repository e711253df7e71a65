"""The provider-neutral blueprint: fleets, workloads, waivers. Strict, frozen and offline."""
