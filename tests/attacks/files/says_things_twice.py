"""Hands in JSON that two readers read differently: keys twice, NaN, huge numbers, and cells of no known kind."""

import json


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    text = json.dumps(json.loads(honest))
    odd = '[{"cell_type": [], "source": {}, "metadata": []}, null, 7, {"cell_type": "code", "source": 7}]'
    text = text.replace(
        '{"cells": ', f'{{"cells": {odd}, "nbformat": NaN, "x": 1e999, "y": {"9" * 4000}, "cells": ', 1
    )
    (folder / "mallory" / f"{lesson}.ipynb").write_text(text, encoding="utf-8")


def worked(folder, lesson):
    text = (folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8")
    return text.count('"cells": ') == 2
