"""The autograder of The Shortest Program: its file list is its data flow.

lessons → release → (student) → intake → workspace → sandbox → judge → gradebook → feedback, exports
"""

__version__ = "0.1.0"
