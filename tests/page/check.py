"""Opens pages in headless Chromium and looks for what a test of their text cannot see: errors of scripts and of the content
policy, requests that leave the file, and content that is wider than the window.

    python tests/page/check.py chromium report.html [more.html …]
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--v=0", "--virtual-time-budget=4000",
]
# What the window measures of itself: it is put into the page's title by a frame around it, which the page cannot refuse.
PROBE = """<!DOCTYPE html><meta charset=utf-8><body style="margin:0">
<iframe id=f src="{page}" style="border:0;width:{width}px;height:2000px"></iframe>
<script>
f.onload = function () {{
  var d = f.contentDocument, out = {{ svg: d.querySelectorAll('svg').length, width: d.documentElement.scrollWidth }};
  out.asked = f.contentWindow.performance.getEntriesByType('resource').map(function (e) {{ return e.name; }});
  out.wide = Array.from(d.querySelectorAll('figure,table,p,h1,h2,h3,dl,.card')).filter(function (e) {{
    var scroll = e.closest('.scroll');
    return !(scroll && scroll !== e) && e.getBoundingClientRect().right > {width} + 1;
  }}).length;
  var plot = d.querySelector('.plot[data-n]');
  if (plot) {{
    var box = plot.getBoundingClientRect();
    plot.dispatchEvent(new f.contentWindow.PointerEvent('pointermove', {{ clientX: box.left + box.width / 2, clientY: box.top + 9 }}));
    out.tip = d.querySelector('.tip').textContent;
  }}
  document.body.innerHTML = '<pre>' + JSON.stringify(out).replace(/</g, '&lt;') + '</pre>';
}};
</script>"""


def chromium(program, *arguments):
    with tempfile.TemporaryDirectory() as profile:
        command = [program, *FLAGS, f"--user-data-dir={profile}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def check(program, page):
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for width in (1400, 400):
            # From one folder, so that the frame may be looked into.
            copy = pathlib.Path(folder, "page.html")
            copy.write_bytes(page.read_bytes())
            probe = pathlib.Path(folder, "probe.html")
            probe.write_text(PROBE.format(page="page.html", width=width))
            ran = chromium(
                program, f"--window-size={max(width, 500)},2000", "--allow-file-access-from-files", "--dump-dom", probe.as_uri()
            )
            console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
            faults += [f"{width}: {line}" for line in console]
            found = re.search(r"<pre>(.*)</pre>", ran.stdout, re.S)
            if not found:
                faults.append(f"{width}: the page did not load: {ran.stderr[-500:]}")
                continue
            seen = json.loads(found.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
            if seen["wide"] or seen["width"] > width:
                faults.append(f"{width}: {seen['wide']} parts are wider than the window ({seen['width']})")
            if "tip" in seen and "\n" not in seen["tip"]:
                faults.append(f"{width}: no figures under the pointer: {seen['tip']!r}")
            faults += [f"{width}: asks for {address}" for address in seen["asked"] if not address.startswith("data:")]
            print(f"{page.name} at {width}: {seen['svg']} pictures, {seen.get('tip', '')!r}")
    return faults


def main():
    program, pages = sys.argv[1], [pathlib.Path(page) for page in sys.argv[2:]]
    faults = [f"{page}: {fault}" for page in pages for fault in check(program, page)]
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
