"""`make pictures`: the job summary and the log of a failed build, as the README shows them.

A real run against the emulator; its own Markdown and its own log, rendered by a headless browser
(Debian's package chromium). Nothing in the pictures is drawn by hand.
"""

import html
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

from emulator.api import Credentials
from emulator.server import Emulator, Options

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "images"
SERVICE_SID = "ZS4d3c2b1a09f8e7d6c5b4a39281706f5e"
BUILD_SID = "ZB0f1e2d3c4b5a69788796a5b4c3d2e1f0"

_STYLE = """
body { font: 14px/1.5 "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; margin: 16px;
  color: #1f2328; background: #fff }
h3 { margin: 0 0 12px; font-size: 18px }
table { border-collapse: collapse } thead { display: none }
td { border: 1px solid #d1d9e0; padding: 6px 13px; vertical-align: top }
td:first-child { white-space: nowrap; font-weight: 600 } a { color: #0969da }
code { background: #eff1f3; border-radius: 6px; padding: 2px 5px }
body.log { background: #0d1117; color: #e6edf3; margin: 0; padding: 12px 16px }
pre { font: 12.5px/1.6 "DejaVu Sans Mono", monospace; margin: 0; white-space: pre-wrap }
.error { color: #ff7b72 }
"""


def run(folder: Path) -> tuple[str, str]:
    """Wait for a build that fails, as a step on GitHub does; its log and its job summary."""
    credentials = Credentials()
    summary = folder / "summary.md"
    with Emulator(Options(default=None, services={SERVICE_SID: "demo"})) as emulator:
        emulator.add_build(BUILD_SID, "failed", after="2s", service=SERVICE_SID)
        env = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(summary),
            "TWILIO_API_KEY": credentials.api_key,
            "TWILIO_API_SECRET": credentials.api_secret,
            "TWILIO_SERVICE_SID": SERVICE_SID,
            "TWILIO_BUILD_SID": BUILD_SID,
            "TWILIO_BASE_URL": emulator.url,
        }
        finished = subprocess.run(
            [sys.executable, str(ROOT / "entrypoint.py")],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if finished.returncode != 1:
        sys.exit(f"the build was to fail, exit {finished.returncode}:\n{finished.stdout}")
    return finished.stdout, summary.read_text("utf-8")


def log_page(log: str) -> str:
    """Lay a log out as GitHub does: masks are not shown, an error is red and without its marks."""
    lines = []
    for line in log.splitlines():
        if line.startswith("::add-mask::"):
            continue
        if error := re.fullmatch(r"::error title=[^:]*::(.*)", line):
            lines.append(f'<span class="error">Error: {html.escape(error[1])}</span>')
        else:
            lines.append(html.escape(line))
    return f'<body class="log"><pre>{"<br>".join(lines)}</pre>'


def picture(browser: str, body: str, name: str, size: tuple[int, int], folder: Path) -> None:
    """Write one picture of a page of so many pixels."""
    page = folder / f"{name}.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style>{body}", "utf-8")
    PICTURES.mkdir(parents=True, exist_ok=True)
    target = PICTURES / f"{name}.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    options += [f"--user-data-dir={folder / 'profile'}", "--force-device-scale-factor=2"]
    options += [f"--window-size={size[0]},{size[1]}", f"--screenshot={target}", page.as_uri()]
    subprocess.run([browser, *options], check=True, capture_output=True, timeout=60)
    print(f"wrote {target.relative_to(ROOT)}")


def main() -> int:
    """Make both pictures; the exit code."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        print("chromium is needed: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log, summary = run(folder)
        rendered = MarkdownIt("commonmark").enable("table").render(summary)
        picture(browser, f"<body>{rendered}", "summary", (960, 500), folder)
        picture(browser, log_page(log), "log", (960, 305), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
