"""`weldgate vault ...`: how the commands about the keys of personal fields are called. Refuses work of its own."""

import typer

vault = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@vault.command("rotate")
def vault_rotate() -> None:
    """Add a key that seals from now on; the old ones still open. Then start api and dispatch again."""
    from weld.cli import vault_keys

    raise typer.Exit(vault_keys.rotate())


@vault.command("reseal")
def vault_reseal() -> None:
    """Seal everything anew with the current key; progress on stderr, {"worker": N, ...} on stdout. May be repeated."""
    from weld.cli import vault_keys

    raise typer.Exit(vault_keys.reseal())
