"""The course: its files, and whether a laptop is ready for it.

- `files`: where the lessons are; lists and copies them.
- `laptop`: tries out in about twenty seconds what the lessons need.

The lessons lie in `course/` of the repository, and in `lessons/` beside this file where the package
was installed from a wheel.
"""
