"""The demos run from start to end and draw what they announce; the site builds, and a browser shows it on any width."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import pennylane_dla as dla

DEMOS = Path(__file__).parents[1] / "demos"
SLUGS = [path.parent.name for path in sorted(DEMOS.glob("*/demo.py"))]

# Figures are saved where they would be shown: the demo itself is not edited.
RUNNER = """
import runpy, sys
from pathlib import Path
import matplotlib
import matplotlib.pyplot as plt

slug, target = sys.argv[1:]
saved = []

def show(*args, **kwargs):
    for number in plt.get_fignums():
        figure = plt.figure(number)
        drawn = [a for a in figure.axes if a.lines or a.collections or a.images or a.patches or a.texts]
        assert figure.axes and len(drawn) == len(figure.axes), "a panel is empty"
        saved.append(Path(target) / f"{len(saved)}.png")
        figure.savefig(saved[-1], dpi=50)
    plt.close("all")

plt.show = show
sys.path.insert(0, str(Path(slug)))
runpy.run_path(str(Path(slug) / "demo.py"), run_name="__main__")
assert not plt.get_fignums(), "a figure is never shown"
"""


def figures_announced(slug):
    """How often the demo shows something; a call inside a loop counts once."""
    return (DEMOS / slug / "demo.py").read_text(encoding="utf-8").count("plt.show()")


DOCS = all(find_spec(name) for name in ("sphinx", "sphinx_gallery", "furo", "myst_parser", "math_core", "matplotlib"))


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.skipif(DOCS, reason="the site runs every demo already")
def test_demo_runs_and_draws(slug, tmp_path):
    announced = figures_announced(slug)
    if announced:
        pytest.importorskip("matplotlib")
    if "networkx" in (DEMOS / slug / "requirements.in").read_text().split():
        pytest.importorskip("networkx")
    command = [sys.executable, str(DEMOS / slug / "demo.py")]
    if announced:
        (tmp_path / "runner.py").write_text(RUNNER, encoding="utf-8")
        command = [sys.executable, str(tmp_path / "runner.py"), str(DEMOS / slug), str(tmp_path)]
    root = str(DEMOS.parent)
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=1200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip()
    pictures = list(tmp_path.glob("*.png"))
    assert len(pictures) >= announced
    assert all(picture.stat().st_size > 5000 for picture in pictures)


@pytest.mark.parametrize("slug", SLUGS)
def test_demo_has_the_layout_of_pennylanes_demos(slug):
    metadata = json.loads((DEMOS / slug / "metadata.json").read_text(encoding="utf-8"))
    assert {"title", "authors", "dateOfPublication", "categories", "tags", "seoDescription"} <= set(metadata)
    text = (DEMOS / slug / "demo.py").read_text(encoding="utf-8")
    title, underline = re.match(r'r"""\n(.+)\n(=+)\n', text).groups()
    assert title == metadata["title"] and len(underline) >= len(title)
    requirements = (DEMOS / slug / "requirements.in").read_text(encoding="utf-8").split()
    imported = {m.split(".")[0] for m in re.findall(r"^(?:import|from) (\w[\w.]*)", text, re.MULTILINE)}
    own = {path.stem for path in (DEMOS / slug).glob("*.py")}
    packages = {name.replace("-", "_") for name in requirements}
    assert imported - own - set(sys.stdlib_module_names) <= packages


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    "--allow-file-access-from-files",
]
PHONE, DESK = 390, 1280

# A window of a desktop browser is never as narrow as a phone: the page is shown in a frame of the width of one. What
# sticks out of the page is counted, unless it is in a box that scrolls.
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe src="{page}" style="width:{width}px;height:900px;border:0"></iframe><pre id="found"></pre><script>
window.onload = () => {{
  const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
  const pictures = [...page.querySelectorAll("article img")], right = root.clientWidth + 1;
  const scrolls = e => e && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const texts = [...page.querySelectorAll("article pre, article math, article td, article p, article h1")];
  document.querySelector("#found").textContent = JSON.stringify({{
    width: root.clientWidth, needed: root.scrollWidth, title: page.querySelector("h1").textContent,
    drawn: pictures.filter(p => p.complete && p.naturalWidth > 100 && p.getBoundingClientRect().width > 100).length,
    wide: pictures.filter(p => p.getBoundingClientRect().right > right).length,
    clipped: texts.filter(e => e.getBoundingClientRect().right > right && !scrolls(e)).length,
    outputs: page.querySelectorAll(".sphx-glr-script-out, .printed").length,
    math: page.querySelectorAll("math").length,
    names: [...page.querySelectorAll("dt.sig")].map(e => e.id),
    remote: [...page.querySelectorAll("script[src], link[rel=stylesheet], img")]
      .map(e => e.src || e.href).filter(u => !u.startsWith("file:") && !u.startsWith("data:")),
  }});
}};
</script>"""


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The site with all demos, built once; a warning fails it. Those in ``DLA_PAGES``, where that is given."""
    if not DOCS:
        pytest.skip('needs the extra "docs"')
    if "DLA_PAGES" in os.environ:
        return Path(os.environ["DLA_PAGES"])
    place = tmp_path_factory.mktemp("pages")
    source = place / "demos"
    left = shutil.ignore_patterns("_scripts", "demos", "api", "_pictures", "__pycache__", "_build")
    shutil.copytree(DEMOS, source, ignore=left)
    paths = [str(DEMOS.parent), os.environ.get("PYTHONPATH")]
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(source)]
    command.append(str(place / "html"))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    return place / "html"


@pytest.fixture
def shown(pages, tmp_path):
    """What a browser of some width makes of a page of the site."""
    if BROWSER is None:
        pytest.skip("needs chromium")

    def show(name, width):
        page = pages / f"{name}.html"
        (tmp_path / "frame.html").write_text(FRAME.format(page=page.as_uri(), width=width), encoding="utf-8")
        command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'user'}", "--window-size=1400,1000"]
        command += ["--virtual-time-budget=8000", "--dump-dom", (tmp_path / "frame.html").as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)
        found = json.loads(re.search(r'<pre id="found">(\{.*?\})</pre>', done.stdout).group(1))
        assert found["needed"] <= found["width"], f"{found['needed']} px on {found['width']} px"
        assert found["wide"] == 0 and found["clipped"] == 0 and found["remote"] == []
        return found

    return show


@pytest.mark.slow
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("slug", SLUGS)
def test_demo_shows_its_figures_and_fits_the_screen(slug, width, shown):
    found = shown(f"demos/tutorial_{slug}", width)
    metadata = json.loads((DEMOS / slug / "metadata.json").read_text(encoding="utf-8"))
    title = found["title"].replace("’", "'")  # sphinx sets typographic quotes
    assert title.startswith(metadata["title"])
    assert found["drawn"] >= figures_announced(slug) and found["outputs"] > 0


# The page, its title, and the least number of pictures, of outputs of code and of formulas on it.
WRITTEN = [
    ("index", "Can this circuit be trained?", 1, 1, 0),
    ("docs/how_it_works", "How it works", 0, 0, 20),
    ("docs/reading_a_report", "Reading a report", 1, 3, 5),
    ("docs/api", "API", 0, 0, 0),
    ("docs/api/pennylane_dla.inspect", "inspect", 0, 0, 0),
    ("docs/records", "The parts of a diagnosis", 0, 0, 0),
    ("changelog", "Release", 0, 0, 0),
]


@pytest.mark.slow
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page[0])
def test_written_page_is_whole_and_fits_the_screen(page, width, shown):
    name, title, pictures, outputs, formulas = page
    found = shown(name, width)
    assert found["title"].startswith(title)
    assert found["drawn"] >= pictures and found["outputs"] >= outputs and found["math"] >= formulas


@pytest.mark.slow
def test_every_public_name_has_a_page_of_the_api(pages):
    for name in dla.__all__:
        if name == "plot":  # a module: its panels have pages
            continue
        text = (pages / "docs" / "api" / f"pennylane_dla.{name}.html").read_text(encoding="utf-8")
        assert f'id="pennylane_dla.{name}"' in text, name


@pytest.mark.slow
def test_code_of_the_demos_links_to_the_api(pages):
    text = (pages / "demos" / "tutorial_quickstart.html").read_text(encoding="utf-8")
    assert re.search(r'href="[^"]*docs/api/pennylane_dla\.inspect\.html', text)
