"""Who may decide: editors, their sessions and one-time links, the limit on attempts, and pipelines' tokens.

Passwords are hashed before they come here; of every other secret only the SHA-256 is kept.
"""
