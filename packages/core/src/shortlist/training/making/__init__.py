"""How judged lists are made out of documents: chunks to search, names, words, candidates."""
