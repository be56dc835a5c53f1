"""Fuzz `targets.manifests`: python tests/fuzz/manifests.py [-max_total_time=60]"""

if __name__ == "__main__":
    from harness import main

    main("manifests")
