"""The loop: steps, reports, transforms, projections, non-finite losses, checkpoints."""

import errno
import itertools
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.optimize import reports
from tfgraphs.optimize.losses import NonFiniteLoss
from tfgraphs.optimize.minimize import Minimization, minimize
from tfgraphs.optimize.reports import CheckpointError

TARGET = np.array([1.0, -2.0, 3.0], np.float32)


def quadratic(variable):
    return lambda step: tf.reduce_sum(tf.square(variable - TARGET)) / 2


def noisy(variable, seed=7):
    """A loss whose gradient depends on the number of the step."""

    def loss(step):
        noise = tf.random.stateless_normal([3], [seed, step])
        return tf.reduce_sum(tf.square(variable - TARGET - noise)), {"first": variable[0]}

    return loss


def test_sgd_takes_the_steps_of_the_closed_form():
    x = tf.Variable(np.zeros(3, np.float32))
    list(minimize(quadratic(x), [x], keras.optimizers.SGD(0.1), 25))
    np.testing.assert_allclose(x.numpy(), TARGET * (1 - 0.9**25), rtol=1e-5)


@pytest.mark.parametrize(
    ("steps", "per_report", "expected"), [(7, 3, [3, 6, 7]), (6, 3, [3, 6]), (2, 5, [2]), (0, 5, [])]
)
def test_reports_come_every_few_steps_and_at_the_end(steps, per_report, expected):
    x = tf.Variable(np.zeros(3, np.float32))
    reports = list(minimize(quadratic(x), [x], keras.optimizers.SGD(0.1), steps, steps_per_report=per_report))
    assert [report.step for report in reports] == expected


def test_a_report_has_the_loss_and_terms_of_its_last_step():
    x = tf.Variable(np.zeros(3, np.float32))

    def loss(step):
        return tf.reduce_sum(tf.square(x - TARGET)) / 2, {"step": tf.cast(step, tf.float32)}

    (report,) = minimize(loss, [x], keras.optimizers.SGD(0.1), 4)
    assert report.loss == pytest.approx(0.5 * 14 * 0.9**6, rel=1e-5)
    assert report.terms == {"step": 3.0}


def test_the_number_of_reports_does_not_change_the_result():
    results = []
    for per_report in (1, 4, 100):
        x = tf.Variable(np.zeros(3, np.float32))
        list(minimize(noisy(x), [x], keras.optimizers.Adam(0.1), 13, steps_per_report=per_report))
        results.append(x.numpy().tobytes())
    assert len(set(results)) == 1


def test_xla_takes_the_same_steps():
    x, y = (tf.Variable(np.zeros(3, np.float32)) for _ in range(2))
    list(minimize(quadratic(x), [x], keras.optimizers.SGD(0.1), 9))
    list(minimize(quadratic(y), [y], keras.optimizers.SGD(0.1), 9, jit_compile="loop"))
    np.testing.assert_allclose(y.numpy(), x.numpy(), rtol=1e-6)


@pytest.mark.parametrize(("threads", "per_report"), [(2, 4), (3, 7), (5, 2)])
def test_threads_take_each_step_once(threads, per_report):
    x, taken = tf.Variable(np.zeros(3, np.float32)), tf.Variable(tf.zeros(11, tf.int32))

    def loss(step):
        taken.scatter_add(tf.IndexedSlices([1], [step]))
        return quadratic(x)(step), {"step": tf.cast(step, tf.float32)}

    options = {"steps_per_report": per_report, "threads": threads}
    reports = list(minimize(loss, [x], keras.optimizers.SGD(1e-3), 11, **options))
    np.testing.assert_array_equal(taken.numpy(), np.ones(11))
    assert [report.step for report in reports] == [*range(per_report, 11, per_report), 11]
    assert [report.terms["step"] for report in reports] == [report.step - 1 for report in reports]


def test_threads_that_lose_updates_still_minimise():
    x = tf.Variable(np.zeros(3, np.float32))
    list(minimize(quadratic(x), [x], keras.optimizers.SGD(0.1), 400, steps_per_report=50, threads=4))
    np.testing.assert_allclose(x.numpy(), TARGET, rtol=1e-3)


def test_the_schedule_of_threads_is_at_the_step_where_their_round_begins():
    class Recorded(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            first.assign(tf.where(first < 0, tf.cast(step, tf.int64), first))
            return 0.1

    x, first, firsts = tf.Variable(np.zeros(3, np.float32)), tf.Variable(np.int64(-1)), []
    for _ in minimize(quadratic(x), [x], keras.optimizers.SGD(Recorded()), 30, steps_per_report=10, threads=3):
        firsts.append(int(first))
        first.assign(-1)
    assert len(firsts) == 3
    assert all(10 * number <= seen < 10 * number + 3 for number, seen in enumerate(firsts))


def test_threads_stop_at_the_first_loss_that_is_not_finite():
    x = tf.Variable(np.zeros(3, np.float32))
    bad = lambda step: quadratic(x)(step) + tf.where(step == 12, np.nan, 0.0)  # noqa: E731
    with pytest.raises(NonFiniteLoss, match="step 13 of 30"):
        list(minimize(bad, [x], keras.optimizers.SGD(0.1), 30, threads=4))
    assert np.isfinite(x.numpy()).all()


def test_sparse_gradients_change_only_the_rows_that_were_read():
    table = tf.Variable(np.ones((5, 2), np.float32))

    def loss(step):
        return tf.reduce_sum(tf.square(tf.gather(table, [1, 3, 3])))

    list(minimize(loss, [table], keras.optimizers.SGD(0.1), 1))
    np.testing.assert_allclose(table.numpy()[:, 0], [1, 0.8, 1, 0.6, 1], rtol=1e-6)


def test_an_optimizer_can_be_given_by_name():
    ends = []
    for optimizer in ("Adam", keras.optimizers.Adam()):
        x = tf.Variable(np.zeros(3, np.float32))
        list(minimize(quadratic(x), [x], optimizer, 2))
        ends.append(x.numpy())
    np.testing.assert_array_equal(*ends)


def test_the_gradient_is_transformed_before_the_optimizer_sees_it():
    x = tf.Variable(np.zeros(3, np.float32))
    list(minimize(quadratic(x), [x], keras.optimizers.SGD(0.5), 2, gradient_transform=tf.sign))
    np.testing.assert_allclose(x.numpy(), [1, -1, 1])


def test_the_projection_keeps_variables_in_range_after_each_step():
    x = tf.Variable(np.zeros(3, np.float32))
    list(minimize(quadratic(x), [x], keras.optimizers.SGD(1.0), 3, projection=lambda v: tf.clip_by_value(v, 0, 2)))
    np.testing.assert_allclose(x.numpy(), [1, 0, 2])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_with_the_step_and_advice(bad):
    x = tf.Variable(0.0)

    def loss(step):
        return tf.where(step == 5, bad, 1.0) * x + x

    with pytest.raises(NonFiniteLoss, match=r"step 6 of 20.*smaller"):
        list(minimize(loss, [x], keras.optimizers.SGD(0.1), 20))


@pytest.mark.parametrize("jit_compile", [None, "updates", "loop"])
def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_variables(jit_compile):
    x = tf.Variable([4.0, 0.0])

    def loss(step):
        return tf.reduce_sum(tf.sqrt(x))

    with pytest.raises(NonFiniteLoss, match="step 1 of 3"):
        list(minimize(loss, [x], keras.optimizers.Adam(0.1), 3, jit_compile=jit_compile))
    np.testing.assert_array_equal(x.numpy(), [4.0, 0.0])


def test_a_sparse_gradient_that_is_not_finite_does_not_reach_the_variables():
    table = tf.Variable([[4.0], [0.0]])

    def loss(step):
        return tf.reduce_sum(tf.sqrt(tf.gather(table, [0, 1])))

    with pytest.raises(NonFiniteLoss):
        list(minimize(loss, [table], keras.optimizers.SGD(0.1), 3))
    np.testing.assert_array_equal(table.numpy(), [[4.0], [0.0]])


def start():
    x = tf.Variable(np.zeros(3, np.float32))
    schedule = keras.optimizers.schedules.CosineDecay(0.3, 40)
    return x, keras.optimizers.Adam(schedule)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path, stop_after):
    whole, optimizer = start()
    list(minimize(noisy(whole), [whole], optimizer, 40))

    x, optimizer = start()
    run = minimize(noisy(x), [x], optimizer, 40, checkpoint_dir=tmp_path / "state")
    for _ in itertools.islice(run, stop_after):
        pass
    run.close()

    y, optimizer = start()
    reports = list(minimize(noisy(y), [y], optimizer, 40, checkpoint_dir=tmp_path / "state"))
    assert reports[0].step == (stop_after + 1) * 10
    assert y.numpy().tobytes() == whole.numpy().tobytes()


def test_a_finished_run_reports_once_and_changes_nothing(tmp_path):
    x, optimizer = start()
    list(minimize(noisy(x), [x], optimizer, 20, checkpoint_dir=tmp_path))
    y, optimizer = start()
    (report,) = minimize(noisy(y), [y], optimizer, 20, checkpoint_dir=tmp_path)
    assert report.step == 20
    assert y.numpy().tobytes() == x.numpy().tobytes()


def test_an_interrupt_inside_the_loop_saves_the_state(tmp_path):
    x, optimizer = start()
    run = minimize(noisy(x), [x], optimizer, 40, checkpoint_dir=tmp_path)
    next(run)
    with pytest.raises(KeyboardInterrupt):
        run.throw(KeyboardInterrupt)
    y, optimizer = start()
    assert next(minimize(noisy(y), [y], optimizer, 40, checkpoint_dir=tmp_path)).step == 20


@pytest.mark.parametrize(("seconds", "is_written"), [(0, True), (1000, False)])
def test_a_checkpoint_is_written_when_it_is_due(tmp_path, seconds, is_written):
    x, optimizer = start()
    run = minimize(noisy(x), [x], optimizer, 40, checkpoint_dir=tmp_path, save_seconds=seconds)
    next(run)
    assert any(tmp_path.glob("ckpt-*.index")) == is_written
    run.close()


def test_the_graph_of_one_step_shows_loss_gradients_and_optimizer():
    graphs = []
    x = tf.Variable(np.zeros(3, np.float32))
    list(minimize(quadratic(x), [x], keras.optimizers.SGD(0.1), 1, on_graph=graphs.append))
    scopes = {operation.name.split("/")[0] for operation in graphs[0].get_operations()}
    assert {"loss", "gradients"} <= scopes


def test_a_state_that_cannot_be_written_is_one_line(tmp_path):
    x, optimizer = start()
    run = minimize(noisy(x), [x], optimizer, 40, checkpoint_dir=tmp_path / "state", save_seconds=0)
    next(run)
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"^cannot save the state of the run in [^\n]*$"):
        next(run)


def test_the_last_checkpoint_stays_until_the_next_one_is_on_the_disk(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    x, optimizer = start()
    list(minimize(noisy(x), [x], optimizer, 20, checkpoint_dir=tmp_path))
    monkeypatch.setattr(reports, "sync_folder", fail)
    with pytest.raises(CheckpointError, match=r"no space left on device$"):
        list(minimize(noisy(x), [x], start()[1], 40, checkpoint_dir=tmp_path))
    assert {path.name for path in tmp_path.glob("ckpt-*.index")} == {"ckpt-1.index"}
    monkeypatch.undo()
    for path in [*tmp_path.glob("ckpt-1.*")]:  # what a power failure may leave of the next one
        path.with_name(path.name.replace("ckpt-1", "ckpt-2")).write_bytes(b"")
    y, optimizer = start()
    (report,) = minimize(noisy(y), [y], optimizer, 20, checkpoint_dir=tmp_path)
    assert report.step == 20


def test_a_checkpoint_has_its_name_when_it_is_whole(tmp_path, monkeypatch):
    write = tf.train.Checkpoint.write

    def killed(checkpoint, path):
        """Writes the files without a part of the index, as a process that is killed while it writes it."""
        write(checkpoint, path)
        index = Path(f"{path}.index")
        index.write_bytes(index.read_bytes()[:10])
        raise KeyboardInterrupt

    x, optimizer = start()
    monkeypatch.setattr(tf.train.Checkpoint, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        list(minimize(noisy(x), [x], optimizer, 20, checkpoint_dir=tmp_path))
    monkeypatch.undo()
    assert list(tmp_path.glob("part-ckpt-1.index"))
    y, optimizer = start()
    reports = list(minimize(noisy(y), [y], optimizer, 20, checkpoint_dir=tmp_path))
    assert [report.step for report in reports] == [10, 20]
    assert {path.name.partition(".")[0] for path in tmp_path.glob("*ckpt*")} == {"ckpt-1"}


def test_a_damaged_state_is_one_line(tmp_path):
    x, optimizer = start()
    list(minimize(noisy(x), [x], optimizer, 20, checkpoint_dir=tmp_path))
    for path in tmp_path.glob("ckpt*"):
        path.write_bytes(path.read_bytes()[:10])
    y, optimizer = start()
    with pytest.raises(CheckpointError, match=r"^the state in [^\n]* cannot be read[^\n]*$"):
        list(minimize(noisy(y), [y], optimizer, 20, checkpoint_dir=tmp_path))


def test_a_state_of_another_shape_is_refused(tmp_path):
    x, optimizer = start()
    list(minimize(noisy(x), [x], optimizer, 20, checkpoint_dir=tmp_path))
    y = tf.Variable(np.zeros(4, np.float32))
    with pytest.raises(CheckpointError):
        list(minimize(lambda step: tf.reduce_sum(y), [y], keras.optimizers.SGD(0.1), 20, checkpoint_dir=tmp_path))


def test_data_is_fed_before_each_group_of_steps():
    x, data, fed = tf.Variable(np.zeros(3, np.float32)), tf.Variable(0.0), []

    def feed(step):
        fed.append(step)
        data.assign(float(step))

    def loss(step):
        return tf.reduce_sum(tf.square(x - data)), {"data": data.read_value()}

    reports = list(minimize(loss, [x], keras.optimizers.SGD(0.1), 7, steps_per_report=3, feed=feed))
    assert fed == [0, 3, 6]
    assert [report.terms["data"] for report in reports] == [0, 3, 6]


def test_one_optimizer_for_each_variable_does_what_one_for_all_does():
    results = []
    for split in (False, True):
        x, y = (tf.Variable(np.zeros(3, np.float32)) for _ in range(2))
        rate = keras.optimizers.schedules.PolynomialDecay(0.1, 9)
        optimizer = [keras.optimizers.SGD(rate) for _ in range(2)] if split else keras.optimizers.SGD(rate)

        def loss(step, x=x, y=y):
            return quadratic(x)(step) + tf.reduce_sum(tf.square(y - x))

        list(minimize(loss, [x, y], optimizer, 9, jit_compile="updates"))
        results.append((x.numpy(), y.numpy()))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)


def test_the_graph_of_a_step_stays_out_of_the_cycle_of_the_loop():
    """There TensorFlow would choose a kernel for max pooling's gradient by chance."""
    x = tf.Variable(np.zeros([1, 8, 8, 1], np.float32))

    def loss(step):
        return tf.reduce_sum(tf.nn.max_pool2d(x, 3, 2, "VALID"))

    functions = Minimization(loss, [x], keras.optimizers.SGD(0.1))._loop.graph.as_graph_def().library.function
    (step,) = [one for one in functions if any(node.op == "MaxPoolGrad" for node in one.node_def)]
    assert step.attr["_noinline"].b


@pytest.mark.parametrize("name", ["adam", "adagrad", "rmsprop"])
def test_a_second_run_begins_with_the_optimizer_as_it_was(name):
    x = tf.Variable(np.zeros(3, np.float32))
    minimization, ends = Minimization(noisy(x), [x], keras.optimizers.get(name)), []
    for _ in range(2):
        x.assign(np.zeros(3, np.float32))
        list(minimization.run(20))
        ends.append(x.numpy().tobytes())
    assert ends[0] == ends[1]


def test_a_used_optimizer_is_refused():
    x = tf.Variable(np.zeros(3, np.float32))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([x])
    optimizer.apply([tf.constant([1.0, 2.0, 3.0])], [x])
    with pytest.raises(ValueError, match="used before"):
        list(Minimization(noisy(x), [x], optimizer).run(2))
