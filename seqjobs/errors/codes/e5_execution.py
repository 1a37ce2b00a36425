"""E5xx: size of a job, cluster and workers."""

from __future__ import annotations

from seqjobs.errors.codes._base import fragment, situation

EXECUTION = (
    fragment(
        "E501",
        "Too many trials",
        meaning="A run has at most 100,000 trials: assignments times repeats, over all its jobs. A grid over a range "
        "without a step is endless.",
        example="search: {trials: 60000, repeats: 2}\nfit:\n  epochs: 2\n  validation_split: {uniform: [0.1, 0.3]}\n",
        fix="Ask for fewer trials, use the sampler random, or submit the jobs one by one.",
    ),
    fragment(
        "E502",
        "A number or a model is too large",
        meaning="The number is larger than any model needs, or the model would have more parameters or values than a "
        "machine can hold. It is refused before it takes all memory.",
        example="model:\n  - Flatten\n  - Dense: {units: 100000000000}\n  - Dense: {units: 10, activation: softmax}\n",
        fix="Write a smaller number.",
    ),
    fragment(
        "E503",
        "Too many layers, or too many wrappers",
        meaning="A model has at most 1,000 layers, and a layer at most 4 wrappers such as TimeDistributed around it.",
        example="model:\n  - TimeDistributed: {layer: {TimeDistributed: {layer: {TimeDistributed: {layer: "
        "{TimeDistributed: {layer: {TimeDistributed: {layer: Flatten}}}}}}}}}\n",
        fix="Make the model smaller, or remove wrappers.",
    ),
    situation(
        "E506",
        "A worker asks for more than the cluster has",
        meaning="`resources` of the spec asks for CPUs, GPUs or memory that no node of the cluster has.",
        example="seqjobs submit digits.yaml -S resources.cpus=512",
        fix="Lower `resources` in the spec; `seqjobs doctor` shows what the cluster has.",
    ),
    situation(
        "E507",
        "Workers do not start",
        meaning="The processes of workers died while they started, or none started in time. Nothing was trained.",
        example="A TensorFlow that the machine's processor does not support.",
        fix="Run `seqjobs doctor`, which starts one worker and shows what it prints.",
    ),
    situation(
        "E508",
        "Ray cannot be reached",
        meaning="No Ray cluster answers at the address, or a local one could not be started.",
        example="seqjobs submit digits.yaml --address head:6379",
        fix="Check the address and that the cluster runs. Without --address, seqjobs starts Ray on this machine.",
    ),
    situation(
        "E509",
        "Work was lost with its worker",
        meaning="A worker or node died while it did something that is not a trial: reading, exporting, predicting.",
        example="A node of the cluster was shut down.",
        fix="Run the same command again; `submit` resumes.",
    ),
    situation(
        "E510",
        "This process is connected to a Ray cluster already",
        meaning="A Python program called seqjobs after it had called ray.init().",
        example="import ray; ray.init(); seqjobs.submit(...)",
        fix="Call ray.shutdown() first.",
    ),
    situation(
        "E511",
        "The memory budget is too small",
        meaning="A worker that has trained nothing yet holds more memory than resources.memory allows. Python, "
        "TensorFlow and the data take some hundred MiB.",
        example="seqjobs submit digits.yaml -S resources.memory=100MiB",
        fix="Raise resources.memory.",
    ),
    situation(
        "E512",
        "The folder of the warm cluster is not safe to use",
        meaning="The folder through which commands reach the cluster of `seqjobs up` belongs to another user, or "
        "other users can access it.",
        example="chmod 777 on the folder",
        fix="Inspect the folder that the message names. If no warm cluster of yours is running, remove the folder.",
    ),
    situation(
        "E513",
        "A run is using the warm cluster",
        meaning="`seqjobs down` does not stop a cluster on which a run is training.",
        example="seqjobs down  # while `seqjobs submit` runs",
        fix="Wait for the run, or stop it with `seqjobs down --force`; the run can be resumed.",
    ),
    situation(
        "E514",
        "The warm cluster did not start",
        meaning="The process that `seqjobs up` started ended before the cluster was ready.",
        example="seqjobs up  # with too little room in /tmp",
        fix="Read the log that the message names.",
    ),
    situation(
        "E515",
        "The warm cluster does not answer",
        meaning="The process that keeps the cluster is running, but did not answer in time.",
        example="The process was stopped with SIGSTOP, or the machine is overloaded.",
        fix="Run `seqjobs down --force`, then `seqjobs up`.",
    ),
    situation(
        "E516",
        "The warm cluster was lost",
        meaning="The process that keeps the cluster ended while a run was using it.",
        example="seqjobs down --force  # while `seqjobs submit` runs",
        fix="Run the same command again; it resumes, and starts its own cluster if no warm one is running.",
    ),
    situation(
        "E517",
        "Every attempt died",
        meaning="The worker died in each of the first attempts of several trials. So the cause is not a single trial, "
        "and the run stopped. The message has the last reason.",
        example="Too little memory for any trial, or a library that crashes.",
        fix="Correct the cause: for too little memory, lower fit.batch_size or make the model smaller. Then run the "
        "same command again; it resumes.",
    ),
    situation(
        "E518",
        "The run's time ended before training began",
        meaning="The time of limits.run_time counts from the start of the command. Reading the data and starting "
        "workers took longer.",
        example="seqjobs submit digits.yaml -S limits.run_time=1s",
        fix="Raise limits.run_time, or run the same command again; it resumes.",
    ),
    situation(
        "E519",
        "A worker did not answer in time",
        meaning="No worker has read the data, exported a model, or predicted rows, within the time limit. Reading may "
        "take 2 hours, or limits.stall if it is longer.",
        example="The cluster is occupied by other programs, or a network drive does not answer.",
        fix="Run the same command again.",
    ),
    situation(
        "E520",
        "The cluster is lost",
        meaning="The head of the Ray cluster ended, or does not answer. Finished epochs are saved.",
        example="The machine with Ray's head was shut down.",
        fix="Start the cluster again, then run the same command again; it resumes.",
    ),
    situation(
        "E521",
        "The temporary folder is full, or cannot be written",
        meaning="A local Ray writes its sockets and logs into the system's temporary folder.",
        example="seqjobs submit digits.yaml  # with /tmp full",
        fix="Make room there, or set TMPDIR to another folder with a short path.",
    ),
    situation(
        "E522",
        "Too few processes and threads are allowed",
        meaning="A local Ray starts some hundred threads, more than the limit of this user allows.",
        example="ulimit -u 300; seqjobs submit digits.yaml",
        fix="Raise the limit, which `ulimit -u` shows, or end other programs.",
    ),
    situation(
        "E523",
        "The size of a GPU's memory is unknown",
        meaning="The spec asks for a part of one GPU, and the driver does not report how much memory the GPU has.",
        example="seqjobs submit digits.yaml -S resources.gpus=0.5  # with a driver without NVML",
        fix="Write gpus: 1, which works for any size.",
    ),
    situation(
        "E526",
        "A user without a home folder",
        meaning="The files of a warm cluster are in the user's home folder. HOME is not set, and the system knows no "
        "user with this number, as in a container that runs under any number.",
        example="docker run --user 54321 IMAGE up",
        fix="Set XDG_STATE_HOME to a folder of your own. `submit` needs no home folder without `up`.",
    ),
    situation(
        "E527",
        "A trial was alone whenever its submit died",
        meaning="A submit died while the trial trained. The trial was tried again after all others and alone, and "
        "three more submits died before it had a later checkpoint. So the trial is probably the cause, and it failed.",
        example="A trial that takes so much memory that the system ends the submit.",
        fix="Look for what ended the submits; `dmesg` shows kills for memory. Then run "
        "`seqjobs submit SPEC --retry-failed`.",
    ),
    situation(
        "E529",
        "An error that seqjobs did not foresee",
        meaning="This is a bug in seqjobs. The message says what was being done, and with which file and column. The "
        "exit code is 70: the same command is likely to end in the same way.",
        example="A file of a kind that was never tested.",
        fix="Report it, with the file that the message names: it holds the traceback. To work around it, leave the "
        "column out, or write the data with other types or in another format.",
    ),
    situation(
        "E530",
        "A process may not have enough memory",
        meaning="A limit such as `ulimit -v` is too low for the command, or the machine has no memory left. Under "
        "`ulimit -v` all addresses count that a process reserves. Ray and TensorFlow reserve several times what they "
        "use, so with such a limit no local Ray is started.",
        example="ulimit -v 4000000; seqjobs submit digits.yaml",
        fix="Raise the limit with `ulimit -v unlimited`, then run the same command again. To limit what workers hold, "
        "set resources.memory, or use a control group.",
    ),
)
