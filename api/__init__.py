"""People: the HTTP interface for workers, officers and the public. One request is one transaction.

Refuses SQL (weld.store has it), MQTT (commands go through their table), and to believe anything but what chips reported.
"""
