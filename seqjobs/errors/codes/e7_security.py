"""E7xx: what a spec may not name, so that any spec is safe to run."""

from __future__ import annotations

from seqjobs.errors.codes._base import fragment, situation

SECURITY = (
    fragment(
        "E701",
        "A name that could be a path or an option",
        meaning="The names of jobs and runs become names of files. They have lower-case letters, digits, dots, "
        "underscores and hyphens, begin with a letter or a digit, and have at most 63 characters.",
        example="name: ../digits\n",
        fix="Choose a name such as digits-cnn.",
    ),
    fragment(
        "E702",
        "A layer that runs code",
        meaning="This layer of Keras runs code, or reads files, that its arguments name. A spec never runs code.",
        example="model:\n  - Lambda: {function: relu}\n  - Dense: {units: 10, activation: softmax}\n",
        fix="Use other layers: Rescaling and Activation do much of what Lambda is used for.",
    ),
    fragment(
        "E703",
        "A layer that may read a vocabulary from a file",
        meaning="These layers of Keras take the path of a file. In seqjobs the data section turns text into numbers.",
        example="model:\n  - StringLookup: {vocabulary: /etc/passwd}\n  - Dense: {units: 10, activation: softmax}\n",
        fix="Name an operation of the column in data.features, for example {word: one_hot}.",
    ),
    fragment(
        "E704",
        "A Keras configuration",
        meaning="A mapping with class_name or config is what Keras's deserializer reads, and it can name any code. A "
        "spec never holds one.",
        example="compile:\n  optimizer: {class_name: Adam, config: {learning_rate: 0.001}}\n"
        "  loss: sparse_categorical_crossentropy\n  metrics: [accuracy]\n",
        fix="Write the name with its arguments: {Adam: {learning_rate: 0.001}}.",
    ),
    fragment(
        "E705",
        "A callback that writes to a path, sends to a host or runs a function",
        meaning="A spec names no place to write to and no code to run. The run's folder holds the checkpoints, "
        "histories and weights.",
        example="fit: {epochs: 2, validation_split: 0.2, callbacks: [{CSVLogger: {filename: log.csv}}]}\n",
        fix="Remove the callback. `seqjobs results` prints the histories, and `seqjobs export` writes the model.",
    ),
    fragment(
        "E707",
        "An address at which a cloud machine gets its credentials",
        meaning="Such an address holds no data. A spec that names one could send the machine's credentials elsewhere. "
        "All spellings of an address count, and so do names that resolve to one when data is read.",
        example="data:\n  train: s3://bucket/rows.parquet\n  target: label\n"
        '  storage: {endpoint: "http://169.254.169.254"}\n',
        fix="Name the host of the object store.",
    ),
    fragment(
        "E709",
        "A secret in a spec",
        meaning="The name of the key looks like a secret, or the address holds a login, a signature or a token. A spec "
        "is copied into every run, where others can read it.",
        example='data: {train: "s3://user:password@bucket/rows.parquet", target: label}\n',
        fix="Remove it, set it in the environment of the process that submits, and replace the secret if others have "
        "seen the file.",
    ),
    situation(
        "E710",
        "A store redirects to another host",
        meaning="A redirect is not followed to another host or port, because the session token of the credentials "
        "would be sent there, and because the spec does not name that host. Nothing was sent.",
        example="seqjobs plan job.yaml --data  # data.storage.region is not the region of the bucket",
        fix="Name the host that has the data in data.storage.endpoint, or the region of the bucket in "
        "data.storage.region.",
    ),
)
