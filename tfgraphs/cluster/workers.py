"""Workers on several machines, connected by TensorFlow: `MultiWorkerMirroredStrategy` as a transport.

The strategy only carries tensors. Variables stay plain, and neither Keras nor the losses know of it. It has to be made
before TensorFlow computes anything.

`ParameterServerStrategy`, the other one for several machines, is not supported by Keras 3 (keras-team/keras#18624).
"""

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf

from tfgraphs.cluster.addresses import ClusterError, Place
from tfgraphs.cluster.group import Group, WorkersLost
from tfgraphs.errors import summary


class Workers(Group):
    """The group of all workers of a cluster; made in each of them, it waits for the others.

    A worker that ends or hangs misses heartbeats, which the others notice after ten seconds. One that only takes long,
    for a text or a checkpoint, is waited for.

    TensorFlow listens on all interfaces of the machine, without authentication: whoever reaches the port can compute
    here. So it is for private networks.

    Args:
        place: of this worker.

    Raises:
        ClusterError: its port is in use.
    """

    def __init__(self, place: Place) -> None:
        self.rank, self.size = place.rank, len(place.addresses)
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec({"worker": list(place.addresses)}),
            task_type="worker",
            task_id=place.rank,
            rpc_layer="grpc",
        )
        options = tf.distribute.experimental.CommunicationOptions(
            implementation=tf.distribute.experimental.CommunicationImplementation.RING
        )
        try:
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver, options)
        except tf.errors.OpError as error:
            own = place.addresses[place.rank]
            raise ClusterError(
                f"worker {place.rank} cannot listen on {own}, is its port in use? {summary(error)}"
            ) from error
        self._total_now = tf.function(self._total, reduce_retracing=True, autograph=False)

    def total(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        if not tf.executing_eagerly():
            return self._total(list(tensors))
        with self.watched():
            return list(self._total_now(list(tensors)))

    def least(self, *numbers: int) -> list[int]:
        own = [numbers if rank == self.rank else [0] * len(numbers) for rank in range(self.size)]
        return tf.reduce_min(self.total([tf.constant(own, tf.int64)])[0], axis=0).numpy().tolist()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.DeadlineExceededError, tf.errors.AbortedError) as error:
            raise WorkersLost("another worker has ended or does not answer") from error

    def _total(self, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        def of_all(*own: tf.Tensor) -> list[tf.Tensor]:
            return tf.distribute.get_replica_context().all_reduce(
                tf.distribute.ReduceOp.SUM, list(map(tf.identity, own))
            )

        return list(self._strategy.run(of_all, args=tensors))
