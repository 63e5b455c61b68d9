"""How rerank clients ask and how they want to be answered: one module for each shape, and what all of them share."""
