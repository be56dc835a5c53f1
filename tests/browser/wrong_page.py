"""A page that does with hostile texts whatever is forbidden on ours."""

import os
import re

import pandas as pd
import streamlit as st

from browser.hostile import hostile_captions, hostile_urls


def main() -> None:
    canary = os.environ["CANARY"]
    # nothing keeps a page from a refresh by its own HTML; handlers make the frontend give up before it draws the rest
    texts = [text for text in hostile_captions(canary) if not re.search(r"http-equiv|\bon\w+=|autofocus", text)]
    texts = [text for text in texts if canary in text or "pwned" in text]
    st.header("Wrong", anchor=False)
    for text in texts:
        st.markdown(text)
        st.html(f"<div>{text}</div>")
        st.markdown(text, unsafe_allow_html=True)
    urls = [url for url in hostile_urls(canary) if url.startswith("http://")]
    st.dataframe(pd.DataFrame({"url": urls}), column_config={"url": st.column_config.ImageColumn()})
    for url in urls[:4]:
        st.image(url)
    st.header("The end", anchor=False)


if __name__ == "__main__":
    main()
