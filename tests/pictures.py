"""`python -m tests.pictures`: run a real submit in a terminal and save its last screen as .github/submit.svg."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / ".github" / "submit.svg"
COMMAND = ("seqjobs", "submit", "jobs/quickstart.yaml")
COLUMNS, LINES = 100, 50

_CONTROL = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|\x1b[=>]|\r|\n|\x08|\x07")


class Screen:
    """What a terminal shows: text with styles, and the movements and deletions that progress displays use."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = [[]]  # each cell is a character and the SGR sequences in front of it
        self.row = self.column = 0
        self.style = ""

    def write(self, output: str) -> None:
        """Apply the output of a program."""
        end = 0
        for control in _CONTROL.finditer(output):
            self._put(output[end : control.start()])
            self._control(control)
            end = control.end()
        self._put(output[end:])

    def text(self) -> Text:
        """Return the screen as rich text, without empty lines at its end."""
        lines = ["".join(f"\x1b[0m{cell}" for cell in line) for line in self.lines]
        text = Text("\n").join(map(Text.from_ansi, lines))
        text.rstrip()
        return text

    def _put(self, characters: str) -> None:
        line = self.lines[self.row]
        line += [" "] * (self.column - len(line))
        for character in characters:
            line[self.column : self.column + 1] = [self.style + character]
            self.column += 1

    def _control(self, control: re.Match[str]) -> None:
        parameters, command = control[1] or "", control[2]
        count = int(parameters) if parameters.isdigit() else 1
        if control[0] == "\r" or command == "G":
            self.column = count - 1 if command else 0
        elif control[0] == "\n":
            self._move(1)
        elif control[0] == "\x08":
            self.column = max(0, self.column - 1)
        elif command == "m":
            self.style = "" if parameters in ("", "0") else self.style + control[0]
        elif command in ("A", "B"):
            self._move(-count if command == "A" else count)
        elif command == "K":
            line = self.lines[self.row]
            del line[0 if parameters == "2" else self.column :]
        elif command == "J":
            del self.lines[self.row + 1 :]
            del self.lines[self.row][self.column :]

    def _move(self, rows: int) -> None:
        self.row = max(0, self.row + rows)
        self.lines += [[] for _ in range(self.row + 1 - len(self.lines))]


def run_in_terminal(command: tuple[str, ...], folder: Path) -> str:
    """Run a command of this environment in a pseudo-terminal and return its output; raise if it fails."""
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    program = Path(sys.executable).parent / command[0]
    process = subprocess.Popen(
        [program, *command[1:]], cwd=folder, stdin=inside, stdout=inside, stderr=inside, env=environment
    )
    os.close(inside)
    output = b""
    while True:
        try:
            part = os.read(outside, 65536)
        except OSError:  # Linux reports the end of a terminal as an error
            break
        if not part:
            break
        output += part
    os.close(outside)
    if process.wait():
        raise RuntimeError(output.decode(errors="replace"))
    return output.decode()


def picture_of(text: Text, title: str) -> str:
    """Return an SVG of a terminal that shows the text; it loads no font from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(text, soft_wrap=False)
    form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title=title, code_format=form, unique_id="seqjobs")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines() if line.strip())


def main() -> int:
    """Make the picture of the README."""
    screen = Screen()
    screen.write(f"$ {' '.join(COMMAND)}\r\n")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs").symlink_to(ROOT / "jobs")
        screen.write(run_in_terminal(COMMAND, Path(folder)))
    PICTURE.parent.mkdir(exist_ok=True)
    text = screen.text().append("\n")  # the picture cuts off what hangs below its last line
    PICTURE.write_text(picture_of(text, "seqjobs"))
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
