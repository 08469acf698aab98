"""What every lesson uses: exercises that check themselves, and pictures.

- `exercise`: marks a function that you write; it is checked where it stands.
- `save_picture`: saves a picture of the lesson.
"""

from course_tools.exercises import exercise
from course_tools.pictures import save_picture

__all__ = ["exercise", "save_picture"]
