"""Whether reranking helps, and what it costs: collections, runs, measures, comparisons and their report."""
