from __future__ import annotations

from collections import Counter
from dataclasses import replace

from bench.data.sample.backdrop import BACKDROPS
from bench.data.sample.pattern import PATTERNS
from bench.data.sample.species import SPECIES, are_alike

PAIRS = [(one, other) for one in range(12) for other in range(one) if are_alike(one, other)]


def test_twelve_with_names_of_their_own_in_six_pairs():
    assert len({species.name for species in SPECIES}) == len(SPECIES) == 12
    assert sorted(label for pair in PAIRS for label in pair) == list(range(12))
    assert all(other < 6 <= one for one, other in PAIRS)  # the frequent one first


def test_species_of_a_pair_differ_in_details_alone():
    def without_details(species):
        return replace(species, name="", pattern=None, ink=0.0, centre=replace(species.centre, anthers=None))

    for pair in PAIRS:
        one, other = (SPECIES[label] for label in pair)
        assert (one.pattern, one.centre) != (other.pattern, other.centre)
        assert without_details(one) == without_details(other)


def test_petals_differ_between_pairs():
    assert len({(species.rows, species.shape) for species in SPECIES}) == len(PAIRS)


def test_no_backdrop_tells_a_pair():
    pairs_with = Counter(kind for one, _ in PAIRS for kind in set(SPECIES[one].habitats))
    assert all(count > 1 for count in pairs_with.values())
    assert all(len(set(species.habitats)) > 1 and len(set(species.colours)) > 1 for species in SPECIES)


def test_every_habitat_can_be_drawn_and_every_backdrop_and_pattern_is_used():
    assert {kind for species in SPECIES for kind in species.habitats} == set(BACKDROPS)
    assert {species.pattern for species in SPECIES} - {None} == set(PATTERNS)
