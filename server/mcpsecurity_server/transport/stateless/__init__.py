"""Revision 2026-07-28, without `initialize` and sessions.

`routes` receives requests, `request_meta` and `param_headers` check them, `exchange` answers one, through a
`channel`. `suspension` ends a handler that asks the client; the retry runs it again, with the answers
in `input_required`, whose state travels through the client (`request_state`). `subscriptions` sends changes.
"""
