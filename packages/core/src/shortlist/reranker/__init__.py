"""What a reranker is, how rerankers are put together, and how they are found by name."""
