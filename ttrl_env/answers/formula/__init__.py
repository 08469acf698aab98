"""Formulas: from LaTeX to a tree."""
