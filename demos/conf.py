"""The demos as HTML pages, by sphinx-gallery: ``python -m sphinx demos pages`` with the extra ``docs`` installed.

Each demo stands in a folder of its own, as PennyLane's do; sphinx-gallery wants one folder of scripts with distinct names.
So they are laid out in ``_scripts`` first; the modules that they import are found where they are.
"""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = HERE / "_scripts"
SLUGS = [path.parent.name for path in sorted(HERE.glob("*/metadata.json"))]

shutil.rmtree(SCRIPTS, ignore_errors=True)
SCRIPTS.mkdir()
(SCRIPTS / "GALLERY_HEADER.rst").write_text("Demos\n=====\n\nBefore the first training step.\n", encoding="utf-8")
for slug in SLUGS:
    shutil.copy(HERE / slug / "demo.py", SCRIPTS / f"tutorial_{slug}.py")
    sys.path.append(str(HERE / slug))

project = "pennylane-dla"
author = "The pennylane-dla team"
extensions = ["sphinx.ext.mathjax", "sphinx_gallery.gen_gallery"]
root_doc = "index"
exclude_patterns = ["_scripts", *SLUGS, "pages", "sg_execution_times.rst"]
html_theme = "alabaster"
html_theme_options = {"description": "Can this circuit be trained?", "page_width": "1000px"}
html_static_path = ["_static"]
html_css_files = ["demos.css"]
suppress_warnings = ["config.cache"]

sphinx_gallery_conf = {
    "examples_dirs": "_scripts",
    "gallery_dirs": "demos",
    "filename_pattern": "tutorial_",
    "abort_on_example_error": True,
    "capture_repr": (),
    "show_signature": False,
    "min_reported_time": 1,
}
