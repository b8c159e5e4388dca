"""Events and their files, of which the database keeps the keys alone."""

import uuid

from django.conf import settings
from django.db import models

from .validators import PdfValidator


def programme_key(_event, _name):
    return f"events/programmes/{uuid.uuid4().hex}.pdf"


def guide_key(_event, _name):
    return f"events/guides/{uuid.uuid4().hex}.pdf"


class Event(models.Model):
    """Something that takes place."""

    title = models.CharField(max_length=200)
    place = models.CharField(max_length=200, blank=True)
    starts_at = models.DateTimeField()
    programme_file = models.FileField(upload_to=programme_key, validators=[PdfValidator()])
    guide_file = models.FileField(upload_to=guide_key, validators=[PdfValidator()], blank=True)
    editors = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="edited")

    FILES = ("programme_file", "guide_file")

    class Meta:
        ordering = ["starts_at", "id"]

    def files(self):
        """The keys of its files, by field."""
        return {name: getattr(self, name).name for name in self.FILES}
