"""From labelled movies to an artifact and its scores: datasets, recipes, the training loop, evaluation."""
