"""How sure a network is, and how sure it may be: calibrated probabilities, sets, what is unlike all that it learned."""
