"""What stands behind this entry?"""

from functools import partial

import streamlit as st

from curation import queries
from curation.ui import frame
from curation.ui.entry_facts import choose_entry, show_entry
from curation.ui.entry_search import find_entry
from curation.ui.metadata_edits import edit_entry, edit_metadata
from curation.ui.threshold import choose_t

run = frame.current_run()
st.header("Entries", anchor=False)
t = choose_t(run, on_entry=partial(st.session_state.__setitem__, "entry"))
find_entry(run, t)
entry_id = choose_entry(run)
if entry_id is not None:
    facts = queries.entry_facts(run, entry_id, t)
    show_entry(run, facts)
    edit_entry(run, facts)
edit_metadata(run)
