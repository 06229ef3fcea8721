# SPDX-License-Identifier: MIT
import falcon


class Hello:
    def on_get(self, req, resp, name):
        resp.media = {"hello": name, "query": req.get_param("q")}

    def on_post(self, req, resp, name):
        resp.media = {"got": req.media, "name": name}


app = falcon.App()
app.add_route("/hello/{name}", Hello())
