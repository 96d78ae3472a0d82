"""Rivals of learning rules against independent implementations, those of scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import KNeighborsClassifier

from mesocosm.rivals import baselines, contest
from mesocosm.rivals.learners import STORED
from mesocosm.rules.gradient import GradientRule

RNG = np.random.default_rng(3)
MEANS = RNG.normal(size=(4, 20))
Y = np.arange(60) % 4
X = (MEANS[Y] + RNG.normal(size=(60, 20))).astype(np.float32)
T = (MEANS[np.arange(40) % 4] + RNG.normal(size=(40, 20))).astype(np.float32)
ONE_HOT = jax.nn.one_hot(Y, 4)


def test_neighbours_are_those_of_scikit_learn():
    one, three = (np.argmax(baselines.neighbours(jnp.asarray(X), ONE_HOT, jnp.asarray(T), k), axis=1) for k in (1, 3))
    reference = KNeighborsClassifier(1, metric="cosine").fit(X, Y).predict(T)
    assert np.array_equal(one, reference)
    votes = KNeighborsClassifier(3, metric="cosine").fit(X, Y).predict_proba(T)
    clear = votes.max(axis=1) > 0.5
    assert clear.sum() > 20 and np.array_equal(three[clear], votes.argmax(axis=1)[clear])


def test_kernels_are_those_of_scikit_learn():
    ours = baselines.radial(jnp.asarray(X), ONE_HOT, jnp.asarray(T), 0.5)
    theirs = KernelRidge(alpha=0.1, kernel="rbf", gamma=0.5 / 20).fit(X, 2 * np.eye(4)[Y] - 1).predict(T)
    assert np.allclose(ours, theirs, atol=1e-3)
    ours = baselines.vote(jnp.asarray(X), ONE_HOT, jnp.asarray(T), 8.0)
    weights = np.exp(8 * cosine_similarity(T - X.mean(0), X - X.mean(0)))
    theirs = np.log(weights @ np.eye(4)[Y] / np.sqrt(15.0)) - 8
    assert np.allclose(ours, theirs, atol=1e-3)


def test_ridge_and_logistic_regression_are_those_of_scikit_learn():
    ours = baselines.linear(jnp.asarray(T), baselines.ridge(jnp.asarray(X), ONE_HOT, 1.0))
    wide = np.hstack([X, np.ones((60, 1))])  # the bias is penalised like a weight
    theirs = Ridge(1.0, fit_intercept=False).fit(wide, 2 * np.eye(4)[Y] - 1).predict(np.hstack([T, np.ones((40, 1))]))
    assert np.allclose(ours, theirs, atol=1e-3)
    ours = baselines.linear(jnp.asarray(T), baselines.logistic(jnp.asarray(X), ONE_HOT, 0.1))
    model = LogisticRegression(C=1 / (0.1 * 60), fit_intercept=False, max_iter=2000).fit(wide, Y)
    assert np.allclose(jax.nn.softmax(ours), model.predict_proba(np.hstack([T, np.ones((40, 1))])), atol=0.01)


def test_lda_is_near_that_of_scikit_learn():
    ours = np.argmax(baselines.lda(jnp.asarray(X), ONE_HOT, jnp.asarray(T), 0.3), axis=1)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3).fit(X, Y).predict(T)
    assert np.mean(ours == theirs) > 0.9


def test_classes_that_were_never_seen_are_not_named():
    for family, settings in STORED.items():
        scores = baselines.stored(family, jnp.asarray(X[:3]), jnp.asarray(Y[:3], jnp.int32), jnp.asarray(T), 4)
        assert scores.shape == (max(1, len(settings)), 40, 4)
        assert set(np.argmax(scores, axis=2).ravel().tolist()) <= {0, 1, 2}, family


def test_gradient_rule_follows_the_gradient_of_its_loss():
    rule = GradientRule(optax.sgd(0.1), (20, 6, 4))
    state = rule.begin(jax.random.key(0))
    for t in range(3):
        state, _ = rule.learn(state, jnp.asarray(X[t]), ONE_HOT[t])

    def loss(weights):
        hidden = jax.nn.relu(jnp.asarray(X[5]) @ weights[0][:-1] + weights[0][-1])
        return -jnp.sum(ONE_HOT[5] * jax.nn.log_softmax(hidden @ weights[1][:-1] + weights[1][-1]))

    after, _ = rule.learn(state, jnp.asarray(X[5]), ONE_HOT[5])
    for w, slope, new in zip(state.weights, jax.grad(loss)(state.weights), after.weights, strict=True):
        assert np.allclose(new, w - 0.1 * slope, atol=1e-6)
    apart = GradientRule(optax.sgd(0.1), (20, 6, 4), feedback="alignment")
    begun = apart.begin(jax.random.key(0))
    assert begun.feedback[0].shape == (6, 4)


def test_a_centred_learner_is_shown_inputs_less_their_running_mean():
    told = jnp.asarray(X[:6] + 3)
    plain, centred = (contest.learner_of("sgd linear", 20, 4, 0.1, 1.0, share) for share in (0, 1))
    by_hand = GradientRule(optax.sgd(0.1), (20, 4))
    states = [learner.begin(jax.random.key(0)) for learner in (plain, centred, by_hand, by_hand)]
    for t in range(6):
        running = jnp.mean(told[: t + 1], axis=0)
        shown = (told[t], told[t], told[t], told[t] - running)
        pairs = zip((plain, centred, by_hand, by_hand), states, shown, strict=True)
        states = [learner.learn(state, x, ONE_HOT[t])[0] for learner, state, x in pairs]
    a, b, c, d = (
        np.asarray(w[0]) for w in (states[0][0].weights, states[1][0].weights, states[2].weights, states[3].weights)
    )
    assert np.allclose(a, c, atol=1e-6) and np.allclose(b, d, atol=1e-5) and not np.allclose(a, b, atol=0.01)
    asked = jnp.asarray(T[0])
    assert np.allclose(
        centred.predict(states[1], asked), by_hand.predict(states[3], asked - jnp.mean(told, axis=0)), atol=1e-4
    )
