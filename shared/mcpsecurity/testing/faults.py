"""What can be made to fail in the local stack."""

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.faults import Faults
from mcpsecurity.localcloud.openai.faults import ModelFault, ModelFaults
from mcpsecurity.localcloud.openmeteo import OpenMeteoFaults
from mcpsecurity.testing.background import BackgroundLoop

__all__ = ["FaultSwitches", "ModelFault"]


class FaultSwitches:
    """Switches of the local cloud; all off at the start, and after `clear`."""

    def __init__(self, cloud: LocalCloud, loop: BackgroundLoop) -> None:
        self._cloud = cloud
        self._loop = loop

    @property
    def tenant(self) -> Faults:
        """The tenant's: `down`, `delay`, `clock_skew`, `consent_required`, `refuse(code)` …"""
        return self._cloud.tenant.faults

    @property
    def model(self) -> ModelFaults:
        """The model's: `upcoming.append(ModelFault.rate_limit())`, `down`, `silent`, `drop_after`."""
        return self._cloud.model.faults

    @property
    def weather(self) -> OpenMeteoFaults:
        """The weather service's: `down`, `slow`."""
        return self._cloud.weather

    def rotate_keys(self) -> None:
        """Sign with a new key from now on; the one before stays published."""
        self._loop.run(self._cloud.tenant.rotate_keys())

    def clear(self) -> None:
        """Turn everything off."""
        self.tenant.clear()
        model, fresh = self.model, ModelFaults()
        model.upcoming.clear()
        model.down, model.silent, model.drop_after = fresh.down, fresh.silent, fresh.drop_after
        self.weather.down, self.weather.slow = False, 0.0
