"""What may be uploaded."""

import pathlib

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible


@deconstructible
class PdfValidator:
    """Takes PDF files, by name, size and content."""

    def __call__(self, file):
        if pathlib.PurePath(file.name).suffix.lower() != ".pdf":
            raise ValidationError("Only files that end in .pdf can be uploaded.", code="extension")
        if file.size > settings.MAX_PDF_SIZE:
            raise ValidationError("The file is larger than 10 MB.", code="size")
        file.seek(0)
        head = file.read(1024)
        file.seek(0)
        if not head.startswith(b"%PDF-"):
            raise ValidationError("The file is not a PDF.", code="content")

    def __eq__(self, other):
        return isinstance(other, PdfValidator)
