"""The text of an answer: boxes, and one way to write each character."""
