"""The programs that the course builds, one module a lesson."""
