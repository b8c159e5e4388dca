"""The calls."""

import uuid

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.shortcuts import render
from rest_framework import serializers, viewsets
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView

from .models import Event
from .permissions import EventPermission, ManagerPermission
from .serializers import FOLDERS, EventSerializer, TokenSerializer


class TokenView(TokenObtainPairView):
    """Signs in."""

    serializer_class = TokenSerializer


def _remove(keys):
    """Removes files once what named them is gone for good."""
    for key in filter(None, keys):
        transaction.on_commit(lambda key=key: default_storage.delete(key))


class EventViewSet(viewsets.ModelViewSet):
    """Events, whose files come and go with them."""

    queryset = Event.objects.prefetch_related("editors")
    serializer_class = EventSerializer
    permission_classes = [EventPermission]

    @transaction.atomic
    def perform_update(self, serializer):
        before = Event.objects.get(pk=serializer.instance.pk).files()
        event = serializer.save()
        _remove(key for name, key in before.items() if key != event.files()[name])

    @transaction.atomic
    def perform_destroy(self, event):
        keys = event.files().values()
        event.delete()
        _remove(keys)


class DirectUploadSerializer(serializers.Serializer):
    """What is to be uploaded."""

    field = serializers.ChoiceField(choices=list(FOLDERS))


class DirectUploadView(APIView):
    """Gives managers a form by which a browser uploads to the bucket itself."""

    permission_classes = [ManagerPermission]

    def post(self, request):
        wanted = DirectUploadSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        folder = FOLDERS[wanted.validated_data["field"]]
        key = f"events/{folder}/{uuid.uuid4().hex}.pdf"
        given = {
            "Content-Type": "application/pdf",
            "Cache-Control": "public, max-age=86400",
            "success_action_status": "201",
        }
        form = default_storage.connection.meta.client.generate_presigned_post(
            default_storage.bucket_name,
            key,
            Fields=given,
            Conditions=[
                *({name: value} for name, value in given.items()),
                ["content-length-range", 1, settings.MAX_PDF_SIZE],
            ],
            ExpiresIn=600,
        )
        return Response({"key": key, **form}, status=201)


def upload_page(request):
    """The page that uploads a programme to the bucket itself, and shows it."""
    return render(request, "events/upload.html")
