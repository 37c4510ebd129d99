"""The site: documentation, API and demos as HTML pages. ``python -m sphinx demos pages`` with the extra ``docs``.

Each demo stands in a folder of its own, as PennyLane's do; sphinx-gallery wants one folder of scripts with distinct
names.
So they are laid out in ``_scripts`` first; the modules that they import are found where they are. What a page shows as
printed or drawn is made while it is built.
"""

import shutil
import sys
from pathlib import Path

import pennylane_dla

HERE = Path(__file__).parent
SCRIPTS = HERE / "_scripts"
SLUGS = [path.parent.name for path in sorted(HERE.glob("*/metadata.json"))]
CHANGELOG = next(  # a copy of this folder alone is built with the log of the package that it documents
    path
    for path in (HERE.parent / "CHANGELOG.md", Path(pennylane_dla.__file__).parents[1] / "CHANGELOG.md")
    if path.exists()
)

shutil.rmtree(SCRIPTS, ignore_errors=True)
SCRIPTS.mkdir()
(SCRIPTS / "GALLERY_HEADER.rst").write_text("Demos\n=====\n\nBefore the first training step.\n", encoding="utf-8")
for slug in SLUGS:
    shutil.copy(HERE / slug / "demo.py", SCRIPTS / f"tutorial_{slug}.py")
    sys.path.append(str(HERE / slug))
shutil.copy(CHANGELOG, HERE / "changelog.md")
sys.path.append(str(HERE / "_ext"))

project = "pennylane-dla"
author = "The pennylane-dla team"
version = release = pennylane_dla.__version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
    "mathml",
    "printed",
]
root_doc = "index"
exclude_patterns = ["_scripts", "_ext", *SLUGS, "pages", "sg_execution_times.rst", "README.md"]
suppress_warnings = ["config.cache", "myst.header"]
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # types stand in the docstrings where a reader needs them
autodoc_default_options = {"members": True, "show-inheritance": False}
autosummary_generate = True
templates_path = ["_templates"]
napoleon_use_rtype = False
napoleon_custom_sections = [("Keyword Args", "params_style")]

html_theme = "furo"  # light and dark, and nothing of it is loaded from elsewhere
html_title = "pennylane-dla"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5fb0", "color-brand-content": "#0b5fb0"},
    "dark_css_variables": {"color-brand-primary": "#7cb8ff", "color-brand-content": "#7cb8ff"},
}

sphinx_gallery_conf = {
    "examples_dirs": "_scripts",
    "gallery_dirs": "demos",
    "filename_pattern": "tutorial_",
    "abort_on_example_error": True,
    "capture_repr": (),
    "show_signature": False,
    "min_reported_time": 1,
    "doc_module": ("pennylane_dla",),
    "reference_url": {"pennylane_dla": None},
}
