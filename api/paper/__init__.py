"""What is printed: the code on a plate, the plate, sheets of plates. Refuses to know requests and tables."""
