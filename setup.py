"""Metadata of the distribution: the add-on and, beside it, its sandbox. Tools are configured in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

RUNTIME = [
    "alembic>=1.13,<2",
    "apscheduler>=3.10,<4",
    "bootstrap-flask>=2.3,<3",
    "cryptography>=42",
    "defusedxml>=0.7.1,<1",
    "flask>=3.0,<4",
    "flask-babel>=4,<5",
    "flask-login>=0.6.3,<1",
    "flask-wtf>=1.2,<2",
    "gunicorn>=22",
    "jinja2>=3.1,<4",
    "pymysql>=1.1,<2",
    "python-stdnum>=1.20",
    "requests>=2.31,<3",
    "segno>=1.6,<2",
    "sqlalchemy>=2.0.30,<2.1",
    "weasyprint>=68,<71",
]
SANDBOX = ["aiosmtpd>=1.4.6,<2", "flask>=3.0,<4", "jinja2>=3.1,<4", "requests>=2.31,<3", "defusedxml>=0.7.1,<1", "trustme>=1.1"]
DEVELOPMENT = [
    "axe-playwright-python>=0.1.4",
    "coverage[toml]>=7.4",
    "hypothesis>=6.100",
    "import-linter>=2.0",
    "mypy>=1.10",
    "pillow>=10",
    "playwright>=1.44",
    "pypdf>=4",
    "pytest>=8.2",
    "pytest-cov>=5",
    "pytest-xdist>=3.6",
    "ruff>=0.6",
    "types-defusedxml",
    "types-pymysql",
    "types-requests",
    "wheel",
    "zxing-cpp>=2.2",
]



class BuildWithTranslations(build_py):
    """Compiles the catalogues into what is built; compiled ones are not kept in the repository."""

    def run(self) -> None:
        """Copy as always, then write a .mo beside each .po."""
        super().run()
        if self.editable_mode:
            return
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        for po in Path(self.build_lib).glob("*/translations/*/LC_MESSAGES/*.po"):
            with po.open("rb") as words, po.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, read_po(words))


setup(
    cmdclass={"build_py": BuildWithTranslations},
    name="splynx-ippay",
    version="0.1.0",
    description="Cards and US bank debits for the Splynx billing server through the IPpay gateway",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["splynx_ippay*", "splynx_ippay_sandbox*"]),
    package_data={
        "splynx_ippay": [
            "templates/**/*", "portal/templates/**/*", "pay/templates/**/*", "admin/templates/**/*", "static/**/*",
            "translations/**/*", "host/config.json", "host/templates/**/*", "base/migrations/**/*",
        ],
        "splynx_ippay_sandbox": ["banks.txt", "templates/**/*", "static/**/*"],
    },
    install_requires=RUNTIME,
    extras_require={"sandbox": SANDBOX, "development": [*SANDBOX, *DEVELOPMENT]},
    entry_points={
        "console_scripts": [
            "splynx-ippay = splynx_ippay.cli:main",
            "splynx-ippay-sandbox = splynx_ippay_sandbox.cli:main",
        ],
    },
)
