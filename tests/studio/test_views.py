"""Pictures for the page: the last ones are kept, under names that only they have."""

import pytest
from werkzeug.test import Client

from tfgraphs.studio import server
from tfgraphs.studio.guard import Guard
from tfgraphs.studio.jobs import Jobs
from tfgraphs.studio.recent import Recent
from tfgraphs.studio.uploads import Uploads
from tfgraphs.studio.views import MOST, Views


def test_the_same_bytes_have_the_same_name():
    views = Views()
    assert views.add(b"one") == views.add(b"one") != views.add(b"two")


def test_the_oldest_are_forgotten():
    views = Views()
    names = [views.add(str(number).encode(), ".png") for number in range(MOST + 1)]
    assert views.get(names[0]) is None
    assert views.get(names[1]) == b"1"
    assert views.get(names[-1]) == str(MOST).encode()


def test_what_was_used_last_is_kept():
    recent = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get_or_make("a", lambda: pytest.fail("it is kept")) == 1
    assert recent.get_or_make("c", lambda: 3) == 3
    assert (recent.get("a"), recent.get("b"), len(recent)) == (1, None, 2)


def test_the_page_gets_a_view_by_its_name_and_nothing_else(tmp_path):
    class Tab:
        name, questions, works = "pairs", {}, {}

    views = Views()
    guard = Guard(80, ["localhost"])
    made = [Tab()], Jobs(tmp_path / "history"), Uploads(tmp_path / "uploads"), tmp_path, guard
    client = Client(server.Application(*made, views=views))
    headers = {"Host": "localhost:80"}
    for ending, kind in ((".jpg", "image/jpeg"), (".png", "image/png")):
        answer = client.get(f"/api/views/{views.add(b'picture', ending)}", headers=headers)
        assert (answer.data, answer.headers["Content-Type"]) == (b"picture", kind)
    (tmp_path / "secret.png").write_bytes(b"secret")
    for name in ("secret.png", "..%2fsecret.png", "../secret.png", "0" * 32 + ".jpg"):
        assert client.get(f"/api/views/{name}", headers=headers).status_code == 404
