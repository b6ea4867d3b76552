"""What several tests need: servers, databases, and short ways to put a catalog into a state."""
