"""Outward: facts to people's systems. One fact becomes one delivery per endpoint, signed, tried until it has arrived.

Refuses to decide what a fact is worth, and to send to any address that nobody has allowed.
"""
