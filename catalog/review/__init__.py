"""The editors' queue: what asks for a decision, who has it open, what was done, and what follows."""
