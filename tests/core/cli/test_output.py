from shortlist.cli.output import note, plain


def test_text_of_others_commands_no_terminal(capsys):
    note("a server says \x1b[2J\x07gone\nand more")
    assert capsys.readouterr().err == "a server says  [2J gone\nand more\n"
    assert [cell.plain for cell in plain("[red]\x1b[0m")] == ["[red] [0m"]
