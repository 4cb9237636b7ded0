from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

import backbones
from backbones import registry


def test_the_matrix_is_registered_and_leaves_tiny_out():
    assert set(backbones.MATRIX) < set(backbones.names())
    assert "tiny" in backbones.names()
    assert "tiny" not in backbones.MATRIX


def test_names_are_sorted():
    assert list(backbones.names()) == sorted(backbones.names())


def test_an_unknown_name_lists_all_names():
    with pytest.raises(backbones.UnknownBackboneError) as caught:
        backbones.get("vgg61")
    assert str(caught.value).startswith("Unknown backbone 'vgg61'. Known: convnextbase, convnextlarge, ")


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="'tiny' is registered already"):
        backbones.register(backbones.get("tiny"))


def test_registering_adds_a_name(monkeypatch):
    backbone = dataclasses.replace(backbones.get("tiny"), name="another")
    monkeypatch.setattr(registry, "_registered", {})
    backbones.register(backbone)
    assert backbones.names() == ("another",)
    assert backbones.get("another") is backbone


def test_a_scheme_makes_backbones_from_names(monkeypatch):
    tiny = backbones.get("tiny")
    monkeypatch.setattr(registry, "_schemes", {})
    registry.register_scheme("made", lambda rest: dataclasses.replace(tiny, name=f"made:{rest}"))
    assert backbones.get("made:by:name").name == "made:by:name"
    with pytest.raises(backbones.UnknownBackboneError, match="Unknown backbone 'mad:x'"):
        backbones.get("mad:x")
    with pytest.raises(ValueError, match="'made:' are registered already"):
        registry.register_scheme("made", lambda rest: tiny)


def test_listing_backbones_loads_no_tensorflow():
    code = (
        "import sys, backbones; backbones.names();"
        "print(sorted({'tensorflow', 'keras', 'h5py', 'numpy', 'bench', 'ensembles'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
