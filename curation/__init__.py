"""Headtail: curate image-text data the MetaCLIP way (Xu et al., arXiv:2309.16671).

Importing this package loads no torch, plotly, streamlit, ray or numba: each part imports what it needs.
"""

__version__ = "0.1.0"
