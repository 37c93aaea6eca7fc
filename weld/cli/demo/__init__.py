"""`weldgate demo`: a living made-up city on one machine. Refuses to be reached from anywhere but this machine."""
