"""Reading Prometheus: query client, expositions, histograms, windows, and one normalised list of series."""
