"""The rules: pure functions over frozen values. Time, randomness and everything looked up come in as data.

Refuses I/O, clocks, frameworks and every other room of ours.
"""
