"""Benchmarks: load, contenders and measurements of ingest (`weldgate bench ingest`, `weldgate load`).

May import anything of ours and is imported by the command only. Refuses to touch a stack that somebody uses.
"""
