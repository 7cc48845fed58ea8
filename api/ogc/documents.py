"""The documents of OGC API Common: landing page, conformance, collections, tilesets."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from api.context import absolute
from api.remembered import Extent
from gis.attributes import Language, Text
from gis.geometry import CRS84_URI, STORAGE_SRID
from gis.kinds import Record

TITLE = Text(zh="城建一张图", en="Infratrack")
DESCRIPTION = Text(
    zh="县城基础设施一张图:管网、道路、口袋公园、燃气、传统村落、项目与隐患",
    en="A county's infrastructure: sewers, roads, pocket parks, gas, villages, projects, hazards",
)
GEOJSON = "application/geo+json"
JSON = "application/json"
MVT = "application/vnd.mapbox-vector-tile"
SCHEMA_JSON = "application/schema+json"
OPENAPI_JSON = "application/vnd.oai.openapi+json;version=3.0"
TMS_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/schemas",
    "http://www.opengis.net/spec/ogcapi-common-3/1.0/conf/schemas",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/dataset-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/collections-selection",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/oas30",
)
Document = dict[str, Any]  # Any: JSON


def link(rel: str, media: str, href: str, title: str | None = None) -> Document:
    """One link object."""
    return {"rel": rel, "type": media, "href": href, **({"title": title} if title else {})}


def landing_document(request: Request, language: Language) -> Document:
    """What is here and where."""
    return {
        "title": TITLE.get(language),
        "description": DESCRIPTION.get(language),
        "links": [
            link("self", JSON, absolute(request, "/"), TITLE.get(language)),
            link("service-desc", OPENAPI_JSON, absolute(request, "/api")),
            link("service-doc", "text/html", absolute(request, "/api.html")),
            link("conformance", JSON, absolute(request, "/conformance")),
            link("data", JSON, absolute(request, "/collections")),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/conformance",
                JSON,
                absolute(request, "/conformance"),
            ),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/data",
                JSON,
                absolute(request, "/collections"),
            ),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
                JSON,
                absolute(request, "/tiles"),
            ),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
                JSON,
                absolute(request, "/tileMatrixSets"),
            ),
        ],
    }


def conformance_document() -> Document:
    """What is claimed, and tested."""
    return {"conformsTo": list(CONFORMANCE)}


def collection_document(
    request: Request, kind: type[Record], extent: Extent, language: Language
) -> Document:
    """One collection; what its rows say of it comes in ``extent``."""
    here = f"/collections/{kind.kind}"
    spatial = [extent.box or [-180.0, -90.0, 180.0, 90.0]]
    return {
        "id": kind.kind,
        "title": kind.label.get(language),
        "description": (kind.__doc__ or "").strip(),
        "itemType": "feature",
        "itemCount": extent.count,
        "crs": [CRS84_URI],
        "storageCrs": f"http://www.opengis.net/def/crs/EPSG/0/{STORAGE_SRID}",
        "extent": {
            "spatial": {"bbox": spatial, "crs": CRS84_URI},
            "temporal": {"interval": [[extent.since, None]]},
        },
        "links": [
            link("self", JSON, absolute(request, here)),
            link("items", GEOJSON, absolute(request, f"{here}/items"), kind.label.get(language)),
            link("describedby", SCHEMA_JSON, absolute(request, f"{here}/schema")),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/schema",
                SCHEMA_JSON,
                absolute(request, f"{here}/schema"),
            ),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
                JSON,
                absolute(request, f"{here}/tiles"),
            ),
        ],
    }


def tilesets_document(request: Request, base: str, title: str) -> Document:
    """The list of tilesets: one, WebMercatorQuad."""
    tileset = {
        "title": title,
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": TMS_URI,
        "links": [link("self", JSON, absolute(request, f"{base}/WebMercatorQuad"))],
    }
    return {
        "links": [link("self", JSON, absolute(request, base))],
        "tilesets": [tileset],
    }


def tileset_document(
    request: Request, base: str, kinds: list[type[Record]], language: Language
) -> Document:
    """One tileset: its layers, their zooms, and the template of its tiles."""
    template = absolute(request, f"{base}/WebMercatorQuad") + "/{tileMatrix}/{tileRow}/{tileCol}"
    return {
        "title": ", ".join(kind.label.get(language) for kind in kinds),
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": TMS_URI,
        "layers": [
            {
                "id": kind.kind,
                "title": kind.label.get(language),
                "dataType": "vector",
                "geometryDimension": {"Point": 0, "LineString": 1}.get(kind.geometry_type, 2),
                "minTileMatrix": "0",
                "maxTileMatrix": "22",
            }
            for kind in kinds
        ],
        "links": [
            link("self", JSON, absolute(request, f"{base}/WebMercatorQuad")),
            {**link("item", MVT, template), "templated": True},
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
                JSON,
                absolute(request, "/tileMatrixSets/WebMercatorQuad"),
            ),
        ],
    }


def tile_matrix_set_document() -> Document:
    """WebMercatorQuad as 2D Tile Matrix Set (OGC 17-083r4, annex D.1)."""
    half = 20037508.3427892
    return {
        "id": "WebMercatorQuad",
        "title": "Google Maps Compatible for the World",
        "uri": TMS_URI,
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [
            {
                "id": str(zoom),
                "scaleDenominator": 559082264.028717 / 2**zoom,
                "cellSize": 156543.033928041 / 2**zoom,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-half, half],
                "tileWidth": 256,
                "tileHeight": 256,
                "matrixWidth": 2**zoom,
                "matrixHeight": 2**zoom,
            }
            for zoom in range(23)
        ],
    }
