"""E3xx: model, loss, metrics and callbacks."""

from __future__ import annotations

from seqjobs.errors.codes._base import fragment, situation

MODEL = (
    fragment(
        "E301",
        "An unknown layer",
        meaning="No layer has this name. A spec can name only layers of Keras, not your own. A spec never runs code, "
        "so it is safe to run a spec from somebody else.",
        example="model:\n  - Desne: {units: 10, activation: softmax}\n",
        fix="Correct the name; capitals matter. The message suggests the nearest name.",
    ),
    fragment(
        "E302",
        "An unknown argument",
        meaning="The layer, loss, optimizer or other object has no argument of this name, or seqjobs sets the "
        "argument itself. In that case the message gives the reason.",
        example="model:\n  - Flatten\n  - Dense: {unit: 10, activation: softmax}\n",
        fix="Correct the name of the argument, or remove it. The names are those of Keras.",
    ),
    fragment(
        "E303",
        "A required argument is missing",
        meaning="The object needs this argument and has no default for it.",
        example="model:\n  - Flatten\n  - Dense: {activation: softmax}\n",
        fix="Add the argument, for example Dense: {units: 10}.",
    ),
    fragment(
        "E304",
        "An argument has a value that it cannot take",
        meaning="The value has the wrong type, is outside the bounds, or does not go together with another argument.",
        example="model:\n  - Flatten\n  - Dropout: {rate: 1.5}\n  - Dense: {units: 10, activation: softmax}\n",
        fix="Write a value of the kind that the message names.",
    ),
    fragment(
        "E305",
        "An unknown loss, optimizer, metric or other name",
        meaning="There is no loss, optimizer, metric, callback, activation, initializer, regularizer, constraint, "
        "schedule or column operation of this name. A spec cannot name your own code, because a spec never runs code.",
        example="compile: {optimizer: adma, loss: sparse_categorical_crossentropy, metrics: [accuracy]}\n",
        fix="Correct the name. The message suggests the nearest one.",
    ),
    fragment(
        "E306",
        "Two metrics have the same column",
        meaning="Each metric is a column of the history, and these two metrics would have the same column.",
        example="compile: {optimizer: adam, loss: sparse_categorical_crossentropy, metrics: [accuracy, accuracy]}\n",
        fix="Remove one of the two.",
    ),
    fragment(
        "E307",
        "A name of Keras that is not offered",
        meaning="Keras has this object, but a spec cannot use it. The message gives the reason. For example, a "
        "Sequential model has one input and the object takes several, or seqjobs already does what the object does.",
        example="model:\n  - Flatten\n  - Concatenate\n  - Dense: {units: 10, activation: softmax}\n",
        fix="Use another object, or remove this one.",
    ),
    fragment(
        "E308",
        "The model has no layers",
        meaning="`model` is an empty list.",
        example="model: []\n",
        fix="Add at least one layer, for example - Dense: {units: 1}.",
    ),
    fragment(
        "E309",
        "Shapes do not fit",
        meaning="A layer cannot take the shape that comes from the data or from the layer before it, or the shape of "
        "the output does not fit the target.",
        example="model:\n  - Flatten\n  - Conv2D: {filters: 8, kernel_size: 3}\n  - Dense: {units: 10}\n",
        fix="Change the layer or the one before it; the message shows both shapes, without the batch. The last layer "
        "has one unit per class, or one per number of the target.",
    ),
    fragment(
        "E310",
        "Loss, output and target do not go together",
        meaning="The loss or metric takes other targets or outputs than the spec has. Keras would train, and the "
        "results would have no meaning.",
        example="model:\n  - Flatten\n  - Dense: {units: 10, activation: relu}\n",
        fix="Choose the loss and the last activation together: softmax and sparse_categorical_crossentropy for "
        "classes, sigmoid and binary_crossentropy for yes or no, no activation and mse for numbers.",
    ),
    fragment(
        "E311",
        "A callback monitors a column that does not exist",
        meaning="The history of this job has no such column, so the callback would never act. Columns that begin with "
        "val_ exist only with validation.",
        example="fit: {epochs: 2, validation_split: 0.2, callbacks: [{EarlyStopping: {monitor: val_auc}}]}\n",
        fix="Monitor one of the columns that the message lists, or add the metric or the validation.",
    ),
    fragment(
        "E312",
        "The objective is a column that does not exist",
        meaning="Trials are ranked by a column of the history, and the history of this job has no such column.",
        example="objective: {metric: val_auc, direction: maximize}\n",
        fix="Name one of the columns that the message lists, or add the metric or the validation.",
    ),
    situation(
        "E313",
        "A model cannot be built or called",
        meaning="A worker built the model and called it once on zeros of the data's shape. Keras raised an error, or "
        "the worker died. Nothing was trained.",
        example="A custom build of Keras or TensorFlow that lacks a layer.",
        fix="Read the error at the end of the message, and correct the layers, the loss or the shape of the data.",
    ),
    situation(
        "E314",
        "A class weight for a class that does not exist",
        meaning="`class_weight` names classes as they are in the data, and the target has no such class.",
        example="fit: {epochs: 2, class_weight: {cat: 2.0, dgo: 5.0}}  # with the classes cat and dog",
        fix="Name one of the classes that the message lists.",
    ),
    fragment(
        "E315",
        "An object is written in the wrong form",
        meaning="A layer, loss, optimizer, metric or callback is a name, or a name with its arguments as a mapping. It "
        "has no key `name`, no list of arguments, and no second name next to the first.",
        example="compile:\n  optimizer: {name: Adam, learning_rate: 0.001}\n  loss: sparse_categorical_crossentropy\n"
        "  metrics: [accuracy]\n",
        fix="Write Adam, or {Adam: {learning_rate: 0.001}}. Indent the arguments below the name.",
    ),
)
