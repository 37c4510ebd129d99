"""What differs between JAX versions, and how the package keeps out of the user's JAX program.

Nothing here changes the user's configuration: both contexts end with the ``with`` block.
"""

import contextlib

import jax
import jax.core

try:
    _enable_x64 = jax.enable_x64
except AttributeError:  # JAX < 0.8
    from jax.experimental import enable_x64 as _enable_x64  # pyright: ignore[reportAttributeAccessIssue]


@contextlib.contextmanager
def numerics():
    """Run JAX code eagerly, in double precision, apart from any trace the caller is inside.

    Inside ``jax.jit`` or ``jax.grad`` a bare ``jnp`` call would join the user's trace; under
    ``eval_context`` it runs at once, on both JAX 0.7 and the newest.
    """
    with jax.core.eval_context(), _enable_x64(True):
        yield


MOST_COMPILED = 6  # shapes of one function that stay compiled: about 8 MB each


def forget_many(*functions) -> None:
    """Bound what a long-lived process keeps: a jitted function that was compiled for many shapes is emptied."""
    for function in functions:
        if function._cache_size() > MOST_COMPILED:
            function.clear_cache()
