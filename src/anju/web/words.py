"""Kinds of words that requests hold: bounded, and storable as text."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("text cannot hold the character NUL")
    return text


Name = Annotated[str, Field(max_length=100), AfterValidator(_storable)]
"""An id, a code, a name, a word to look for."""
Note = Annotated[str, Field(max_length=2_000), AfterValidator(_storable)]
"""What a person has to say."""
Time = AwareDatetime


class Body(BaseModel):
    """A request's body: nothing in it that was not asked for."""

    model_config = ConfigDict(extra="forbid")
