import doctest
import importlib
import pkgutil
import subprocess
import sys

import numpy as np

import ensembles


def test_examples_in_docstrings():
    modules = [importlib.import_module(f"ensembles.{m.name}") for m in pkgutil.iter_modules(ensembles.__path__)]
    results = [doctest.testmod(module, extraglobs={"np": np}) for module in [ensembles, *modules]]
    assert sum(r.failed for r in results) == 0
    assert results[0].attempted >= 5


def test_all_names_are_there():
    assert set(ensembles.__all__) <= set(dir(ensembles))


def test_importing_it_loads_neither_scikit_learn_nor_tensorflow():
    loaded = "[m for m in ('sklearn', 'pandas', 'tensorflow', 'keras', 'bench') if m in sys.modules]"
    command = [sys.executable, "-c", f"import sys, ensembles; print({loaded})"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
