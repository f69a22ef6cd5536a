"""`mcpsecurity doctor`: looks at a configuration from the outside, and says what to change.

It needs nothing but what the services are configured with, changes nothing, and shows no secret.
"""

from mcpsecurity_server.doctor.examination import examine
from mcpsecurity_server.doctor.findings import Finding, Status

__all__ = ["Finding", "Status", "examine"]
