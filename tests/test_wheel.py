"""The wheel holds everything: installed alone, from another directory, it serves, migrates and speaks three languages."""

import os
import socket
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the files that are committed or about to be."""
    source = tmp_path_factory.mktemp("source")
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    # Built with the tools that are here: no isolation, so no download.
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                    "--wheel-dir", out, source], cwd=source, check=True, timeout=300)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An empty environment that has the wheel and, by reference, the dependencies; not this working tree."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Plain paths only: the editable install of this tree works by a .pth of its own, which is not read from here.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin" / "python"


def run(python, *arguments, cwd, **environ):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE", "COV_CORE"))}
    return subprocess.run([python, *map(str, arguments)], cwd=cwd, env=clean | {key: str(value) for key, value in environ.items()},
                          capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture
def elsewhere(tmp_path):
    """A deployment in a folder that has nothing to do with the source."""
    ini = tmp_path / "splynx-ippay.ini"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    ini.write_text(f"[splynx-ippay]\ndatabase_url = sqlite:///{tmp_path}/data.sqlite3\nkey_file = {tmp_path}/keys\n"
                   f"spool_dir = {tmp_path}/spool\nlisten = {listen}\naddon_dir = {tmp_path}/addon\n", encoding="utf-8")
    return tmp_path, ini, f"http://{listen}"


def test_the_installed_package_is_not_this_working_tree(installed, tmp_path):
    where = run(installed, "-c", "import splynx_ippay; print(splynx_ippay.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where


def test_the_wheel_holds_templates_translations_static_files_widgets_and_migrations(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    def has(start, end):
        return any(name.startswith(start) and name.endswith(end) for name in names)

    assert has("splynx_ippay/templates/", ".html")
    for door in ("portal", "pay", "admin"):
        assert has(f"splynx_ippay/{door}/templates/{door}/", ".html")
    assert has("splynx_ippay/static/", ".css")
    assert has("splynx_ippay/base/migrations/versions/", ".py")
    assert has("splynx_ippay/host/templates/", ".twig")
    for language in ("fr", "es"):
        assert has(f"splynx_ippay/translations/{language}/", ".mo")
    assert has("splynx_ippay_sandbox/templates/", ".html")
    assert not [name for name in names if name.startswith(("tests", "benchmarks", ".demo"))]


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    listed = subprocess.run(["git", "ls-files", "-z", "splynx_ippay", "splynx_ippay_sandbox"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout.split("\0")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert [name for name in listed if name and (ROOT / name).is_file() and name not in names] == []


def test_the_installed_wheel_serves_every_door_from_another_directory(installed, elsewhere, wait_until):
    folder, ini, address = elsewhere
    for command in ("make-key", "migrate"):
        run(installed, "-m", "splynx_ippay.cli", command, cwd=folder, SPLYNX_IPPAY_INI=ini)
    with (folder / "serve.log").open("w") as log:
        server = subprocess.Popen([installed, "-m", "splynx_ippay.cli", "serve"], cwd=folder, stdout=log, stderr=log,
                                  env=os.environ | {"SPLYNX_IPPAY_INI": str(ini)})
    session = requests.Session()
    session.trust_env = False

    def get(path, **kwargs):
        try:
            return session.get(address + path, timeout=10, allow_redirects=False, **kwargs)
        except requests.ConnectionError:
            return None

    try:
        wait_until(lambda: (answer := get("/ippay/healthz")) is not None and answer.ok, what="the web program starting")
        assert get("/ippay/static/ippay.css").status_code == 200
        # Nobody is logged in and no host is configured: each door answers with a page or sends to the login, never a crash.
        for path in ("/ippay/", "/ippay/credentials", "/ippay/admin/", "/ippay/direct-pay-invoice?item_id=1",
                     "/ippay/direct-pay-invoice-by-id?item_id=1", "/ippay/direct-pay-proforma?item_id=1",
                     "/ippay/direct-pay-proforma-by-id?item_id=1", "/ippay/l/nothing"):
            answer = get(path)
            assert answer.status_code != 500, f"{path}: {(folder / 'serve.log').read_text()[-2000:]}"
        pages = {}
        for language in ("en", "fr", "es"):
            (folder / "addon" / "config").mkdir(parents=True, exist_ok=True)
            (folder / "addon" / "config" / "config.ini.php").write_text(f"[common]\nlanguage = {language}\n", encoding="utf-8")
            pages[language] = get("/ippay/direct-pay-invoice?item_id=1").text
            assert f'<html lang="{language}"' in pages[language]
        buttons = {language: page.partition("<button")[2].partition("</button>")[0] for language, page in pages.items()}
        assert len(set(buttons.values())) == 3, f"three languages, three buttons: {buttons}"
    finally:
        server.terminate()
        server.wait(20)
