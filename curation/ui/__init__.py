"""What pages share: the current run and t, cached calls, widgets, components of our own. Streamlit lives here only."""
