"""L-BFGS within bounds: where it ends, its reports, early ends, losses that are not finite, checkpoints."""

import itertools
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.optimize.lbfgs import LBFGS, BoundedMinimization, LBFGSError
from tfgraphs.optimize.losses import NonFiniteLoss
from tfgraphs.optimize.reports import GRADIENT_NORM, CheckpointError

SHORT = LBFGS(steps_per_round=5)
CURVATURES = np.geomspace(1, 100, 30).astype(np.float32)
LOWEST = np.random.default_rng(0).uniform(-0.5, 1.5, 30).astype(np.float32)


def zeros(size, kind=np.float32):
    return tf.Variable(np.zeros(size, kind))


def quadratic(variable, scale=1.0):
    curvatures, lowest = (tf.cast(constant, variable.dtype) for constant in (CURVATURES, LOWEST))
    return lambda step: scale * tf.reduce_sum(curvatures * tf.square(variable - lowest)) / 2


def rosenbrock(variable):
    return lambda step: tf.square(1 - variable[0]) + 100 * tf.square(variable[1] - tf.square(variable[0]))


def noisy(variable):
    """A loss that is another at each step, and that is not done with in a few dozens."""

    def loss(step):
        aims = tf.random.stateless_uniform([30], [7, step])
        steep = tf.reduce_sum(CURVATURES * tf.square(tf.sin(3 * variable) - aims))
        return steep, {"step": tf.cast(step, tf.float32)}

    return loss


def picture():
    return tf.Variable(np.random.default_rng(3).random(30).astype(np.float32))


@pytest.fixture(scope="module")
def whole():
    """A run that nothing interrupted: its reports, and the bytes at its end."""
    x = picture()
    return list(BoundedMinimization(noisy(x), x, SHORT).run(23)), x.numpy().tobytes()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_quadratic_ends_at_its_lowest_point_within_the_bounds(scale):
    x = zeros(30, np.float64)
    list(BoundedMinimization(quadratic(x, scale), x, LBFGS()).run(100))
    np.testing.assert_allclose(x.numpy(), np.clip(LOWEST, 0, 1), atol=1e-6)


@pytest.mark.parametrize(("bounds", "lowest"), [((-2.0, 2.0), (1, 1)), ((-2.0, 0.5), (0.5, 0.25))])
def test_rosenbrocks_valley_is_followed_to_its_end_or_to_the_bound(bounds, lowest):
    x = tf.Variable([-1.2, 0.5])
    list(BoundedMinimization(rosenbrock(x), x, LBFGS(steps_per_round=50), bounds).run(200))
    np.testing.assert_allclose(x.numpy(), lowest, atol=2e-3)


def test_a_remembered_step_saves_many():
    """Steepest descent, which remembers none, gets nowhere in such a valley."""
    losses = []
    for history in (1, 10):
        x = zeros(30)
        *_, last = BoundedMinimization(quadratic(x), x, LBFGS(history, 20)).run(20)
        losses.append(last.loss - np.sum(CURVATURES * (np.clip(LOWEST, 0, 1) - LOWEST) ** 2) / 2)
    assert losses[1] < losses[0] / 10


def test_values_beyond_the_bounds_are_never_looked_at():
    x, seen = tf.Variable(np.full(30, 7.0, np.float32)), []

    def loss(step):
        tf.numpy_function(lambda value: seen.extend([value.min(), value.max()]), [x.read_value()], [])
        return quadratic(x)(step)

    list(BoundedMinimization(loss, x, SHORT, (0.25, 0.75)).run(20))
    assert min(seen) >= 0.25
    assert max(seen) <= 0.75


@pytest.mark.parametrize(
    ("steps", "expected"), [(12, [5, 10, 12]), (10, [5, 10]), (3, [3]), (1, [1]), (0, [])], ids=str
)
def test_reports_come_after_each_round_and_at_the_end(steps, expected):
    x = picture()
    assert [report.step for report in BoundedMinimization(noisy(x), x, SHORT).run(steps)] == expected


def test_a_round_keeps_to_the_loss_of_its_first_step(whole):
    assert [report.terms["step"] for report in whole[0]] == [0, 5, 10, 15, 20]


def test_a_report_has_the_loss_and_the_norm_of_its_gradient_after_the_last_step():
    x = zeros(30)
    report = next(BoundedMinimization(quadratic(x), x, SHORT).run(20))
    gradient = CURVATURES * (x.numpy() - LOWEST)
    assert report.loss == pytest.approx(float(quadratic(x)(0)), rel=1e-6)
    assert report.terms[GRADIENT_NORM] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)


def test_each_round_lowers_a_loss_that_stays_the_same():
    x = tf.Variable([-1.2, 0.5])
    losses = [report.loss for report in BoundedMinimization(rosenbrock(x), x, SHORT, (-2.0, 2.0)).run(20)]
    assert all(after < before for before, after in itertools.pairwise(losses))


def test_the_size_of_the_variable_may_change_between_runs():
    x = tf.Variable(np.zeros(4, np.float32), shape=[None])
    minimization = BoundedMinimization(lambda step: tf.reduce_sum(tf.square(x - 0.5)), x, SHORT)
    for size in (4, 9):
        x.assign(np.zeros(size, np.float32))
        list(minimization.run(10))
        np.testing.assert_allclose(x.numpy(), np.full(size, 0.5), atol=1e-5)


def counted(loss, evaluations):
    def counting(step):
        tf.numpy_function(lambda: evaluations.append(1), [], [])
        return loss(step)

    return counting


def test_a_run_that_begins_at_the_lowest_point_ends_at_once_with_all_steps_done():
    x, evaluations = tf.Variable(np.clip(LOWEST, 0, 1)), []
    (report,) = BoundedMinimization(counted(quadratic(x), evaluations), x, SHORT).run(1_000_000)
    assert (report.step, report.steps) == (1_000_000, 1_000_000)
    assert len(evaluations) < 50
    np.testing.assert_array_equal(x.numpy(), np.clip(LOWEST, 0, 1))


def test_a_run_that_comes_to_the_lowest_point_early_ends_there():
    x, evaluations = zeros(30), []
    *_, last = BoundedMinimization(counted(quadratic(x), evaluations), x, LBFGS()).run(100_000)
    assert last.step == 100_000
    assert len(evaluations) < 2000
    np.testing.assert_allclose(x.numpy(), np.clip(LOWEST, 0, 1), atol=3e-3)  # float32 knows no lower loss


def test_a_loss_whose_gradient_is_wrong_ends_too():
    @tf.custom_gradient
    def uphill(value):
        return tf.reduce_sum(value), lambda upstream: -upstream * tf.ones_like(value)

    x = tf.Variable(np.full(3, 0.5, np.float32))
    *_, last = BoundedMinimization(lambda step: uphill(x), x, SHORT).run(100)
    assert last.step == 100
    np.testing.assert_array_equal(x.numpy(), np.full(3, 0.5))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_with_the_step_and_leaves_the_round_before(bad):
    x = picture()

    def loss(step):
        return tf.where(step == 10, bad, 1.0) * noisy(x)(step)[0]

    run = BoundedMinimization(loss, x, SHORT).run(20)
    list(itertools.islice(run, 2))
    before = x.numpy()
    with pytest.raises(NonFiniteLoss, match=r"step 11 of 20 .*adam"):
        next(run)
    np.testing.assert_array_equal(x.numpy(), before)


def test_a_gradient_that_is_not_finite_on_the_way_tells_the_step_within_the_round():
    """The square root of what becomes zero: its gradient is infinite there."""
    x = tf.Variable(np.full(3, 0.5, np.float32))
    with pytest.raises(NonFiniteLoss, match=r"step [1-5] of 20"):
        list(BoundedMinimization(lambda step: tf.reduce_sum(tf.sqrt(x)), x, SHORT).run(20))
    np.testing.assert_array_equal(x.numpy(), np.full(3, 0.5, np.float32))


@pytest.mark.parametrize("reports", [1, 2, 4])
def test_a_run_interrupted_between_rounds_goes_on_to_the_same_bytes(whole, tmp_path, reports):
    x = picture()
    run = BoundedMinimization(noisy(x), x, SHORT).run(23, checkpoint_dir=tmp_path)
    list(itertools.islice(run, reports))
    run.close()
    y = picture()
    resumed = list(BoundedMinimization(noisy(y), y, SHORT).run(23, checkpoint_dir=tmp_path))
    assert [report.loss for report in resumed] == [report.loss for report in whole[0][reports:]]
    assert y.numpy().tobytes() == whole[1]


@pytest.mark.parametrize("evaluation", [1, 4, 9, 17])
@pytest.mark.parametrize("way", ["interrupted", "killed"])
def test_a_run_interrupted_inside_a_round_goes_on_to_the_same_bytes(whole, tmp_path, evaluation, way):
    """Killed: with nothing but the checkpoints that were written by then."""
    x = picture()
    minimization = BoundedMinimization(noisy(x), x, SHORT)
    calls, evaluate = itertools.count(1), minimization._evaluate

    def interrupted(step):
        if next(calls) == evaluation:
            raise KeyboardInterrupt if way == "interrupted" else MemoryError
        return evaluate(step)

    minimization._evaluate = interrupted
    with pytest.raises((KeyboardInterrupt, MemoryError)):
        list(minimization.run(23, checkpoint_dir=tmp_path, save_seconds=0 if way == "killed" else 1000))
    y = picture()
    list(BoundedMinimization(noisy(y), y, SHORT).run(23, checkpoint_dir=tmp_path))
    assert y.numpy().tobytes() == whole[1]


def test_a_finished_run_reports_once_and_changes_nothing(whole, tmp_path):
    x = picture()
    list(BoundedMinimization(noisy(x), x, SHORT).run(23, checkpoint_dir=tmp_path))
    y = picture()
    (report,) = BoundedMinimization(noisy(y), y, SHORT).run(23, checkpoint_dir=tmp_path)
    assert report.step == 23
    assert report.loss == pytest.approx(whole[0][-1].loss, rel=1e-6)
    assert y.numpy().tobytes() == whole[1]


def test_no_file_is_written_before_a_checkpoint_is_due(tmp_path):
    x = picture()
    run = BoundedMinimization(noisy(x), x, SHORT).run(23, checkpoint_dir=tmp_path, save_seconds=1000)
    next(run)
    assert not any(tmp_path.glob("ckpt-*"))
    run.close()


def test_a_damaged_state_is_one_line(tmp_path):
    x = picture()
    list(BoundedMinimization(noisy(x), x, SHORT).run(5, checkpoint_dir=tmp_path))
    for path in tmp_path.glob("ckpt*"):
        path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(CheckpointError, match=r"^the state in [^\n]* cannot be read[^\n]*$"):
        list(BoundedMinimization(noisy(x), x, SHORT).run(5, checkpoint_dir=tmp_path))


@pytest.mark.parametrize("package", ["scipy", "threadpoolctl"])
def test_without_its_packages_the_error_names_the_extra(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    x = zeros(3)
    with pytest.raises(LBFGSError, match=r"^L-BFGS needs SciPy [^\n]*\[lbfgs\][^\n]*$"):
        BoundedMinimization(quadratic(x), x, LBFGS())


@pytest.mark.parametrize("name", ["history", "steps_per_round"])
def test_settings_that_make_no_sense_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        LBFGS(**{name: 0})
