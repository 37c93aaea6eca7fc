"""Devices: the reference chip as a pure state machine, fleets of it, the worker's phone, and scenarios for people and tests.

Knows the wire (schemas) and the clock (weld.kit.clock) and refuses to know the platform's own rules: a simulator that
imported them would share their mistakes.
"""
