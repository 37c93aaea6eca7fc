"""The data: all SQL, and one typed Python function a query. Refuses rules, wire shapes, MQTT and HTTP.

Every function takes the connection first and never commits: transactions belong to whoever calls.
"""
