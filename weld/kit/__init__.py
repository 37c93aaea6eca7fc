"""The plumbing: clock, logs, metrics, doors, settings, run. No welding word in it; imports none of our packages."""
