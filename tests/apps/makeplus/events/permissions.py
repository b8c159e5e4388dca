"""Who may do what with events."""

from rest_framework.permissions import BasePermission, IsAuthenticated

MANAGERS = "managers"


def is_manager(user):
    return user.groups.filter(name=MANAGERS).exists()


class EventPermission(IsAuthenticated):
    """Everybody who is signed in reads; managers create and remove; editors of an event change it."""

    def has_permission(self, request, view):
        if not super().has_permission(request, view):
            return False
        return view.action not in ("create", "destroy") or is_manager(request.user)

    def has_object_permission(self, request, view, event):
        if view.action in ("update", "partial_update"):
            edits = event.editors.filter(pk=request.user.pk).exists()
            return edits or is_manager(request.user)
        return True


class ManagerPermission(BasePermission):
    """Managers only."""

    def has_permission(self, request, view):
        return request.user.is_authenticated and is_manager(request.user)
