"""A world's one door: the gate's server, and the client that another world's operator speaks to it with."""
