"""The rewards, one file each, named as `--reward` names them."""
