"""The screens in a real browser, against a real stack with real chips."""
