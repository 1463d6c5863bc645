"""Why a network said so: maps, and what each of them is worth."""
