"""The demos as HTML pages, by sphinx-gallery: ``python -m sphinx demos pages`` with the extra ``docs`` installed.

Each demo stands in a folder of its own, as PennyLane's do; sphinx-gallery wants one folder of scripts with distinct names.
So they are laid out in ``_scripts`` first, next to the modules that they import.
"""

import shutil
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = HERE / "_scripts"
SLUGS = [path.parent.name for path in sorted(HERE.glob("*/metadata.json"))]


def lay_out() -> list[str]:
    """Copy every demo to ``_scripts/tutorial_<slug>.py``; return the names of the modules beside them."""
    shutil.rmtree(SCRIPTS, ignore_errors=True)
    SCRIPTS.mkdir()
    (SCRIPTS / "GALLERY_HEADER.rst").write_text("Demos\n=====\n\nBefore the first training step.\n", encoding="utf-8")
    modules = []
    for slug in SLUGS:
        for script in (HERE / slug).glob("*.py"):
            name = f"tutorial_{slug}.py" if script.name == "demo.py" else script.name
            shutil.copy(script, SCRIPTS / name)
            if script.name != "demo.py":
                modules.append(script.stem)
    return modules


MODULES = lay_out()

project = "pennylane-dla"
author = "The pennylane-dla team"
extensions = ["sphinx.ext.mathjax", "sphinx_gallery.gen_gallery"]
root_doc = "index"
exclude_patterns = ["_scripts", *SLUGS, "pages"]
html_theme = "alabaster"
html_theme_options = {
    "description": "Can this circuit be trained?",
    "fixed_sidebar": False,
    "page_width": "1000px",
}
html_static_path = ["_static"]
html_css_files = ["demos.css"]
nitpicky = False
suppress_warnings = ["config.cache", "ref.python"]

sphinx_gallery_conf = {
    "examples_dirs": "_scripts",
    "gallery_dirs": "demos",
    "filename_pattern": "tutorial_",
    "ignore_pattern": "|".join(rf"/{module}\.py$" for module in MODULES) or "$^",
    "abort_on_example_error": True,
    "capture_repr": (),
    "remove_config_comments": True,
    "show_signature": False,
    "min_reported_time": 1,
    "image_srcset": [],
}
