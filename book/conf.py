"""Jupyter Book's settings as Sphinx reads them, without the extensions that would ask another host."""

from pathlib import Path

from jupyter_book.config import get_final_config

HERE = Path(__file__).parent
UNUSED = {"sphinx_comments", "sphinx_thebe", "sphinx.ext.intersphinx"}

settings, _ = get_final_config(
    user_yaml=HERE / "_config.yml",
    cli_config={"latex_individualpages": False},
    sourcedir=HERE,
    raise_on_invalid=True,
)
settings["extensions"] = [name for name in settings["extensions"] if name not in UNUSED]
globals().update(settings)
