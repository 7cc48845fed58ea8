"""The phone app of the inspectors: plain modules, a page, a worker; see :mod:`api.field.shell`."""
