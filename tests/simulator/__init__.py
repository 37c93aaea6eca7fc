"""The reference chip, its fleets, its phone and its scenarios."""
