"""seqjobs completion: complete commands with the Tab key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Add `eval "$(seqjobs completion bash)"` to ~/.bashrc, or `eval "$(seqjobs completion zsh)"` to ~/.zshrc. For fish,
    run `seqjobs completion fish > ~/.config/fish/completions/seqjobs.fish`.
    """
    script = get_completion_class(shell)
    if script is not None:
        click.echo(script(ctx.find_root().command, {}, "seqjobs", "_SEQJOBS_COMPLETE").source())
