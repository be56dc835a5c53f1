"""Models, features and training. Everything in here imports torch."""
