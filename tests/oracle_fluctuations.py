"""Fluctuations of least squares on one centred class, independently: `theory/dynamics.md` section 8.4 in closed form.

The state is (S_g, M_g); F is written as a function of it, its derivatives are dense, and SciPy integrates mean,
covariance and bias together. The last term of the bias is -(J F + dF/dt)/2 (`fluctuations.md` section 3).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

C = math.sqrt(2 / math.pi)


class OneClass:
    """Groups with eigenvalues lam, shares dl and teacher masses N; `rate(t, y)` may answer the state.

    The radius may be a function of time; then `at(t)` is the same at the radius of that time.
    """

    def __init__(self, lam, dl, mass, noise_variance, radius, rate):
        self.lam, self.dl, self.mass = (np.asarray(part, dtype=float) for part in (lam, dl, mass))
        self.nu2, self.eps, self.rate = noise_variance, radius, rate

    def at(self, t):
        if not callable(self.eps):
            return self
        return OneClass(self.lam, self.dl, self.mass, self.nu2, self.eps(t), self.rate)

    def scalars(self, y):
        size, along = y[: len(self.lam)], y[len(self.lam) :]
        sigma = jnp.sqrt(self.nu2 + jnp.sum(self.lam * (size - 2 * along + self.mass)))
        return size, along, sigma, jnp.sqrt(jnp.sum(size))

    def risk(self, y):
        _, _, sigma, rho = self.scalars(y)
        er = self.eps * rho
        return (sigma**2 + 2 * C * er * sigma + er**2) / 2

    def slopes(self, y):
        """A and B: grad R = A K (X - X*) + B X."""
        _, _, sigma, rho = self.scalars(y)
        return 1 + C * self.eps * rho / sigma, self.eps**2 + C * self.eps * sigma / rho

    def drift(self, t, y):
        self = self.at(t)
        size, along, _, _ = self.scalars(y)
        a, b = self.slopes(y)
        g = self.rate(t, y)
        ds = -2 * g * (a * self.lam * (size - along) + b * size) + g**2 * 2 * self.risk(y) * self.lam * self.dl
        dm = -g * (a * self.lam * (along - self.mass) + b * along)
        return jnp.concatenate([ds, dm])

    def spread(self, t, y):
        """Sigma and F1 of section 8.4."""
        self = self.at(t)
        size, along, sigma, rho = self.scalars(y)
        g, eps, lam = self.rate(t, y), self.eps, self.lam
        kx, ky = lam * (size - along) / sigma**2, lam * (along - self.mass) / sigma**2
        v11, v12, v22 = sigma**2 * (1 - 2 / math.pi), C * sigma**3, 2 * sigma**4
        first = jnp.concatenate(
            [
                -2 * g * (eps * size / rho + kx * eps * rho) + 2 * g**2 * lam * self.dl * eps * rho,
                -g * (eps * along / rho + ky * eps * rho),
            ]
        )
        second = jnp.concatenate([-2 * g * kx + g**2 * lam * self.dl, -g * ky])
        o = jnp.concatenate([-2 * g * jnp.ones_like(lam), -g * jnp.ones_like(lam)])
        blocks = jnp.block(
            [[jnp.diag(lam * size), jnp.diag(lam * along)], [jnp.diag(lam * along), jnp.diag(lam * self.mass)]]
        )
        u = sigma**2 * jnp.concatenate([kx, ky])
        covariance = v11 * jnp.outer(first, first) + v22 * jnp.outer(second, second)
        covariance += v12 * (jnp.outer(first, second) + jnp.outer(second, first))
        covariance += 2 * self.risk(y) * (blocks - jnp.outer(u, u) / sigma**2) * jnp.outer(o, o)
        # s h = eps |e| / rho + eps^2 and Psi_r = e + eps rho sign(e), in Gaussian moments of e ~ N(0, sigma^2).
        h2 = eps**2 * sigma**2 / rho**2 + 2 * eps**3 * C * sigma / rho + eps**4
        # E[h Psi_r e] = E[(eps |e| / rho + eps^2) (e^2 + eps rho |e|)]
        h_slope_e = eps * (2 * C * sigma**3 / rho + 2 * eps * sigma**2 + eps**2 * C * rho * sigma)
        error = size - 2 * along + self.mass
        f1 = g**2 * (
            h2 * size + 2 * h_slope_e * kx + lam**2 * error / sigma**4 * (2 * sigma**4 + 2 * eps * rho * C * sigma**3)
        )
        return covariance, jnp.concatenate([f1, jnp.zeros_like(f1)])

    def solve(self, y0, c0, times, closed: bool = True):
        """Mean (T, n), C (T, n, n) and delta (T, n); open loop freezes the rate of the mean curve in J and Hess."""
        n = len(y0)

        def frozen(t, y, at):
            kept = self.rate(t, at)
            copy = OneClass(self.lam, self.dl, self.mass, self.nu2, self.eps, lambda s, z: kept)
            return copy.drift(t, y)

        @jax.jit
        def velocity(t, state):
            y, c, delta = state[:n], state[n : n + n * n].reshape(n, n), state[n + n * n :]
            drift = (lambda z: self.drift(t, z)) if closed else (lambda z: frozen(t, z, y))
            jacobian, hessian = jax.jacfwd(drift)(y), jax.hessian(drift)(y)
            force = self.drift(t, y)
            acceleration = jax.jvp(self.drift, (t, y), (1.0, force))[1]
            covariance, f1 = self.spread(t, y)
            dc = jacobian @ c + c @ jacobian.T + covariance
            dd = jacobian @ delta + jnp.einsum("ijk,jk->i", hessian, c) / 2 + f1 - acceleration / 2
            return jnp.concatenate([force, dc.ravel(), dd])

        with jax.enable_x64(True):
            start = np.concatenate([y0, np.ravel(c0), np.zeros(n)])
            found = solve_ivp(
                lambda t, s: np.asarray(velocity(t, s)), (0, times[-1]), start, "DOP853", times, rtol=1e-10, atol=1e-12
            ).y.T
        return found[:, :n], found[:, n : n + n * n].reshape(-1, n, n), found[:, n + n * n :]

    def read(self, function, mean, covariance, bias):
        """Standard deviation times sqrt(d) and bias times d of function(y), times along the first axis."""
        with jax.enable_x64(True):
            gradient, hessian = jax.vmap(jax.jacfwd(function))(mean), jax.vmap(jax.hessian(function))(mean)
            sd = np.sqrt(np.einsum("ti,tij,tj->t", gradient, covariance, gradient))
            return sd, np.einsum("ti,ti->t", gradient, bias) + np.einsum("tij,tij->t", hessian, covariance) / 2
