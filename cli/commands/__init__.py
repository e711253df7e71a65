"""One module per noun of the command line. Each exports click commands that carry their `Verb`."""
