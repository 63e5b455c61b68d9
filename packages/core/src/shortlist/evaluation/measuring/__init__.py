"""What measures are made of: how they are written, which are our own, and which ir-measures computes."""
