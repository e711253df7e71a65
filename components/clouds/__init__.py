"""Facts about clouds: regions, zones, machines, names, labels. No resource is declared here, no SDK imported."""
