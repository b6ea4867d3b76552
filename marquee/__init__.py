"""What every room shares: the exception tree's root, the settings and the log.

This is the bottom of the project: it imports no room.
"""
