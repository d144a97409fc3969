"""Returns objects, and bytes, that run a program in whatever process unpickles, copies or reduces them."""

import itertools
import pickle

PROGRAM = "import builtins; builtins.shortest_attack_was_here = True"


class Bait:
    def __reduce__(self):
        return exec, (PROGRAM,)

    def __deepcopy__(self, memo):
        exec(PROGRAM)
        return self

    __copy__ = __getstate__ = __index__ = lambda self, *args: exec(PROGRAM)


baits = itertools.cycle([Bait(), pickle.dumps(Bait()), [Bait()], {"score": Bait()}, {Bait(): 1}, {Bait()}])


def __getattr__(name):
    return lambda *args, **keywords: next(baits)


def worked():
    import builtins

    pickle.loads(pickle.dumps(Bait()))
    return hasattr(builtins, "shortest_attack_was_here")
