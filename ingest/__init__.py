"""Inbound: MQTT -> store -> rules -> facts, acknowledged after commit; answers chips for itself (boot reply, stored, resend).

Refuses to acknowledge or remember anything before its transaction has committed, and to send anything that a person or a rule
wanted: that is the gateway's work.
"""
