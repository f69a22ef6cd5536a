"""Loopback stand-ins for the cloud that the product runs against: Entra ID, Azure OpenAI, Graph, Open-Meteo.

They speak the real wire protocols, so that between development and production only configuration changes.
"""

from mcpsecurity.localcloud.cloud import AgentSubject, LocalCloud
from mcpsecurity.localcloud.settings import LocalCloudSettings, local_cloud_here

__all__ = ["AgentSubject", "LocalCloud", "LocalCloudSettings", "local_cloud_here"]
