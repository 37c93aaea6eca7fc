"""weldgate's own rooms: core (rules), store (data), kit (plumbing), cli (the command)."""
