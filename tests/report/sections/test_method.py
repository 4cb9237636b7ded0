from __future__ import annotations

from helpers_report import rank, run_row, runs

from bench.report.sections.method import method, method_in_full, reproduce


def test_facts_follow_the_definitions_and_commands_are_apart():
    ranking = rank(runs(), about={"device": "a_cpu", "command": "python -m bench run --all"})
    (text,) = method_in_full(ranking)
    assert text.splitlines()[-1] == "- **device**: a_cpu"
    assert "bench run" not in text
    (short,) = method(ranking)
    assert "in batches of 16, warm-up left out" in short
    assert "a_cpu" not in short


def test_seed_noise_is_known_only_with_several_seeds():
    assert "each configuration was trained once" in method(rank(runs()))[0]
    seeds = [run_row("vgg16", 224, run_id=f"r{seed}", seed=seed) for seed in (0, 1)]
    assert "**sd** is its size" in method(rank(seeds))[0]


def test_commands_choose_the_data_set_of_a_shared_store():
    ranking = rank([row | {"data": "my flowers"} for row in runs()], about={"command": "first\nsecond"})
    (alone,) = reproduce(ranking, shared_data=False)
    assert alone.startswith("```\nfirst\nsecond\npython -m bench report    # rebuilds")
    assert "python -m bench report --data 'my flowers'    # rebuilds" in reproduce(ranking, shared_data=True)[0]
