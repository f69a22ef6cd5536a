"""`mcpsecurity doctor`: checks a configuration by requests to the services, and names the setting to change.

It reads the settings of the services, changes nothing, and shows no secret.
"""

from mcpsecurity_server.doctor.examination import examine
from mcpsecurity_server.doctor.findings import Finding, Status

__all__ = ["Finding", "Status", "examine"]
