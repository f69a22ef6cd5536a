"""The pages of django-oauth-toolkit below /o, its documents at the root, and a login that knows everybody."""

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import include, path
from oauth2_provider import urls


def enter(request: HttpRequest) -> HttpResponseRedirect:
    login(request, get_user_model().objects.get(username="alice"))
    return HttpResponseRedirect(request.GET["next"])


urlpatterns = [
    path("login", enter),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("", include((urls.metadata_urlpatterns, "root"))),
]
