"""The stages of `check.py`: what each of them runs and measures.

- `report`: results, written as they come.
- `setting`: devices, sizes and random models.
- `numerics`, `update`, `sampling`, `engine`, `training`: the stages.
"""
