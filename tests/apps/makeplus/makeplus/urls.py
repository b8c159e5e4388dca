"""The URLs."""

from django.urls import include, path
from rest_framework.routers import DefaultRouter

from events import views

router = DefaultRouter()
router.register("events", views.EventViewSet)

urlpatterns = [
    path("api/token/", views.TokenView.as_view()),
    path("api/uploads/", views.DirectUploadView.as_view()),
    path("api/", include(router.urls)),
    path("upload/", views.upload_page),
]
