"""How the kernels that run the book's cells draw and log; tools/book.py puts it where they look for it."""

c = get_config()  # noqa: F821 - IPython defines it

# SVG is sharp at every size; without a date and with a fixed salt, the same plot is the same file.
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": "tight", "metadata": {"Date": None}}
c.InlineBackend.rc = {"svg.hashsalt": "book"}

# Each start warns that the messages on the loopback are not encrypted; warnings of cells are still shown.
c.IPKernelApp.log_level = "ERROR"
