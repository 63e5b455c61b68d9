"""Which pipeline, and with which settings: a search on the user's own questions, and an honest figure of what it found.

`tune` is the whole of it: a `Space` of pipelines is searched on questions; how good the search is, is measured on
questions that it did not see; what it finds on all of them is written to a file.
"""
