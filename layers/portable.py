"""The portable map: a Folium map in one file that opens from disk and asks nobody for anything.

The page is that of the live map, its scripts written into the file; where the live page asks a
server, this one asks the packed data it carries. What is late is judged by the reader's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template as StringTemplate
from zoneinfo import ZoneInfo

import folium
from branca.element import Element, Figure, MacroElement
from jinja2 import Template

from gis.attributes import Language, Text
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.geometry import DATUM_NOTE, BBox
from gis.kinds import KINDS
from gis.settings import Settings
from layers.live import STATIC_FOLDER
from layers.map_config import Document, MapSpec, build_config, get_map
from layers.payload import Contents, carried_pool, pack, read_contents
from layers.vendor import bundle_modules, guard_style, leaflet_script, leaflet_style

PAGE_FOLDER = Path(__file__).with_name("portable_page")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Inline only: a page from disk has no other origin to trust, and may not reach any."""
MADE = Text(
    zh="{made} 制图;是否超期按本机时钟判断",
    en="Made {made}; lateness by this computer's clock",
)
PAST = Text(zh="{data} 的状态", en="State on {data}")
TOO_OLD = Text(
    zh="浏览器版本过低,无法显示此地图。请使用 2023 年以后的 Edge、Chrome、Firefox 或 Safari。",
    en="This browser is too old for the map. Use Edge, Chrome, Firefox or Safari of 2023 or later.",
)


class PortableFigure(Figure):
    """The page around the map: its language, its policy, and nothing of any other host."""

    _template = Template(
        """<!doctype html>
<html lang="{{ this.lang }}">
<head>
<meta http-equiv="Content-Security-Policy" content="{{ this.policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{ this.title | e }}</title>
{{ this.header.render(**kwargs) }}
</head>
<body data-map="{{ this.name }}" data-config="/config" data-settled="false">
{{ this.html.render(**kwargs) }}
<noscript>此页面需要启用 JavaScript。This page needs JavaScript.</noscript>
<script>{{ this.script.render(**kwargs) }}</script>
</body>
</html>
"""
    )

    def __init__(self, *, title: str, name: str, language: Language) -> None:
        super().__init__(title=title)
        self.name = name
        self.lang = "en" if language is Language.EN else "zh-CN"
        self.policy = CONTENT_SECURITY_POLICY


class Verbatim(Element):
    """Exactly this text, whatever it looks like to Jinja."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class PortableMap(folium.Map):
    """A Folium map whose page is ours: named ids, no link to any host, zoomable by its reader."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  # folium's own attribute
    default_css: list[tuple[str, str]] = []  # noqa: RUF012  # folium's own attribute
    _template = Template(
        """
        {% macro header(this, kwargs) %}{% endmacro %}
        {% macro html(this, kwargs) %}{{ this.body }}{% endmacro %}
        {% macro script(this, kwargs) %}
        var map = L.map("map", {{ this.options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, body: str) -> None:
        super().__init__(tiles=None)
        self.body = body
        # The page brings its own controls; no prefix, so no flag in the corner.
        self.options = {
            "zoomControl": False,
            "attributionControl": False,
            "minZoom": 4,
            "maxZoom": 20,
            "keyboardPanDelta": 120,
            "zoomSnap": 0.5,
        }

    def get_name(self) -> str:
        """A fixed name: folium's own changes with every run."""
        return "map"


class PackedData(MacroElement):
    """The payload, and the script that unpacks it and starts the page over the map."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <script id="packed" type="text/plain">{{ this.payload }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}{{ this.script }}{% endmacro %}
        """
    )

    def __init__(self, payload: str, script: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca types it by halves
        self.payload, self.script = payload, script

    def get_name(self) -> str:
        """A fixed name: folium's own changes with every run."""
        return "packed"


def progress_map(
    db: Database,
    *,
    settings: Settings,
    language: Language = Language.ZH,
    pool: Pool = Pool.STAFF,
    as_of: datetime | None = None,
    kinds: Sequence[str] | None = None,
) -> PortableMap:
    """The map of building progress; see :func:`portable_map`."""
    return portable_map(
        db,
        "progress",
        settings=settings,
        language=language,
        pool=pool,
        as_of=as_of,
        kinds=kinds,
    )


def hazards_map(
    db: Database,
    *,
    settings: Settings,
    language: Language = Language.ZH,
    pool: Pool = Pool.STAFF,
    as_of: datetime | None = None,
    kinds: Sequence[str] | None = None,
) -> PortableMap:
    """The map of hazards; see :func:`portable_map`."""
    return portable_map(
        db, "hazards", settings=settings, language=language, pool=pool, as_of=as_of, kinds=kinds
    )


def portable_map(
    db: Database,
    name: str,
    *,
    settings: Settings,
    language: Language = Language.ZH,
    pool: Pool = Pool.STAFF,
    as_of: datetime | None = None,
    kinds: Sequence[str] | None = None,
    bbox: BBox | None = None,
    generated_at: datetime | None = None,
) -> PortableMap:
    """A named map as one page with everything inside; geometry in lon/lat, shown in Mercator.

    ``as_of`` shows the state of a past moment, ``kinds`` picks some of the map's layers, ``bbox``
    cuts an area out. Restricted attributes are left out whoever asks: a file leaves the house.
    The same data and ``generated_at`` (default: now) give the same bytes.

    Raises NotFoundError (map), ParameterError (more than 50,000 features), SetupError (the
    browser libraries are not installed).
    """
    spec = get_map(name)
    made = generated_at or datetime.now(UTC)
    wanted = [kind for kind in spec.kinds if kinds is None or kind in kinds]
    contents = read_contents(db, wanted, pool=pool, as_of=as_of, bbox=bbox)
    config = _make_config(spec, contents, settings=settings, pool=pool, language=language)
    assets = settings.state_folder / "assets"
    note = _write_note(made, as_of, ZoneInfo(settings.timezone))
    drawn = PortableMap(_page_body(config, note))
    drawn.add_child(PackedData(pack(contents, config, pool=pool), _page_script()), name="packed")
    _make_figure(drawn, config, language, assets)
    return drawn


def save_map(drawn: folium.Map, path: Path) -> None:
    """Write the map to ``path``, whole or not at all."""
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(drawn.get_root().render(), encoding="utf-8")
    scratch.replace(path)


def _make_config(
    spec: MapSpec, contents: Contents, *, settings: Settings, pool: Pool, language: Language
) -> Document:
    """The live page's config, speaking of the file instead of a server."""
    names = [name for name in spec.kinds if contents.features.get(name)]
    config = build_config(
        spec,
        settings=settings,
        pool=carried_pool(pool),
        language=language,
        version="file",
        bounds=contents.find_box(),
        counts={name: contents.count_values(KINDS[name]) for name in names},
    )
    county = contents.county.name if contents.county else None
    layers = [_fit_layer(layer, names) for layer in config["layers"]]
    # The page sets the clock when it is opened; a moment here would make each render differ.
    title = _add_county(spec.title, county).as_dict()
    return {**config, "server_now": None, "events": None, "title": title, "layers": layers}


def _fit_layer(layer: Document, names: Sequence[str]) -> Document:
    """A layer of the live page as a file can answer for it."""
    fitted = {**layer, "history": None, "case": None}
    if "hazard" not in names:
        fitted["hazards"] = None
    return fitted


def _add_county(title: Text, county: Text | None) -> Text:
    if county is None:
        return title
    return Text(zh=f"{county.zh}{title.zh}", en=f"{title.en} · {county.en}")


def _write_note(made: datetime, as_of: datetime | None, clock: ZoneInfo) -> Text:
    def write(moment: datetime) -> str:
        return f"{moment.astimezone(clock):%Y-%m-%d %H:%M}"

    parts = [MADE.format(made=write(made)), DATUM_NOTE]
    if as_of is not None:
        parts.insert(0, PAST.format(data=write(as_of)))
    return Text(zh=" · ".join(p.zh for p in parts), en=" · ".join(p.en for p in parts))


def _in_both(text: Text, css_class: str) -> str:
    """Both languages in the page, one shown: the reader may change it."""
    return "".join(
        f'<span class="{css_class} only-{language}" lang="{language}">{escape(words)}</span>'
        for language, words in text.as_dict().items()
    )


def _page_body(config: Document, note: Text) -> str:
    """The live page's own markup, and what only a file has to say."""
    page = (STATIC_FOLDER / "live.html").read_text(encoding="utf-8")
    body = page[page.index('<a id="skip"') : page.index("<noscript>")]
    title = config["title"][config["lang"]]
    body = body.replace("$title", escape(title))
    body = body.replace('<div id="map" ', '<div id="map" class="folium-map" ')
    body = body.replace(
        '<span id="datum"></span>', f'<span id="datum" hidden></span>{_in_both(note, "made")}'
    )
    body = body.replace(
        '<div id="print-notes"></div>',
        f'<div id="print-notes"></div><p class="made">{_in_both(note, "")}</p>',
    )
    too_old = f"{escape(TOO_OLD.zh)}<br>{escape(TOO_OLD.en)}"
    return f'{body}<p id="too-old" class="too-old" hidden>{too_old}</p>'


def _page_script() -> str:
    """All modules as one script, in a scope where ``fetch`` asks the file."""
    modules = {path.stem: path for path in sorted(STATIC_FOLDER.glob("*.js"))}
    modules |= {path.stem: path for path in sorted(PAGE_FOLDER.glob("*.js"))}
    return _SCRIPT.substitute(
        data=bundle_modules("answers", modules),
        page=bundle_modules("map", modules, known=("answers", "packed")),
    )


_SCRIPT = StringTemplate(
    """
if (typeof DecompressionStream === "undefined") document.getElementById("too-old").hidden = false;
else (async () => {
$data
await module_packed.unpack(document.getElementById("packed").textContent.trim());
const fetch = module_answers.answerFromFile;
// Folium has made the map: the page takes that one.
window.L.map = () => window.map;
$page
})();
"""
)


def _make_figure(drawn: PortableMap, config: Document, language: Language, assets: Path) -> None:
    """Set the map into its page: styles and Leaflet itself in the head."""
    title = config["title"][language.value]
    figure = PortableFigure(title=title, name=config["name"], language=language)
    figure.add_child(drawn, name="map")
    own = [STATIC_FOLDER / "map.css", STATIC_FOLDER / "print.css", PAGE_FOLDER / "portable.css"]
    styles = [leaflet_style(assets), *(guard_style(css.read_text(encoding="utf-8")) for css in own)]
    for number, style in enumerate(styles):
        figure.header.add_child(Verbatim(f"<style>{style}</style>"), name=f"style_{number}")
    script = Verbatim(f"<script>{leaflet_script(assets)}</script>")
    figure.header.add_child(script, name="leaflet")
