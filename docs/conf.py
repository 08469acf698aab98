"""The configuration of the site; `make docs` builds it."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "ttrl-env"
author = "ttrl-env developers"
project_copyright = author
version = release = version_of("ttrl-env")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.githubpages",
    "sphinx_copybutton",
    "ttrl_site",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_ext", "figures"]
nitpicky = False  # types of other packages have no pages here

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
smartquotes = False  # it would turn the dashes of --options into one
myst_dmath_double_inline = True

# Docstrings are Markdown in this respect: `code` in single backticks.
default_role = "code"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "ttrl-env"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # its text cannot be read from file://
html_show_sphinx = False
html_theme_options = {"sidebar_hide_name": False}
# One file with all fonts, copied by `ttrl_site`: nothing is asked of the network.
mathjax_path = "tex-svg.js"
mathjax3_config = {"svg": {"fontCache": "global"}}
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
