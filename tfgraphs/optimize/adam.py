"""The update rule of Adam as a pure function, for programs that are exported.

A Keras optimizer keeps its moments in variables of a fixed size; an exported program changes pictures of any size.
"""

import tensorflow as tf


def adam_step(
    value: tf.Tensor,
    gradient: tf.Tensor,
    mean: tf.Tensor,
    square: tf.Tensor,
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns x_t, m_t and v_t of Adam (Kingma and Ba, arXiv 1412.6980, end of section 2; the form that Keras uses).

        m_t = m_{t-1} + (1 - beta_1) (g_t - m_{t-1})
        v_t = v_{t-1} + (1 - beta_2) (g_t^2 - v_{t-1})
        x_t = x_{t-1} - learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m_t / (sqrt(v_t) + epsilon)

    Args:
        value, gradient: x_{t-1} and g_t, of one shape, as are the two moments.
        mean, square: m_{t-1} and v_{t-1}, zeros before the first step.
        step: t, a float scalar, 1 in the first step.
        learning_rate: of this step, a float scalar.
        beta_1, beta_2: decay rates of the moments.
        epsilon: keeps the quotient finite where gradients are zero.
    """
    mean += (1 - beta_1) * (gradient - mean)
    square += (1 - beta_2) * (tf.square(gradient) - square)
    rate = learning_rate * (tf.sqrt(1 - beta_2**step) / (1 - beta_1**step))
    return value - rate * mean / (tf.sqrt(square) + epsilon), mean, square
