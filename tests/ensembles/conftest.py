import sys
from pathlib import Path

# Test folders are no packages (import-mode=importlib); the generator of predictions is shared with the measurements.
sys.path.insert(0, str(Path(__file__).parents[1] / "perf"))
