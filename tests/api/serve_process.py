"""``python -m tests.api.serve_process URLS FOLDER``: a server in a process of its own.

Prints its port. URLS is JSON: login role -> database URL.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from api.app import create_app
from api.serve import claim_port, make_server
from gis.db.roles import Pool
from gis.settings import Settings


def main() -> None:
    """Serve until terminated."""
    urls = {Pool(name): url for name, url in json.loads(sys.argv[1]).items()}
    listener = claim_port(0)
    print(listener.getsockname()[1], flush=True)
    app = create_app(urls, Settings(state_folder=Path(sys.argv[2])))
    make_server(app).run(sockets=[listener])


if __name__ == "__main__":
    main()
