"""The register of kinds: an explicit union, in the order of the legend.

A new kind is its file, its import and its name here, its migration and a changelog line.
"""

from typing import get_args

from gis.attributes import Text
from gis.errors import NotFoundError
from gis.kinds.admin_unit import AdminUnit
from gis.kinds.base import Asset, Record, Style, Zoom, declared, sensitivity_of
from gis.kinds.built_up_area import BuiltUpArea
from gis.kinds.drainage_user import DrainageUser
from gis.kinds.flood_point import FloodPoint
from gis.kinds.gas_site import GasSite
from gis.kinds.hazard import Hazard
from gis.kinds.land_plot import LandPlot
from gis.kinds.pocket_park import PocketPark
from gis.kinds.population import Population
from gis.kinds.project import Project
from gis.kinds.road import Road
from gis.kinds.sewage_facility import SewageFacility
from gis.kinds.sewer_manhole import SewerManhole
from gis.kinds.sewer_pipe import SewerPipe
from gis.kinds.storm_inlet import StormInlet
from gis.kinds.traditional_village import TraditionalVillage

AnyRecord = (
    Hazard
    | SewerPipe
    | SewerManhole
    | StormInlet
    | SewageFacility
    | DrainageUser
    | Road
    | PocketPark
    | GasSite
    | FloodPoint
    | TraditionalVillage
    | LandPlot
    | Project
    | AdminUnit
    | BuiltUpArea
    | Population
)

KINDS: dict[str, type[Record]] = {kind.kind: kind for kind in get_args(AnyRecord)}


def get_kind(name: str) -> type[Record]:
    """The kind of that key, or NotFoundError naming the ones there are."""
    try:
        return KINDS[name]
    except KeyError:
        message = Text(
            zh="没有名为 {name} 的图层;可用:{known}",
            en="no kind {name}; there are: {known}",
        )
        raise NotFoundError(message.format(name=name[:64], known=", ".join(KINDS))) from None


__all__ = [
    "KINDS",
    "AnyRecord",
    "Asset",
    "Record",
    "Style",
    "Zoom",
    "declared",
    "get_kind",
    "sensitivity_of",
]
