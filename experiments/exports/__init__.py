"""What other programs make of exports."""
