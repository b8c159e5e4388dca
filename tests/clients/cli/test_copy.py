"""Import and export: whole trees, safe to repeat and to interrupt."""

import fcntl
import os
import signal

import pytest

from waiting import eventually

BIG = 70 << 20


@pytest.fixture
def tree(tmp_path):
    """A tree with what trees have."""
    root = tmp_path / "tree"
    (root / "static" / "deep" / "er").mkdir(parents=True)
    (root / "empty-folder").mkdir()
    (root / "index.html").write_text("<p>hello</p>")
    (root / "static" / "cat.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(500))
    (root / "static" / "really-a-png.jpg").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (root / "static" / "deep" / "er" / "ä +%&#?.bin").write_bytes(os.urandom(300_000))
    (root / "README").write_text("words\n")
    (root / "nothing").write_bytes(b"")
    os.utime(root / "index.html", ns=(0, 1_580_702_706_789_000_000))
    os.utime(root / "static" / "cat.jpg", ns=(0, 1_000_000_000_000_000_000))
    return root


FILES = 6


def content(root):
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            found[str(path.relative_to(root))] = (path.read_bytes(), stat.st_mtime_ns)
    return found


def reasons(done):
    return [line["reason"] for line in done.lines if line["event"] == "failed"]


def keys(site, prefix=""):
    pages = site.s3.get_paginator("list_objects_v2").paginate(Bucket=site.bucket, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", ())]


def test_a_tree_comes_back_as_it_went(site, tree, tmp_path):
    done = site.run("import", tree, "--bucket", site.bucket, "--prefix", "app").expect().last
    assert (done["copied"], done["failed"]) == (FILES, 0)
    assert set(keys(site)) == {f"app/{name}" for name in content(tree)}
    head = lambda name: site.s3.head_object(Bucket=site.bucket, Key=f"app/{name}")
    kinds = {
        "index.html": "text/html; charset=utf-8",
        "static/cat.jpg": "image/jpeg",
        "static/really-a-png.jpg": "image/png",
        "README": "text/plain; charset=utf-8",
        "nothing": "application/octet-stream",
    }
    assert {name: head(name)["ContentType"] for name in kinds} == kinds
    assert head("index.html")["Metadata"] == {"mtime": "1580702706.789"}
    assert head("static/cat.jpg")["Metadata"] == {"mtime": "1000000000"}
    assert "ContentEncoding" not in head("index.html")
    back = tmp_path / "back"
    done = site.run("export", back, "--bucket", site.bucket, "--prefix", "app").expect().last
    assert done["copied"] == FILES
    assert content(back) == content(tree)
    assert not (back / ".stowgate-export").exists()


def test_again_nothing_is_copied(site, tree, tmp_path):
    what = ("import", tree, "--bucket", site.bucket)
    site.run(*what).expect()
    again = site.run(*what).expect().last
    assert (again["copied"], again["skipped"]) == (0, FILES)
    os.utime(tree / "README")
    again = site.run(*what).expect().last
    assert (again["copied"], again["skipped"]) == (0, FILES), "the content is the same"
    checked = site.run(*what, "--checksum").expect().last
    assert (checked["copied"], checked["skipped"]) == (0, FILES)
    back = tmp_path / "back"
    site.run("export", back, "--bucket", site.bucket).expect()
    again = site.run("export", back, "--bucket", site.bucket).expect().last
    assert (again["copied"], again["skipped"]) == (0, FILES)


def test_what_changed_since_is_copied(site, tree, tmp_path):
    what = ("import", tree, "--bucket", site.bucket)
    site.run(*what).expect()
    back = tmp_path / "back"
    site.run("export", back, "--bucket", site.bucket).expect()
    (tree / "README").write_text("other words\n")
    assert site.run(*what).expect().last["copied"] == 1
    assert site.run("export", back, "--bucket", site.bucket).expect().last["copied"] == 1
    assert content(back) == content(tree)


def test_what_somebody_else_wrote_stays(site, tree, tmp_path):
    what = ("import", tree, "--bucket", site.bucket)
    site.run(*what).expect()
    site.s3.put_object(Bucket=site.bucket, Key="README", Body=b"the application's")
    kept = site.run(*what).expect(1)
    assert [line["path"] for line in kept.lines if line["event"] == "failed"] == ["README"]
    assert "--overwrite" in reasons(kept)[0]
    assert site.s3.get_object(Bucket=site.bucket, Key="README")["Body"].read()[:3] == b"the"
    assert site.run(*what, "--overwrite").expect().last["copied"] == 1
    assert site.s3.get_object(Bucket=site.bucket, Key="README")["Body"].read() == b"words\n"
    back = tmp_path / "back"
    site.run("export", back, "--bucket", site.bucket).expect()
    (back / "README").write_text("mine")
    kept = site.run("export", back, "--bucket", site.bucket).expect(1)
    assert "--overwrite" in reasons(kept)[0] and (back / "README").read_text() == "mine"
    site.run("export", back, "--bucket", site.bucket, "--overwrite").expect()
    assert (back / "README").read_text() == "words\n"


def test_links_and_odd_names_are_told_of(site, tree, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_text("secret")
    (tree / "link").symlink_to(secret / "file")
    (tree / "round").symlink_to(tree, target_is_directory=True)
    (tree / "away").symlink_to(secret, target_is_directory=True)
    os.mkfifo(tree / "pipe")
    with open(os.fsencode(tree) + b"/\xff\xfe", "wb") as file:
        file.write(b"x")
    deep = tree.joinpath(*["d" * 200] * 5)
    deep.mkdir(parents=True)
    (deep / ("f" * 200)).write_text("x")
    done = site.run("import", tree, "--bucket", site.bucket).expect(1)
    told = {line["path"]: line for line in done.lines if line["event"] in ("left_out", "failed")}
    assert {name for name, it in told.items() if it["event"] == "left_out"} == {
        "link",
        "round",
        "away",
        "pipe",
    }
    failed = reasons(done)
    assert any("UTF-8" in why for why in failed) and any("key" in why for why in failed)
    assert done.last["failed"] == 2 and done.last["copied"] == FILES
    assert "2 files failed" in done.err
    assert set(keys(site)) == {name for name in content(tree) if "ddd" not in name and "\udcff" not in name}


def test_keys_that_are_no_names_are_told_of(site, tmp_path):
    for key in ("good", "a/../b", "/root", "a//b", "folder/", "x/y", "x", "../out", "n" * 300):
        site.s3.put_object(Bucket=site.bucket, Key=key, Body=b"" if key == "folder/" else b"content")
    back = tmp_path / "back"
    done = site.run("export", back, "--bucket", site.bucket).expect(1)
    failed = {line["path"] for line in done.lines if line["event"] == "failed"}
    assert failed >= {"a/../b", "/root", "a//b", "../out", "n" * 300}
    # One of the two has to give way.
    assert len(failed - {"a/../b", "/root", "a//b", "../out", "n" * 300}) == 1
    assert (back / "good").read_text() == "content" and (back / "folder").is_dir()
    assert not (tmp_path / "out").exists() and not (tmp_path / "b").exists()


def test_export_follows_no_link_out_of_the_tree(site, tmp_path):
    out, back = tmp_path / "out", tmp_path / "back"
    out.mkdir(), back.mkdir()
    (back / "a").symlink_to(out, target_is_directory=True)
    site.s3.put_object(Bucket=site.bucket, Key="a/file", Body=b"x")
    done = site.run("export", back, "--bucket", site.bucket).expect(1)
    assert "symbolic link" in reasons(done)[0] and list(out.iterdir()) == []


def test_a_large_file_goes_in_parts(site, tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    (root / "big").write_bytes(os.urandom(1 << 20) * (BIG >> 20))
    site.run("import", root, "--bucket", site.bucket).expect()
    head = site.s3.head_object(Bucket=site.bucket, Key="big", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-2"') and head["ContentLength"] == BIG
    assert head["ChecksumType"] == "FULL_OBJECT" and "ChecksumCRC64NVME" in head
    os.utime(root / "big")
    again = site.run("import", root, "--bucket", site.bucket).expect().last
    assert again["skipped"] == 1
    back = tmp_path / "back"
    site.run("export", back, "--bucket", site.bucket).expect()
    assert (back / "big").read_bytes() == (root / "big").read_bytes()


def uploads(site):
    return site.s3.list_multipart_uploads(Bucket=site.bucket).get("Uploads", [])


def test_interrupted_it_leaves_nothing_half_done_and_goes_on(site, tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    for number in range(4):
        with open(root / f"big-{number}", "wb") as file:
            file.truncate(3 * BIG)
    what = ("import", root, "--bucket", site.bucket, "--concurrency", "2")
    process = site.run.begin(*what)
    eventually(lambda: uploads(site), 30, "an upload")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and b"run it again" in err
    assert uploads(site) == []
    process = site.run.begin(*what)
    eventually(lambda: uploads(site), 30, "an upload")
    process.kill()
    process.communicate(timeout=60)
    done = site.run(*what).expect().last
    assert done["copied"] + done["skipped"] == 4
    back = tmp_path / "back"
    process = site.run.begin("export", back, "--bucket", site.bucket, "--concurrency", "2")
    eventually(lambda: (back / ".stowgate-export").is_dir(), 30, "an export")
    process.kill()
    process.communicate(timeout=60)
    for path in back.rglob("big-*"):
        assert path.stat().st_size == 3 * BIG
    site.run("export", back, "--bucket", site.bucket).expect()
    assert sorted(path.name for path in back.iterdir()) == [f"big-{number}" for number in range(4)]
    assert all(path.stat().st_size == 3 * BIG for path in back.iterdir())


def test_the_bucket_is_made_where_that_is_wanted(site, tree):
    missing = site.run("import", tree, "--bucket", "fresh").expect(1)
    assert "--make-bucket" in missing.err
    assert site.run("import", tree, "--bucket", "fresh", "--make-bucket").expect()
    missing = site.run("export", tree, "--bucket", "other").expect(1)
    assert "there is no bucket other" in missing.err


def test_two_exports_do_not_meet(site, tmp_path):
    workshop = tmp_path / "back" / ".stowgate-export"
    workshop.mkdir(parents=True)
    lock = os.open(workshop, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    refused = site.run("export", tmp_path / "back", "--bucket", site.bucket).expect(1)
    os.close(lock)
    assert "another export" in refused.err
    site.run("export", tmp_path / "back", "--bucket", site.bucket).expect()


def test_on_a_terminal_there_is_a_bar_and_a_sentence(site, tree):
    (tree / "link").symlink_to(tree / "README")
    shown = site.run.terminal("import", tree, "--bucket", site.bucket).expect().out
    assert "left out link: it is a symbolic link" in shown
    assert "100%" in shown and f"{FILES}/{FILES} objects" in shown
    assert f"import: {FILES} files copied" in shown
    verbose = site.run.terminal("import", tree, "--bucket", site.bucket, "-v").expect().out
    assert "skipped README: it is there already" in verbose
    whole = site.run("import", tree, "--bucket", site.bucket, "--json").expect()
    assert len(whole.lines) == 1 and whole.last["failures"] == []
