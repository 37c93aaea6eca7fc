"""The command `weldgate`: starts and composes everything; imports anything, imported by nothing."""
