"""Scores for the systems that instructors already use: one module a system, each held to its published format."""
