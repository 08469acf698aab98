"""Values of formulas: numbers, intervals, matrices."""
