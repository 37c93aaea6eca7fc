"""Chaos: scripted chips, a fault proxy, a nemesis, and a checker that knows only the contract.

`weldgate chaos ingest` puts them together. Refuses to know how ingest does its work: what chips counted is compared with what
stands in the store, and with a run of the same bytes in which nothing failed.
"""
