"""Hash of a frame in a fixed binary form (design 3.7); stand-in of the snapshot's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl


def frame_hash(frame: pl.DataFrame, key: Sequence[str]) -> str:
    """Give the SHA-256 over schema and key-sorted rows, as hex text."""
    digest = hashlib.sha256()
    ordered = frame.sort(list(key), maintain_order=True) if key else frame
    for name, dtype in ordered.schema.items():
        digest.update(f"{name}:{dtype}\n".encode())
        column = ordered[name]
        digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        if dtype == pl.String:
            texts = column.fill_null("")
            digest.update(texts.str.len_bytes().to_numpy().astype("<i8").tobytes())
            digest.update("".join(texts.to_list()).encode())
        elif dtype.is_float():
            values = column.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0
            digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8"))
        else:
            whole = column.to_physical().cast(pl.Int64).fill_null(0).to_numpy()
            digest.update(whole.astype("<i8").tobytes())
    return digest.hexdigest()
