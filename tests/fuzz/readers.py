"""Fuzz `targets.readers`: python tests/fuzz/readers.py [-max_total_time=60]"""

if __name__ == "__main__":
    from harness import main

    main("readers")
