"""E6xx: run folders."""

from __future__ import annotations

from seqjobs.errors.codes._base import situation

RUNS = (
    situation(
        "E601",
        "This folder is not a run",
        meaning="The path of the run is a file, a folder with other things, or an address such as s3://... . Nothing "
        "in it was changed.",
        example="seqjobs submit digits.yaml --runs-dir . --run thesis  # where ./thesis has other files",
        fix="Choose another --run or --runs-dir.",
    ),
    situation(
        "E602",
        "Another process uses this run",
        meaning="One process at a time writes into a run. The message names the process and its host.",
        example="seqjobs submit digits.yaml --run one & seqjobs submit digits.yaml --run one",
        fix="Wait for that process, or stop it, then run the same command again.",
    ),
    situation(
        "E603",
        "The run was created from another spec",
        meaning="A run keeps the spec that it was created with, so that its results stay comparable. The message shows "
        "the difference. A run that another version of seqjobs began is refused too, if this version would give its "
        "trials other results.",
        example="seqjobs submit digits.yaml --run one; seqjobs submit digits.yaml --run one -S seed=2",
        fix="Submit under another --run, or restore the spec.",
    ),
    situation(
        "E605",
        "Another process has written into this run",
        meaning="Two processes wrote into one run although a lock forbids it, as on a shared file system without "
        "locks. This process stopped. What the other process wrote is complete.",
        example="seqjobs submit digits.yaml --run one  # on two machines, over a network folder without locks",
        fix="Let the other process finish. Use a file system with locks for --runs-dir.",
    ),
    situation(
        "E606",
        "A file cannot be written",
        meaning="The disk is full, the folder may not be written, or the file system lacks a feature that a run's log "
        "needs. What was written before is safe.",
        example="seqjobs submit digits.yaml --runs-dir /read-only",
        fix="Make room, correct the permissions, or choose another --runs-dir; then run the same command again.",
    ),
    situation(
        "E607",
        "The run has the format of another version",
        meaning="A version of seqjobs with another run format wrote this run.",
        example="seqjobs results one  # where a newer version made the run",
        fix="Use the version that wrote it.",
    ),
    situation(
        "E608",
        "The plan of the run is damaged or missing",
        meaning="`run.json` does not have the content that was written, or is not there. Without it nothing in the run "
        "can be read.",
        example="An editor changed run.json.",
        fix="Restore run.json from a copy, or submit under another --run.",
    ),
    situation(
        "E609",
        "A file of the run is damaged or missing",
        meaning="A segment of the log, or a file of weights, does not have the content that was written.",
        example="A disk error, or somebody deleted a file in the folder log/.",
        fix="Restore the file from a copy, or run `seqjobs fsck --repair` and submit again: lost trials are trained "
        "again.",
    ),
    situation(
        "E610",
        "A file of the run cannot be read",
        meaning="The system refused to read the file. The file itself may be undamaged.",
        example="seqjobs results one  # in a folder of another user",
        fix="Check the disk and the permissions, then run the same command again.",
    ),
    situation(
        "E611",
        "There is no such run",
        meaning="No run in the folder has this ID or an ID that begins with it, several IDs begin with it, there are "
        "no runs yet, or another process removed the run at this moment.",
        example="seqjobs results no-such-run",
        fix="`seqjobs ls` lists the runs of a folder. Give --runs-dir if they are elsewhere.",
    ),
    situation(
        "E612",
        "There is no such trial",
        meaning="No trial of the run has this ID or an ID that begins with it, several IDs begin with it, or no trial "
        "has finished.",
        example="seqjobs export one --trial no-such-trial",
        fix="`seqjobs results` lists the trials of a run.",
    ),
    situation(
        "E613",
        "The trial has no log yet",
        meaning="The trial has not begun, or has not printed anything.",
        example="seqjobs logs one TRIAL  # before the trial begins",
        fix="Wait until the trial has ended.",
    ),
    situation(
        "E614",
        "The weights of the trial were not kept",
        meaning="A run keeps the weights of its best trials only, and this trial is not one of them, or failed.",
        example="seqjobs export one --trial 4f2  # the trial with rank 30",
        fix="Choose a trial with a model, or submit under another --run with a larger keep.best.",
    ),
    situation(
        "E617",
        "A part of the run is a symbolic link",
        meaning="A run has no links: a link in a run from somebody else may lead to files of yours, which would be "
        "read, moved or removed. Nothing was changed. The folder of the run itself may be a link, but not for `rm`.",
        example="ln -s /mnt/large/weights runs/one/weights; seqjobs show one",
        fix="Put the files themselves there. To keep runs on another disk, choose another --runs-dir.",
    ),
    situation(
        "E618",
        "No run has failed trials",
        meaning="`--retry-failed` trains the failed trials of an existing run again. No run of these specs and this "
        "data has failed trials, or trials that are left.",
        example="seqjobs submit digits.yaml --retry-failed  # after a run in which every trial finished",
        fix="Leave out --retry-failed to start a run. `seqjobs ls` shows which runs have failed trials.",
    ),
    situation(
        "E619",
        "The run's folder has files that seqjobs did not write",
        meaning="A run is removed whole or not at all, and files that seqjobs did not write are never removed. "
        "`seqjobs gc` leaves such a run.",
        example="cp notes.txt runs/one; seqjobs rm one",
        fix="Move these files to another folder, then run the same command again.",
    ),
)
