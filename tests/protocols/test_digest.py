"""Digest against the example of RFC 2617 and headers that curl, requests, urllib and httpx sent to a probe."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from anju.errors import WireError
from anju.protocols.digest import (
    Credentials,
    Digests,
    Verdict,
    answered,
    authorization,
    ha1,
    read_authorization,
    read_challenge,
    signed,
)

AT = datetime(2026, 11, 22, 0, 15, 30, tzinfo=UTC)
CAMERA = ha1("51080200015030000101", "viid", "Kamera-2026")
RFC = (
    'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", '
    'response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
HEAD = 'Digest username="51080200015030000101", realm="viid", nonce="6740a1b2c3d4e5f60123456789abcdef", '
OPAQUE = 'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
REGISTER = 'uri="/VIID/System/Register", '
CURL = (
    f'{HEAD}{REGISTER}cnonce="ZjBiMDQwYTM3MDA1ZDhlN2MxMWMzZjM3NDg4Zjc0OWM=", nc=00000001, qop=auth, '
    f'response="a0caffd8eb31f5cd34cb370a68eb9f4c", {OPAQUE}, algorithm=MD5'
)
URLLIB = (
    f'{HEAD}{REGISTER}response="824c0f3e217b9df612838304e7e4dc20", {OPAQUE}, algorithm="MD5", qop=auth, '
    'nc=00000001, cnonce="a83c888a92657070"'
)
HTTPX = (
    f'{HEAD}uri="/VIID/Faces?a=%E5%B7%9D", response="e82d081d9fddbb773098adeee115c3b4", algorithm=MD5, {OPAQUE}, '
    'qop=auth, nc=00000001, cnonce="e7c3985f207ad70e"'
)
REQUESTS = (
    f'{HEAD}uri="/VIID/System/Keepalive", response="97ff9fef2badaf80ee336dcc40d4f5dd", {OPAQUE}, algorithm="MD5", '
    'qop="auth", nc=00000001, cnonce="c194adc7741238ec"'
)
CURL_OLD = f'{HEAD}{REGISTER}response="555f77f1fbcb34008ac1e19194384b27"'
REQUESTS_OLD = f'{HEAD}uri="/VIID/System/Keepalive", response="f262c66bb5b33423941dd499fb85d954"'
CURL_SESS = (
    f'{HEAD}{REGISTER}cnonce="MTc0YTZlMDkzNzM1ZWVlYTM1NjAxM2IyNTJiZDZhZDE=", nc=00000001, qop=auth, '
    f'response="7097cedc0186b136f0851f0bf455ef7e", {OPAQUE}, algorithm=MD5-sess'
)
HTTPX_SESS = (
    f'{HEAD}uri="/VIID/Faces?a=%E5%B7%9D", response="496bfcf8812da04f4d3a279533ac5746", algorithm=MD5-sess, {OPAQUE}, '
    'qop=auth, nc=00000001, cnonce="2d59b456cdca3b5a"'
)


def test_the_example_of_the_rfc_is_right() -> None:
    assert ha1("Mufasa", "testrealm@host.com", "Circle Of Life") == "939e7578ed9e3c518a452acee763bce9"
    assert read_authorization(RFC).proves("939e7578ed9e3c518a452acee763bce9", "GET")


@pytest.mark.parametrize("header", [CURL, URLLIB, HTTPX, REQUESTS], ids=["curl", "urllib", "httpx", "requests"])
def test_headers_of_other_programs_are_right(header: str) -> None:
    assert read_authorization(header).proves(CAMERA, "POST")


@pytest.mark.parametrize("header", [CURL_OLD, REQUESTS_OLD], ids=["curl", "requests"])
def test_answers_without_qop_are_right(header: str) -> None:
    assert read_authorization(header).proves(CAMERA, "POST")


@pytest.mark.parametrize("header", [CURL_SESS, HTTPX_SESS], ids=["curl", "httpx"])
def test_md5_sess_is_accepted_from_those_who_use_it(header: str) -> None:
    assert read_authorization(header).proves(CAMERA, "POST")


@pytest.mark.parametrize(
    "header",
    [
        CURL.replace(", ", ","),
        CURL.replace("a0caffd8eb31f5cd34cb370a68eb9f4c", "A0CAFFD8EB31F5CD34CB370A68EB9F4C"),
        CURL.replace("qop=auth", 'qop="auth"').replace("nc=00000001", 'nc="00000001"').replace("=MD5", '="MD5"'),
        CURL.replace(f", {OPAQUE}", ""),
        CURL.replace(OPAQUE, 'opaque=""'),
        CURL.replace("Digest username", "digest  USERNAME"),
        CURL.replace('realm="viid"', "realm=viid"),
    ],
)
def test_the_same_answer_in_another_dress_is_right(header: str) -> None:
    assert read_authorization(header).proves(CAMERA, "POST")


def test_an_unpadded_count_is_hashed_as_it_was_received() -> None:
    # MD5(HA1:6740…:1:abc:auth:MD5(POST:/VIID/Faces)) by md5sum
    header = f'{HEAD}uri="/VIID/Faces", qop=auth, nc=1, cnonce="abc", response="12bb6b282721e02c58c77636f3c36a06"'
    assert read_authorization(header).proves(CAMERA, "POST")


@pytest.mark.parametrize(
    ("header", "method"),
    [
        (CURL, "GET"),
        (CURL.replace("Register", "Faces"), "POST"),
        (CURL.replace("nc=00000001", "nc=00000002"), "POST"),
        (CURL.replace("qop=auth", "qop=auth-int"), "POST"),
        (CURL.replace("algorithm=MD5", "algorithm=SHA-256"), "POST"),
        (CURL.replace('response="a0', 'response="b0'), "POST"),
        (CURL.replace('response="a0caffd8eb31f5cd34cb370a68eb9f4c"', 'response=""'), "POST"),
    ],
)
def test_anything_changed_is_wrong(header: str, method: str) -> None:
    assert not read_authorization(header).proves(CAMERA, method)


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Digest", 'Digest username="a"', "Digest " + "a=b," * 2000])
def test_what_is_no_digest_answer_says_so(header: str) -> None:
    with pytest.raises(WireError):
        read_authorization(header)


def test_a_name_in_chinese_is_read_in_either_charset() -> None:
    for charset in ("utf-8", "gb18030"):
        header = CURL.replace("51080200015030000101", "门口相机".encode(charset).decode("latin-1"))
        assert read_authorization(header).username == "门口相机"


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("/VIID/Faces", "/VIID/Faces"),
        ("http://192.0.2.1:8080/VIID/Faces?a=1", "/VIID/Faces?a=1"),
        ("/VIID/Faces?a=%E5%B7%9D", "/VIID/Faces?a=川"),
        ("//VIID//Faces/", "/VIID/Faces"),
    ],
)
def test_the_uri_counts_in_its_normal_form(uri: str, target: str) -> None:
    assert replace(read_authorization(CURL), uri=uri).meant_for(target)


def test_an_answer_for_one_target_does_not_open_another() -> None:
    digests = Digests(b"key")
    given = attempt(digests, uri="/VIID/System/Keepalive")
    assert judged(digests, given, target="/VIID/Faces") is Verdict.WRONG


def test_the_challenge_has_its_parts_in_the_order_old_clients_look_for() -> None:
    told = Digests(b"key").challenge(AT)
    names = [each.split("=")[0] for each in told.removeprefix("Digest ").split(", ")]
    assert names == ["realm", "qop", "nonce", "opaque", "algorithm"]
    assert set(read_challenge(told).nonce) <= set("0123456789abcdef")
    assert 'qop="auth"' in told


def test_a_fresh_nonce_is_right_for_its_whole_life_and_stale_after() -> None:
    digests = Digests(b"key", lifetime=timedelta(minutes=5))
    given = attempt(digests)
    assert judged(digests, given, at=AT + timedelta(minutes=5)) is Verdict.RIGHT
    assert judged(digests, given, at=AT + timedelta(minutes=5, seconds=1)) is Verdict.STALE


def test_a_challenge_after_a_stale_nonce_is_good_at_once() -> None:
    digests, later = Digests(b"key"), AT + timedelta(days=1)
    assert judged(digests, attempt(digests), at=later) is Verdict.STALE
    assert read_challenge(digests.challenge(later, stale=True)).stale
    assert judged(digests, attempt(digests, at=later), at=later) is Verdict.RIGHT


def test_one_nonce_serves_many_requests_with_a_rising_count() -> None:
    digests = Digests(b"key")
    asked = read_challenge(digests.challenge(AT))
    for count in range(1, 20):
        given = answered(asked, "cam", "secret", method="POST", uri="/VIID/Faces", count=count)
        assert judged(digests, given) is Verdict.RIGHT


def test_two_processes_with_one_key_know_each_others_nonces() -> None:
    assert judged(Digests(b"key"), attempt(Digests(b"key"))) is Verdict.RIGHT
    assert judged(Digests(b"key"), attempt(Digests(b"other"))) is Verdict.STALE


def test_a_wrong_password_is_wrong_and_never_stale() -> None:
    digests = Digests(b"key")
    given = signed(attempt(digests), "guess", "POST")
    assert judged(digests, given) is Verdict.WRONG
    assert judged(digests, given, at=AT + timedelta(days=1)) is Verdict.WRONG


def test_an_unknown_account_is_wrong() -> None:
    digests = Digests(b"key")
    assert judged(digests, attempt(digests), known=False) is Verdict.WRONG


@pytest.mark.parametrize("nonce", ["", "0", "x" * 56, "f" * 56, "川" * 56])
def test_an_invented_nonce_proves_nothing_fresh(nonce: str) -> None:
    digests = Digests(b"key")
    given = signed(replace(attempt(digests), nonce=nonce), "secret", "POST")
    assert judged(digests, given) is Verdict.STALE


def test_our_client_answers_the_challenge_of_the_rfc_as_the_rfc_says() -> None:
    bare = replace(read_authorization(RFC), response="")
    assert signed(bare, "Circle Of Life", "GET").response == "6629fae49393a05397450978507c4ef1"


def test_our_client_speaks_the_old_way_where_no_qop_is_offered() -> None:
    asked = read_challenge('Digest realm="viid", nonce="6740a1b2c3d4e5f60123456789abcdef"')
    given = answered(asked, "51080200015030000101", "Kamera-2026", method="POST", uri="/VIID/System/Register")
    assert given.response == "555f77f1fbcb34008ac1e19194384b27"
    assert "qop" not in authorization(given)


def test_of_several_protections_the_client_takes_auth_and_refuses_what_it_cannot() -> None:
    assert read_challenge('Digest realm="v", nonce="1", qop="auth-int,auth"').qop == "auth"
    for header in ('Digest realm="v", nonce="1", qop="auth-int"', 'Digest realm="v", nonce="1", algorithm=SHA-256'):
        with pytest.raises(WireError):
            read_challenge(header)


def test_what_the_client_writes_is_what_the_server_reads() -> None:
    given = attempt(Digests(b"key"))
    assert read_authorization(authorization(given)) == given


def attempt(digests: Digests, *, at: datetime = AT, uri: str = "/VIID/Faces") -> Credentials:
    return answered(read_challenge(digests.challenge(at)), "cam", "secret", method="POST", uri=uri)


def judged(
    digests: Digests, given: Credentials, *, at: datetime = AT, target: str = "/VIID/Faces", known: bool = True
) -> Verdict:
    stored = ha1("cam", "viid", "secret") if known else None
    return digests.judge(given, stored, method="POST", target=target, at=at)
