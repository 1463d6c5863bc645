"""Training: recipes, the loop, its schedule and optimizer, and what is shown meanwhile."""
