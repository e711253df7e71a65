"""The entry point: a fast path for what needs no library, then click, then one boundary for every error."""

from __future__ import annotations

import os
import sys

# Not from typing: importing it costs a third of the fast path. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    import click

    from cli.app import App


def entry() -> None:
    """The console script."""
    argv = sys.argv[1:]
    if "_TWAIN_COMPLETE" in os.environ:
        _complete(argv)
    if argv in (["--version"], ["-V"]):
        from cli.version import __version__

        sys.stdout.write(f"twain {__version__}\n")
        sys.exit(0)
    if argv in ([], ["--help"], ["-h"], ["help"]):
        from cli.table import root_help

        sys.stdout.write(root_help())
        sys.exit(0)
    if argv[:1] == ["completion"] and len(argv) == 2:
        from cli.completions import SCRIPTS

        if argv[1] in SCRIPTS:
            sys.stdout.write(SCRIPTS[argv[1]])
            sys.exit(0)
    _end_like_an_interrupt()
    sys.exit(run(argv))


def _end_like_an_interrupt() -> None:
    """SIGTERM ends a command as SIGINT does: what is held is given back, and the code is 8."""
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _complete(argv: list[str]) -> None:
    """Answer a shell's Tab: the first word at once, everything else by click, which knows the options."""
    from cli.completions import first_word

    told = first_word(dict(os.environ))
    if told is None:
        sys.exit(run(argv))
    sys.stdout.write(told)
    sys.exit(0)


def run(argv: list[str], app: App | None = None) -> int:
    """Run one command and return its exit code. Every error ends here."""
    from cli import errors
    from cli.app import App, Exit

    app = app if app is not None else App()
    try:
        if not _run_at_once(argv, app):
            build_root().main(args=argv, prog_name="twain", standalone_mode=False, obj=app)
    except Exit as done:
        return done.code
    except KeyboardInterrupt:
        return _failed(errors.CancelledByUserError("interrupted."), app, argv)
    except BrokenPipeError:
        return _closed_pipe()
    except Exception as error:  # noqa: BLE001 - the one boundary: what is not ours becomes a bug report
        return _failed(error, app, argv)
    return errors.OK


def _run_at_once(argv: list[str], app: App) -> bool:
    """Run `status`, the verb that must answer at once, without click. False where click has to read the words."""
    if argv[:1] != ["status"]:
        return False
    from cli import reading

    asked = reading.understand(argv[1:])
    if asked is None:
        return False
    from cli import status_screen

    app.context_name = asked.context or app.context_name
    status_screen.show(app, watch=None, scope=asked.scope, output=asked.output, timeout_s=asked.timeout)
    return True


def build_root() -> click.Group:
    """The root group. It imports no verb."""
    import click

    from cli import table
    from cli.app import App
    from cli.lazy import LazyGroup
    from cli.version import __version__

    @click.group(
        cls=LazyGroup,
        lazy=table.TABLE,
        help_text=table.root_help(),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        invoke_without_command=True,
    )
    @click.option("--context", "name", metavar="NAME", help="Act as this context.")
    @click.version_option(__version__, "-V", "--version", message="twain %(version)s")
    @click.pass_context
    def root(ctx: click.Context, name: str | None) -> None:
        if name:
            ctx.ensure_object(App).context_name = name
        if ctx.invoked_subcommand is None:
            click.echo(ctx.get_help())

    return root


def _failed(error: Exception, app: App, argv: list[str]) -> int:
    """Print an error and return its exit code. Everything about errors is imported here, when there is one.

    click ends a command by exceptions too: `Exit` after help, `Abort` for an interrupt.
    """
    import click

    from cli import errors, failures

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.Abort):
        error = errors.CancelledByUserError("interrupted.")
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx is not None else "twain"
        error = errors.UsageError(error.format_message(), fix=f"{command} --help", id="CFG-USAGE")
    known = failures.translate(error)
    if known is not None:
        return failures.show(known, app.console)
    return failures.bug(error, app.console, app.home, argv)


def _closed_pipe() -> int:
    """The reader has gone (`| head`): what it wanted it has. Keep the interpreter from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


if __name__ == "__main__":
    entry()
