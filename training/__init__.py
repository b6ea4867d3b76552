"""From labelled movies to an artifact, and from an artifact to its scores: datasets, recipes, loop, evaluation."""
