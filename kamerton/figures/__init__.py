"""Pictures of arrays, as a journal would print them; they know nothing of runs or files."""
