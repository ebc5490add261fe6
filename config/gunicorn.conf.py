# ruff: noqa: INP001 - gunicorn reads this file by its path
"""For those who start gunicorn themselves: ``gunicorn -c gunicorn.conf.py splynx_ippay.wsgi:app``.

``splynx-ippay serve`` does the same; the values stand in one place, splynx_ippay/wsgi.py.
"""

from splynx_ippay.base.settings import Deployment
from splynx_ippay.wsgi import gunicorn_settings

globals().update(gunicorn_settings(Deployment.load()))
