"""Events as JSON: URLs of files, never their content."""

import re

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from rest_framework import serializers
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer

from .models import Event
from .permissions import is_manager
from .validators import PdfValidator

FOLDERS = {"programme_file": "programmes", "guide_file": "guides"}


class StoredFileField(serializers.FileField):
    """A file that comes with the form, or the key of one that was uploaded to the bucket before."""

    def to_internal_value(self, data):
        if not isinstance(data, str):
            return super().to_internal_value(data)
        if not re.fullmatch(rf"events/{FOLDERS[self.field_name]}/[0-9a-f]{{32}}\.pdf", data):
            raise serializers.ValidationError("This is not the key of an upload.")
        if not default_storage.exists(data):
            raise serializers.ValidationError("Nothing was uploaded there.")
        if Event.objects.filter(**{self.field_name: data}).exists():
            raise serializers.ValidationError("This file is another event's.")
        with default_storage.open(data) as stored:
            try:
                PdfValidator()(stored)
            except ValidationError:
                default_storage.delete(data)
                raise
        return data


class EventSerializer(serializers.ModelSerializer):
    """An event."""

    programme_file = StoredFileField(validators=[])
    guide_file = StoredFileField(required=False, validators=[])
    editors = serializers.PrimaryKeyRelatedField(
        many=True, required=False, queryset=get_user_model().objects.all()
    )

    class Meta:
        model = Event
        fields = ["id", "title", "place", "starts_at", "programme_file", "guide_file", "editors"]

    def _check(self, file):
        if not isinstance(file, str):
            PdfValidator()(file)
        return file

    validate_programme_file = _check
    validate_guide_file = _check


class TokenSerializer(TokenObtainPairSerializer):
    """Tokens that tell the role."""

    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        token["role"] = "manager" if is_manager(user) else "member"
        return token
