"""Run by: .venv/bin/python -m unittest"""

import unittest

from plugin import serve_http
from servehttp.testing import call_handler


class PluginTest(unittest.IsolatedAsyncioTestCase):
    async def test_serves_a_page(self):
        response = await call_handler(serve_http)
        self.assertEqual(response.status, 200)
        self.assertIn("<h1>Hello from {{name}}</h1>", response.text)

    async def test_answers_404_to_every_other_path(self):
        response = await call_handler(serve_http, url="/nothing")
        self.assertEqual(response.status, 404)
