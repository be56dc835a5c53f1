"""Wikipedia as a source of entries: dumps, n-gram counts and page views, in files."""
