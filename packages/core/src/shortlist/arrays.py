"""Names for the arrays that pass between the floors."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float32]
"""Shape (d,)."""
Matrix: TypeAlias = NDArray[np.float32]
"""Shape (n, d)."""
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
