"""Models, features, training and evaluation. What computes imports torch; configurations and folders do not."""
