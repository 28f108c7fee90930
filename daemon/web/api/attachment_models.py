"""What the API takes and gives of files, as models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from daemon.web.api.models import Asking, Giving


class AttachQuery(Asking):
    """What a file is called, and which upload field it fills."""

    name: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        None, description="of the file, when the body is the file; else Content-Disposition says it"
    )
    field: Annotated[str, Field(pattern=r"^[A-Za-z]{1,40}$")] | None = Field(
        None, description="an upload field of the order's template: the file becomes its value"
    )


class Attachment(Giving):
    """A file of a work order; its bytes are at `/attachments/{id}`. `media_type`: by name and content."""

    id: int
    name: str
    media_type: str
    size: int = Field(description="bytes")
    sha256: str
    field: str | None = Field(description="the upload field that it was added to")
    added_by: int | None = Field(description="an agent's id; null: a system")
    added_at: datetime


class Attachments(Giving):
    """Files of a work order, oldest first."""

    items: tuple[Attachment, ...]
