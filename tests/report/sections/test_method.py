from __future__ import annotations

from helpers_report import rank, run_row, runs

from bench.report.sections.method import method, reproduce


def test_facts_follow_the_definitions_and_commands_are_apart():
    (text,) = method(rank(runs(), about={"device": "a_cpu", "command": "python -m bench run --all"}))
    assert text.splitlines()[-1] == "- **device**: a_cpu"
    assert "in batches of 16, warm-up left out" in text
    assert "bench run" not in text


def test_seed_noise_is_known_only_with_several_seeds():
    assert "each configuration was trained once" in method(rank(runs()))[0]
    seeds = [run_row("vgg16", 224, run_id=f"r{seed}", seed=seed) for seed in (0, 1)]
    assert "see Seeds for its size" in method(rank(seeds))[0]


def test_commands_choose_the_data_set_of_a_shared_store():
    ranking = rank([row | {"data": "my flowers"} for row in runs()], about={"command": "first\nsecond"})
    (alone,) = reproduce(ranking, shared_data=False)
    assert alone.startswith("```\nfirst\nsecond\npython -m bench report    # rebuilds")
    assert "python -m bench report --data 'my flowers'    # rebuilds" in reproduce(ranking, shared_data=True)[0]
