"""Fuzz `targets.matching`: python tests/fuzz/matching.py [-max_total_time=60]"""

if __name__ == "__main__":
    from harness import main

    main("matching")
