"""The device edge: commands to chips, signed tickets, the identity of chips, the configuration of the broker."""
