"""Completion of commands, options and names of scripts by the shell."""

from __future__ import annotations

import click

from relay.cli.options import examples


@click.command(
    epilog=examples(
        """echo 'eval "$(cronscope completion bash)"' >> ~/.bashrc""",
        """echo 'eval "$(cronscope completion zsh)"' >> ~/.zshrc""",
        "cronscope completion fish > ~/.config/fish/completions/cronscope.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that makes the shell complete commands, options and names of scripts."""
    from click.shell_completion import get_completion_class

    made_by = get_completion_class(shell)
    assert made_by is not None
    click.echo(made_by(context.find_root().command, {}, "cronscope", "_CRONSCOPE_COMPLETE").source())
