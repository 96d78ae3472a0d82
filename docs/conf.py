"""The site: Markdown by MyST, Sphinx, the theme Furo. Built by `scripts/docs`, strictly, without a network.

Four parts are four folders (`tutorials`, `how-to`, `reference`, `explanation`), and `results`; a page is in the
navigation by lying in its folder. What derives from the program (gallery, interface, dictionary of data) is written by
`_ext` into `generated` before the pages are read.
"""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "mesocosm"
author = "The mesocosm authors"
release = metadata.version("mesocosm")
html_title = "mesocosm"

extensions = ["myst_parser", "sphinx_copybutton", "generate"]
exclude_patterns = ["examples", "_ext", "_static", "generated/gallery.md"]
myst_enable_extensions = ["deflist", "colon_fence", "attrs_block"]
myst_heading_anchors = 4
suppress_warnings = ["ref.python"]  # two rooms may use one word for things of their own
copybutton_prompt_text = "$ "

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["generated/extra"]  # replays, pages of their own
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_show_search_summary = False  # it would fetch pages, which no browser permits from disk
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#00695c", "color-brand-content": "#00695c"},
    "dark_css_variables": {"color-brand-primary": "#5fd4c4", "color-brand-content": "#5fd4c4"},
    "top_of_page_buttons": [],
}
pygments_dark_style = "github-dark"
