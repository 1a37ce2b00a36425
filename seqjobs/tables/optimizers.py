"""Optimizers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry, Rule, Table, left_out, table_of
from seqjobs.tables.arguments import Flag, Integer, Number, NumberOr, Optional
from seqjobs.tables.schedules import SCHEDULES

_POSITIVE = Number(above=0)
_AT_LEAST_0 = Number(at_least=0)
_SHARE = Number(at_least=0, below=1)

_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")

_COMMON = {
    "weight_decay": Argument(Optional(_AT_LEAST_0), None),
    **{name: Argument(Optional(_POSITIVE), None) for name in _CLIPS},
    "use_ema": Argument(Flag(), False),
    "ema_momentum": Argument(Number(at_least=0, at_most=1), 0.99),
    "ema_overwrite_frequency": Argument(Optional(Integer(at_least=1)), None),
    "loss_scale_factor": Argument(Optional(_POSITIVE), None),
    "gradient_accumulation_steps": Argument(Optional(Integer(at_least=2)), None),
}


def _one_clipping(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    given = [name for name in _CLIPS if arguments[name] is not None]
    if len(given) > 1:
        yield Conflict(given[1], f"only one of {', '.join(_CLIPS)} can be given", f"remove {' or '.join(given)}")


def _nesterov_has_momentum(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if arguments["nesterov"] and not arguments["momentum"]:
        yield Conflict("nesterov", "nesterov does nothing without momentum", "give momentum, such as 0.9")


def _betas(second: float = 0.999) -> dict[str, Argument]:
    return {"beta_1": Argument(_SHARE, 0.9), "beta_2": Argument(_SHARE, second)}


def _epsilon(default: float = 1e-7) -> dict[str, Argument]:
    return {"epsilon": Argument(_AT_LEAST_0, default)}


def _optimizer(
    name: str,
    doc: str,
    own: Mapping[str, Argument],
    *,
    rate: float = 0.001,
    rules: tuple[Rule, ...] = (),
) -> Entry:
    learning_rate = Argument(NumberOr(_POSITIVE, SCHEDULES), rate)
    arguments = {"learning_rate": learning_rate, **_COMMON, **own}
    return Entry(name, doc, arguments, rules=(_one_clipping, *rules))


_ADAM = {**_betas(), **_epsilon()}
_AMSGRAD = {"amsgrad": Argument(Flag(), False)}
_ACCUMULATOR = {"initial_accumulator_value": Argument(_AT_LEAST_0, 0.1)}

_ENTRIES = table_of(
    (
        _optimizer("Adam", "https://arxiv.org/abs/1412.6980", {**_ADAM, **_AMSGRAD}),
        _optimizer(
            "AdamW",
            "https://arxiv.org/abs/1711.05101",
            {**_ADAM, **_AMSGRAD, "weight_decay": Argument(_AT_LEAST_0, 0.004)},
        ),
        _optimizer("Adamax", "https://arxiv.org/abs/1412.6980, section 7.1", _ADAM),
        _optimizer("Nadam", "Adam with Nesterov momentum", _ADAM),
        _optimizer("Lamb", "https://arxiv.org/abs/1904.00962", _ADAM),
        _optimizer(
            "Lion",
            "https://arxiv.org/abs/2302.06675",
            {**_betas(second=0.99), "beta_1": Argument(Number(above=0, below=1), 0.9)},
        ),
        _optimizer("Adadelta", "https://arxiv.org/abs/1212.5701", {"rho": Argument(_SHARE, 0.95), **_epsilon()}),
        _optimizer("Adagrad", "https://jmlr.org/papers/v12/duchi11a.html", {**_ACCUMULATOR, **_epsilon()}),
        _optimizer(
            "Adafactor",
            "https://arxiv.org/abs/1804.04235",
            {
                "beta_2_decay": Argument(Number(below=0), -0.8),
                "epsilon_1": Argument(_AT_LEAST_0, 1e-30),
                "epsilon_2": Argument(_AT_LEAST_0, 0.001),
                "clip_threshold": Argument(_POSITIVE, 1.0),
                "relative_step": Argument(Flag(), True),
            },
        ),
        _optimizer(
            "Ftrl",
            "https://research.google.com/pubs/archive/41159.pdf",
            {
                "learning_rate_power": Argument(Number(at_most=0), -0.5),
                **_ACCUMULATOR,
                "l1_regularization_strength": Argument(_AT_LEAST_0, 0.0),
                "l2_regularization_strength": Argument(_AT_LEAST_0, 0.0),
                "l2_shrinkage_regularization_strength": Argument(_AT_LEAST_0, 0.0),
                "beta": Argument(_AT_LEAST_0, 0.0),
            },
        ),
        _optimizer(
            "Muon",
            "https://kellerjordan.github.io/posts/muon, with Adam for variables that are not matrices",
            {
                "adam_beta_1": Argument(_SHARE, 0.9),
                "adam_beta_2": Argument(_SHARE, 0.999),
                "adam_weight_decay": Argument(Optional(_AT_LEAST_0), 0.004),
                **_epsilon(),
                "weight_decay": Argument(Optional(_AT_LEAST_0), 0.004),
                "exclude_embeddings": Argument(Flag(), True),
                "muon_a": Argument(Number(), 3.4445),
                "muon_b": Argument(Number(), -4.775),
                "muon_c": Argument(Number(), 2.0315),
                "adam_lr_ratio": Argument(_POSITIVE, 1.0),
                "momentum": Argument(_SHARE, 0.95),
                "ns_steps": Argument(Integer(at_least=1, at_most=100), 5),
                "nesterov": Argument(Flag(), True),
                "rms_rate": Argument(Optional(_POSITIVE), 0.2),
            },
        ),
        _optimizer(
            "RMSprop",
            "https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
            {
                "rho": Argument(_SHARE, 0.9),
                "momentum": Argument(_SHARE, 0.0),
                **_epsilon(),
                "centered": Argument(Flag(), False),
            },
        ),
        _optimizer(
            "SGD",
            "gradient descent with momentum",
            {"momentum": Argument(Number(at_least=0, at_most=1), 0.0), "nesterov": Argument(Flag(), False)},
            rate=0.01,
            rules=(_nesterov_has_momentum,),
        ),
        _optimizer(
            "ScheduleFreeAdamW",
            "https://arxiv.org/abs/2405.15682",
            {**_betas(), **_epsilon(1e-8), "warmup_steps": Argument(Integer(at_least=0, absurd=10**12), 0)},
            rate=0.0025,
        ),
    )
)

OPTIMIZERS = Table(
    name="optimizer",
    entries=_ENTRIES,
    aliases={name.lower(): name for name in _ENTRIES},
    left_out={
        **left_out("it is the base class of the others", "Optimizer"),
        **left_out("scale the loss with the argument loss_scale_factor instead", "LossScaleOptimizer"),
        **left_out("it takes other optimizers by layer", "MultiOptimizer", "OptimizerMap"),
    },
    left_out_arguments={
        "name": "names are given by seqjobs",
        "exclude_layers": "it matches regular expressions with the names of layers, which seqjobs gives",
    },
)
