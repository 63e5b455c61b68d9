"""The HTTP server: every pipeline behind the shapes that rerank clients already speak."""
