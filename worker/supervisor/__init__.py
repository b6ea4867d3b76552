"""Child processes of Marquee: guarded, so that none outlives it, and supervised, so that one that dies comes back."""
