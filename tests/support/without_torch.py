"""A machine on which torch is not installed."""

TORCH = {"torch", "lightning"}


# A machine on which torch is not installed.
WITHOUT_TORCH = f"""
import sys
class Missing:
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in {TORCH}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing)
"""
