"""The wire: every topic, chip message, signed word, HTTP body and webhook that crosses our border.

Builds and parses shapes; refuses to decide anything, to store anything and to know any other room of ours.
"""
