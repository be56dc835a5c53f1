"""What does this checkpoint see in my pictures?"""

import streamlit as st

from curation.errors import CurationError
from curation.ui import classify, classify_results, frame
from curation.ui.checkpoints import choose_checkpoint
from curation.ui.class_names import choose_labels
from curation.ui.classify_pictures import choose_pictures, previews, sample_labels
from curation.ui.model_worker import model_worker
from curation.ui.text import notice

frame.enter()
worker = model_worker()
worker.start()
st.header("Classify", anchor=False)
left, middle, right = st.columns(3, gap="large")
with left:
    pictures = choose_pictures()
with middle:
    labels = choose_labels(sample_labels())
with right:
    chosen = choose_checkpoint(worker)
    templates = classify.choose_templates()
    k, threshold = classify.choose_shown()
if chosen is None or labels is None or templates is None or not pictures:
    st.stop()

source, about = chosen
try:
    previewed = previews(pictures)
    seen, found = classify.classify(worker, source, about, pictures, previewed, labels, templates)
    classify_results.say_cosines(found)
    near = classify.choose_nearest(worker, source, about, seen)
    classify_results.show_cards(seen, previewed, found, k, threshold, near)
    classify_results.show_similarities(found)
    classify_results.show_training(about, labels)
except CurationError as error:
    notice(str(error))
