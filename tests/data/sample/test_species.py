from __future__ import annotations

from collections import Counter

from bench.data.sample.backdrop import BACKDROPS
from bench.data.sample.species import SPECIES


def test_there_are_eight_with_names_of_their_own():
    assert len({species.name for species in SPECIES}) == len(SPECIES) == 8


def test_petals_differ_between_any_two():
    assert len({(species.rows, species.shape) for species in SPECIES}) == len(SPECIES)


def test_no_colour_and_no_backdrop_tells_a_species():
    for values in ([species.colours for species in SPECIES], [species.habitats for species in SPECIES]):
        species_with = Counter(value for of_one in values for value in set(of_one))
        assert all(any(species_with[value] > 1 for value in of_one) for of_one in values)
        assert all(len(set(of_one)) > 1 for of_one in values)


def test_every_habitat_can_be_drawn_and_every_backdrop_is_one():
    assert {kind for species in SPECIES for kind in species.habitats} == set(BACKDROPS)
