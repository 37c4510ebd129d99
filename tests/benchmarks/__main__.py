"""``python -m tests.benchmarks [name …]``: ratios against peers, measured in one run; nothing is asserted."""

import importlib
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

PARTS = ("diagnosis", "classification", "paths", "sums", "slow")
PEERS = ("pennylane", "pennylane-lightning", "jax", "numpy", "paulie", "fastdla", "stim")


def main(names):
    """Run the named parts, all by default."""
    found = []
    for package in PEERS:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}; {', '.join(found)}")
    for name in names or PARTS:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"{__package__}.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
