"""The report of a run: what it holds is gathered here, and rendered."""
