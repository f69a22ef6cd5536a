"""The revision without handshake and sessions, 2026-07-28: each request says for itself who asks and how.

`envelope` and `parameters` read and check what surrounds a request, `exchange` runs it, `replay` lets
unmodified handlers ask the client by running them again with recorded answers, `seal` protects what is
recorded on its way through the client, `listen` carries change notifications, `era` puts it together.
"""
