"""Other libraries' trainers on our environments and rewards, one file for each library.

Each file imports its library where it is needed, so that none is a dependency.
"""
