"""E4xx: data that cannot be read, or does not match the spec."""

from __future__ import annotations

from seqjobs.errors.codes._base import fragment, situation

DATA = (
    fragment(
        "E401",
        "The data cannot be found or read",
        meaning="There is no data file at the path, the same file is named twice, the path may not be read, or the "
        "object store does not answer. Relative paths start from the folder of the spec.",
        example="data: {train: no-such-folder/*.parquet, target: label}\n",
        fix="Correct the path or the permissions. For an object store, check the credentials in the environment and "
        "data.storage.",
    ),
    situation(
        "E402",
        "A column is missing, or its name is used twice",
        meaning="The spec or the command names a column that the files do not have, or the files or the predictions "
        "have two columns of this name. A CSV file that is read with the wrong delimiter has one column.",
        example="seqjobs init rows.csv --target lable",
        fix="Correct the name; the message suggests the nearest one. Write the file with each name once. For another "
        "delimiter than a comma, set data.csv.delimiter.",
    ),
    situation(
        "E403",
        "A column has a type that cannot be used here",
        meaning="The spec uses the column as a feature, a target, a weight, or the input of an operation, and a column "
        "of this type cannot be that.",
        example="features: [comment]  # a column of text without an operation",
        fix="Name an operation that converts the column to numbers, such as one_hot for text; store the column with "
        "another type; or leave the column out.",
    ),
    situation(
        "E404",
        "The files have different columns",
        meaning="All files of the training and validation rows have the same columns with the same types.",
        example="train: [january.csv, february.csv]  # where only one of the two has the column `price`",
        fix="Write all files with the same columns and types.",
    ),
    fragment(
        "E405",
        "A column has two uses",
        meaning="A column is a feature, or the target, or the weight of the rows. As a feature, the target would be "
        "learned from itself.",
        example="data: {train: train.parquet, features: [image, label], target: label}\n",
        fix="Remove the column from data.features, or name another target or sample_weight.",
    ),
    situation(
        "E406",
        "There is nothing to learn from",
        meaning="The files have no rows, the training part of validation_split has none, or the target has the same "
        "value in all rows.",
        example="A CSV file with a header only.",
        fix="Name files with rows, and with at least two classes or values of the target.",
    ),
    situation(
        "E407",
        "A value occurs in no training row",
        meaning="Rows have a class of the target, or a category of a feature with `unseen: error`, that no training "
        "row has.",
        example="target: species  # with a species that only the validation rows have",
        fix="Add such rows to the training files, or correct or remove these rows.",
    ),
    situation(
        "E408",
        "A value is missing",
        meaning="A feature without an operation for missing values, a target or a weight is null (in CSV: empty) in "
        "some rows. The message has the number of these rows and the position of the first.",
        example="features: [age]  # which is empty in two rows",
        fix="Fill the missing values of a feature by an operation, for example {age: {impute: median}}; remove rows "
        "without a target.",
    ),
    situation(
        "E409",
        "Lists of a column have different lengths",
        meaning="A column of lists is a row of numbers of one length for each row. A list of this column is longer, "
        "shorter or empty.",
        example="features: [pixels]  # with 784 numbers in most rows and 783 in one",
        fix="Make all lists equally long, for example with the operation pad.",
    ),
    situation(
        "E410",
        "A value cannot be read as the type of its column",
        meaning="The first rows, or data.types, set the type of the column, such as number or time. This value does "
        "not have that type.",
        example="A CSV column of numbers in which one row has n/a.",
        fix="Correct the value, or set the type of the column: data.types: {zip: string}.",
    ),
    situation(
        "E411",
        "The file is damaged, or its format is not the one of its name",
        meaning="The file is incomplete or encrypted, or has another format or text encoding than expected. Or a row "
        "of a CSV file has more or fewer values than the first line.",
        example="cp rows.csv rows.parquet",
        fix="Copy or write the file again. For CSV in another encoding or with another delimiter, set "
        "data.csv.encoding, for example latin-1, or data.csv.delimiter.",
    ),
    situation(
        "E412",
        "A checksum does not match",
        meaning="The file holds checksums, and a part of it does not match: it changed after it was written.",
        example="A disk or network error while the file was copied.",
        fix="Copy the file again from its source, or write it again.",
    ),
    situation(
        "E413",
        "The file or its rows take too much memory",
        meaning="Decoding the file, or holding its rows, takes more memory or temporary disk space than is free. Or "
        "the file expands so far beyond its size that it looks like an attack.",
        example="seqjobs submit huge.yaml  # 40 GiB of rows on a machine with 16 GiB",
        fix="Set data.memory to a smaller size, so that rows are read from a file. Or write the data in smaller row "
        "groups, name fewer files or columns, or make room in TMPDIR.",
    ),
    situation(
        "E414",
        "The file has a type or compression that cannot be decoded",
        meaning="A column has an extension type, or the file has a codec, that this installation of Arrow does not "
        "read.",
        example="A Parquet file with LZO compression.",
        fix="Write the file again with plain columns and zstd or snappy compression.",
    ),
    situation(
        "E415",
        "The format of the file is unknown",
        meaning="The file extension sets the format. Parquet, CSV, Feather (Arrow IPC), ORC and JSON lines "
        "can be read; CSV and JSON lines may be compressed.",
        example="data: {train: rows.xlsx, target: label}",
        fix="Store the rows in one of these formats, for example in a file with the extension .parquet.",
    ),
    situation(
        "E416",
        "A shape or a factor of a column does not fit",
        meaning="The product of a shape's sizes must be the column's width. Only a single feature column keeps a "
        "shape of several axes. A factor must fit into float32.",
        example="features: {pixels: {shape: [28, 28, 3]}}  # of a column with 784 numbers",
        fix="Correct the shape or the factor, or leave it out.",
    ),
    situation(
        "E417",
        "The training rows do not show what an operation must learn",
        meaning="An operation learns quantiles, categories, words or a replacement for missing values from the "
        "training rows. These rows have no such values, or too many different ones.",
        example="features: {age: {impute: median}}  # where `age` is missing in all rows",
        fix="Leave the column out, or set the value that the operation cannot learn, for example {impute: {constant: "
        "0}}. For a column of more than 10,000 categories, set max or use hash.",
    ),
    situation(
        "E418",
        "The target has a class without an output",
        meaning="The model has fewer outputs than there are classes, or a row has a class without an output.",
        example="Dense: {units: 9}  # with classes 0 to 9",
        fix="Give the last layer one unit per class, or leave these rows out.",
    ),
    situation(
        "E419",
        "A feature is outside the table of an Embedding",
        meaning="An Embedding has rows for 0 to input_dim - 1, and a feature is larger or negative.",
        example="Embedding: {input_dim: 100, output_dim: 8}  # with a feature that is 100",
        fix="Raise input_dim, or change the feature by an operation such as hash.",
    ),
    situation(
        "E420",
        "New rows have another type than the training rows",
        meaning="A column of the rows to predict or to evaluate has another type, time zone or kind of numbers than "
        "in training. Its values would silently mean something else.",
        example="seqjobs predict one rows.csv  # in which `price` is text and was a number",
        fix="Write the column with the type that the message names.",
    ),
    situation(
        "E421",
        "The data has changed since the run began",
        meaning="All trials of a run train on the same rows, so that they are comparable.",
        example="Rows were added to train.csv between two submits of one run.",
        fix="Restore the data, or submit under another --run.",
    ),
    situation(
        "E422",
        "Keras cannot prepare a column in the same way",
        meaning="`export --with-preprocessing` writes the operations of each column as Keras layers, and Keras has no "
        "layer that does exactly the same as this operation.",
        example="seqjobs export one --with-preprocessing  # with a column of images",
        fix="Export without --with-preprocessing, and prepare the rows with `seqjobs predict`.",
    ),
    situation(
        "E423",
        "Predictions that CSV cannot hold",
        meaning="A column of --keep holds lists, bytes or another type that a CSV cell cannot hold.",
        example="seqjobs predict one rows.parquet --keep pixels --out predictions.csv",
        fix="Write to a file that ends in .parquet, or leave the column out of --keep.",
    ),
    situation(
        "E424",
        "A number is too large for its column",
        meaning="Integers of features and targets are stored in 32 bits, pixels in 8 bits, and other numbers as "
        "float32. This number does not fit. Or whole numbers are looked up that lose digits as 64-bit floats, so that "
        "two of them would be one category.",
        example="features: [user_id]  # with numbers above 2,147,483,647",
        fix="Correct the value, use an operation such as hash, or store the column as floating-point numbers. For long "
        "numbers that only name something: data.types: {user_id: string}.",
    ),
    situation(
        "E425",
        "The process that was reading a file died",
        meaning="A separate process decodes a file, and this process died. Usually the file is damaged in a way that "
        "crashes the decoder, or decoding it takes more memory than is free.",
        example="seqjobs plan deep.yaml --data  # with a JSON line that is nested a million levels deep",
        fix="Write the file again, as Parquet with small row groups, or read it where more memory is free.",
    ),
    situation(
        "E431",
        "Values that are not finite, or negative weights",
        meaning="A feature, target or weight is NaN or infinite, or a weight is negative. Training on it would make "
        "every weight of the model NaN.",
        example="features: [ratio]  # which is inf in three rows",
        fix="Correct these rows, or use an operation such as impute or clip.",
    ),
)
