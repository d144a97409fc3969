"""Opens files and pipes until there are no descriptors left, in the worker and, it hopes, on the machine.

Stock: not run: it takes the machine's descriptors
"""

import os
import resource

MOST = 200_000  # so that a machine survives a sandbox that lets it through


def take(most):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    taken = []
    try:
        while len(taken) < most:
            taken += os.pipe()
    except OSError:
        pass
    return taken


def __getattr__(name):
    return lambda *args, **keywords: len(take(MOST))


def worked():
    return len(take(1000)) >= 1000
