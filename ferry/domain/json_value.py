"""What JSON can hold, as types."""

from collections.abc import Mapping, Sequence

type Json = Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None
type JsonObject = Mapping[str, Json]
