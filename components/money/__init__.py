"""Money: exact amounts, FOCUS bills, dated exchange rates, the lake, the cost report. Nothing here asks a network."""
